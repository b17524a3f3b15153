#include "api/event_representation.h"

#include <algorithm>
#include <utility>

#include "api/event_data.h"

namespace mintmark {
namespace {

namespace json = boost::json;

json::value text_or_null(std::string_view text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

// What the thing is called now; nothing where it is not there any more or has no name.
std::string name_of(const Services& services, AuditObject object) {
  if (object.kind == "token") {
    const auto id = TokenId::parse(object.id);
    const auto row = id ? services.token_list.find(*id) : std::nullopt;
    return row ? row->name() : "";
  }
  if (object.kind == "user") {
    const auto id = UserId::parse(object.id);
    const auto row = id ? services.directory.user(*id) : std::nullopt;
    return row ? row->name() : "";
  }
  if (object.kind == "webhook") {
    const auto id = WebhookId::parse(object.id);
    const auto row = id ? services.webhooks.find(*id) : std::nullopt;
    return row ? row->label() : "";
  }
  if (object.kind == "extension") {
    const auto id = ExtensionId::parse(object.id);
    const auto row = id ? services.extensions.find(*id) : std::nullopt;
    return row ? row->details().name() : "";
  }
  if (object.kind == "account") {
    const auto id = AccountId::parse(object.id);
    const auto row = id ? services.directory.account(*id) : std::nullopt;
    return row ? row->name() : "";
  }
  return "";
}

// The log's events at the positions, which ascend.
std::vector<Recorded> read_events(EventLog& log, const std::vector<Position>& positions) {
  std::vector<Recorded> events;
  events.reserve(positions.size());
  for (std::size_t i = 0; i < positions.size();) {
    auto end = i + 1;
    while (end < positions.size() && positions[end] == positions[end - 1] + 1) ++end;
    for (auto& event : log.read(positions[i] - 1, end - i)) events.push_back(std::move(event.recorded));
    i = end;
  }
  return events;
}

}  // namespace

json::array EventRepresentation::events(const std::vector<Position>& positions) {
  auto ascending = positions;
  const bool is_reversed = ascending.size() > 1 && ascending.front() > ascending.back();
  if (is_reversed) std::ranges::reverse(ascending);
  json::array shown;
  for (const auto& recorded : read_events(services_.log, ascending)) shown.push_back(event(recorded));
  if (is_reversed) std::ranges::reverse(shown);
  return shown;
}

json::object EventRepresentation::event(const Recorded& recorded) {
  const auto object = audit_object(recorded.stream());
  return {
      {"position", recorded.position()},
      {"id", uuid_text(recorded.event_id())},
      {"type", event_type(recorded.event())},
      {"at", format_time_exact(Time(std::chrono::microseconds(recorded.recorded_at_us())))},
      {"object",
       {{"kind", object.kind},
        {"id", text_or_null(object.id)},
        {"name", object_name(object_stream(recorded.stream()))}}},
      {"actor", actor(recorded.actor())},
      {"client_ip", text_or_null(recorded.client_ip())},
      {"request_id", text_or_null(recorded.request_id())},
      {"data", render_event_data(recorded.event())},
  };
}

const json::value& EventRepresentation::object_name(const std::string& stream) {
  const auto [found, is_new] = names_.try_emplace(stream);
  if (is_new) found->second = text_or_null(name_of(services_, audit_object(stream)));
  return found->second;
}

const json::object& EventRepresentation::actor(const Actor& actor) {
  const auto [found, is_new] = actors_.try_emplace(std::to_string(actor.kind()) + actor.id());
  if (!is_new) return found->second;
  auto& shown = found->second;
  shown = {
      {"kind", actor_kind_name(actor.kind())}, {"id", actor.id()}, {"name", nullptr}, {"email", nullptr}};
  if (actor.kind() == Actor::USER) {
    const auto id = UserId::parse(actor.id());
    const auto row = id ? services_.directory.user(*id) : std::nullopt;
    if (row && row->account_id() == account_) {
      shown["name"] = text_or_null(row->name());
      shown["email"] = text_or_null(row->email());
    }
  } else if (actor.kind() == Actor::TOKEN) {
    const auto id = TokenId::parse(actor.id());
    const auto row = id ? services_.token_list.find(*id) : std::nullopt;
    if (row && row->account_id() == account_) shown["name"] = text_or_null(row->name());
  } else {
    shown["name"] = actor.id();
  }
  return shown;
}

}  // namespace mintmark
