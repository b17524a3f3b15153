#include "api/conditions.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <fmt/format.h>

#include "api/header_field.h"
#include "api/routes.h"
#include "api/rql.h"
#include "domain/ids.h"

namespace mintmark {
namespace {

constexpr std::string_view position_field = "Mintmark-Position";
constexpr std::string_view min_position_name = "min_position";

// What is in streams of its own, and shown under an id in the path.
struct Collection {
  std::string_view path;
  std::string_view stream_prefix;
  std::size_t parameter;  // which of the path's holds the id
};
// The longer paths first.
constexpr std::array collections = std::to_array<Collection>({
    {"/public/v1/accounts/{id}/users/{", "user-", 1},
    {"/public/v1/accounts/{", "account-", 0},
    {"/public/v1/auth/tokens/{", "token-", 0},
    {"/public/v1/extensions/{", "extension-", 0},
    {"/public/v1/notifications/webhooks/{", "webhook-", 0},
});

bool is_id_text(std::string_view text) {
  constexpr std::size_t id_max = 32;
  return !text.empty() && text.size() <= id_max && std::ranges::all_of(text, [](char c) {
    return (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-';
  });
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = !text.empty() && code == std::errc() && end == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

std::unexpected<Error> malformed_if_match() {
  return fail(ErrorKind::kInvalid, "If-Match: Must be * or a list of entity tags such as \"3\".");
}

// Takes one entity tag (RFC 9110, 8.8.3) off the text; nothing where there is none. What is within its
// quotes.
struct EntityTag {
  bool weak;
  std::string_view opaque;
};
std::optional<EntityTag> take_entity_tag(std::string_view& text) {
  const bool weak = text.starts_with("W/");
  if (weak) text.remove_prefix(2);
  if (!text.starts_with('"')) return std::nullopt;
  const auto end = text.find('"', 1);
  if (end == std::string_view::npos) return std::nullopt;
  const auto opaque = text.substr(1, end - 1);
  text.remove_prefix(end + 1);
  const bool visible =
      std::ranges::none_of(opaque, [](char c) { return (c >= 0 && c <= 0x20) || c == 0x7F; });
  return visible ? std::optional(EntityTag{weak, opaque}) : std::nullopt;
}

// What a term of a query says that a parameter is; nothing where it is about something else.
std::optional<std::string_view> value_of(std::string_view term, std::string_view name) {
  constexpr std::string_view call = "eq(";
  constexpr std::string_view comparison = "eq=";
  const bool is_call = term.starts_with(call) && term.ends_with(')');
  if (is_call) term = term.substr(call.size(), term.size() - call.size() - 1);
  if (!term.starts_with(name)) return std::nullopt;
  term.remove_prefix(name.size());
  if (!term.starts_with(is_call ? ',' : '=')) return std::nullopt;
  term.remove_prefix(1);
  if (!is_call && term.starts_with(comparison)) term.remove_prefix(comparison.size());
  return term;
}

std::unexpected<Error> given_twice(std::string_view name) {
  return fail(ErrorKind::kInvalid, fmt::format("{}: Given more than once.", name));
}

// In a query that is none of a list's.
Result<std::optional<std::string>> find_in_terms(std::string_view query, std::string_view name) {
  std::optional<std::string> value;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    const auto found = value_of(query.substr(0, end), name);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (!found) continue;
    if (value) return given_twice(name);
    value.emplace(*found);
  }
  return value;
}

struct FoundParameter {
  std::optional<std::string> value;
  std::size_t count = 0;
  bool is_condition = false;  // it stands where it asks for some rows and not for others
};

// Looks through a query's filter, in which parameters that lists do not know look like conditions.
void find_in(const rql::Expression& expression, std::string_view name, bool holds_always,
             FoundParameter& found) {
  using Kind = rql::Expression::Kind;
  if (expression.kind == Kind::kComparison) {
    if (expression.op != rql::Operator::kEq || expression.field != name) return;
    found.value = expression.values.front().text;
    found.is_condition = found.is_condition || !holds_always;
    ++found.count;
  }
  for (const auto& part : expression.parts) {
    find_in(part, name, holds_always && expression.kind == Kind::kAnd, found);
  }
}

bool names_a_resource(std::string_view stream) {
  return std::ranges::any_of(collections, [stream](const Collection& collection) {
    return stream.starts_with(collection.stream_prefix);
  });
}

}  // namespace

bool Precondition::holds(std::uint64_t oldest, std::uint64_t newest) const {
  if (newest == 0 || stream.empty()) return false;
  const auto fits = [=](std::uint64_t version) { return oldest <= version && version <= newest; };
  return any || std::ranges::any_of(versions, fits);
}

bool leaves_unchanged(const Event& event) {
  constexpr std::array leaving = std::to_array<Event::KindCase>({
      Event::kTokenRevealed,
      Event::kHandleExchanged,
      Event::kTokenExpiring,
      Event::kTokenExpired,
      Event::kTokenRenewalCompleted,
      Event::kZapierConnectionIssued,
      Event::kZapierProvisioningFailed,
      Event::kWebhookTriggered,
      Event::kWebhookTestRequested,
      Event::kWebhookPaused,
      Event::kWebhookResumed,
      Event::kPasswordSet,
      Event::kSessionsEnded,
  });
  return std::ranges::find(leaving, event.kind_case()) != leaving.end();
}

void WriteOutcome::note(const std::string& stream, std::uint64_t version) {
  const auto known = std::ranges::find(versions, stream, [](const auto& entry) { return entry.first; });
  if (known == versions.end()) {
    versions.emplace_back(stream, version);
  } else {
    known->second = version;
  }
}

std::optional<std::string> resource_stream(const RouteMatch& match) {
  const auto found = std::ranges::find_if(collections, [&match](const Collection& collection) {
    return match.route->path.starts_with(collection.path);
  });
  if (found == collections.end()) return std::nullopt;
  const auto id = match.parameters[found->parameter];
  if (!is_id_text(id)) return std::nullopt;
  return fmt::format("{}{}", found->stream_prefix, id);
}

bool is_single_resource(const RouteMatch& match) {
  return match.route->path.ends_with('}');
}

bool names_one_thing(const RouteMatch& match) {
  return match.route->path.find('{') != std::string_view::npos;
}

Result<std::optional<Precondition>> read_precondition(const http::Request& request, std::string stream) {
  const auto field = request.header("If-Match");
  if (!field) return std::nullopt;
  if (request.header_count("If-Match") > 1) return malformed_if_match();
  Precondition precondition{std::move(stream), false, {}};
  auto text = trim_field(*field);
  if (text == "*") {
    precondition.any = true;
    return precondition;
  }
  for (;;) {
    const auto tag = take_entity_tag(text);
    if (!tag) return malformed_if_match();
    const auto version = parse_number<std::uint64_t>(tag->opaque);
    // Only the very text that we send: not "03".
    if (version && !tag->weak && std::to_string(*version) == tag->opaque) {
      precondition.versions.push_back(*version);
    }
    text = trim_field(text);
    if (text.empty()) return precondition;
    if (!text.starts_with(',')) return malformed_if_match();
    text = trim_field(text.substr(1));
  }
}

Result<std::optional<std::string>> find_parameter(const http::Request& request, std::string_view name) {
  if (request.query().empty()) return std::nullopt;
  const auto query = parse_list_query(request.query());
  if (!query) return find_in_terms(request.query(), name);
  if (name == min_position_name) return query->min_position;
  FoundParameter found;
  find_in(query->filter, name, true, found);
  if (found.count > 1) return given_twice(name);
  if (found.is_condition) {
    return fail(ErrorKind::kInvalid, fmt::format("{}: May not stand under an or or a not.", name));
  }
  return std::move(found.value);
}

std::optional<Position> parse_position(std::string_view text) {
  return parse_number<Position>(text);
}

Result<Position> read_min_position(const http::Request& request) {
  const auto given = find_parameter(request, min_position_name);
  if (!given) return std::unexpected(given.error());
  const auto wanted =
      *given ? std::optional<std::string_view>(**given) : request.header("Mintmark-Min-Position");
  if (!wanted) return 0;
  const auto position = parse_position(*wanted);
  if (!position) return fail(ErrorKind::kInvalid, "min_position: Must be a position, a whole number.");
  return *position;
}

std::string entity_tag(std::uint64_t version) {
  return fmt::format("\"{}\"", version);
}

void add_outcome(http::Response& response, const WriteOutcome& outcome,
                 const std::optional<std::string>& stream) {
  if (response.status >= 300) return;
  const bool told =
      std::ranges::any_of(response.headers, [](const auto& field) { return field.first == position_field; });
  if (!told && outcome.position > 0) {
    response.headers.emplace_back(position_field, std::to_string(outcome.position));
  }
  if (response.body.empty()) return;
  for (const auto& [name, version] : outcome.versions) {
    const bool shown = response.status == 201 ? names_a_resource(name) : stream && name == *stream;
    if (!shown) continue;
    response.headers.emplace_back("ETag", entity_tag(version));
    return;
  }
}

}  // namespace mintmark
