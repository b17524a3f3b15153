#include "api/replay.h"

#include <algorithm>
#include <charconv>
#include <utility>
#include <vector>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/event_data.h"
#include "projections/audit_index.h"

namespace mintmark {
namespace {

namespace json = boost::json;

constexpr std::size_t batch_events = 512;
constexpr std::size_t cached_streams_max = 100'000;

std::string render_json(const Recorded& recorded) {
  const json::object line{
      {"position", recorded.position()},
      {"recorded_at", format_time_exact(Time(std::chrono::microseconds(recorded.recorded_at_us())))},
      {"type", event_type(recorded.event())},
      {"stream", recorded.stream()},
      {"version", recorded.version()},
      {"actor", {{"kind", actor_kind_name(recorded.actor().kind())}, {"id", recorded.actor().id()}}},
      {"event_id", uuid_text(recorded.event_id())},
      {"causation_id", uuid_text(recorded.causation_id())},
      {"correlation_id", uuid_text(recorded.correlation_id())},
      {"request_id", recorded.request_id()},
      {"client_ip", recorded.client_ip()},
      {"data", render_event_data(recorded.event())},
  };
  return json::serialize(line);
}

std::string render_text(const Recorded& recorded) {
  auto line = fmt::format("{:>8}  {}  {:<24} {}@{}  by {} {}", recorded.position(),
                          format_time(Time(std::chrono::microseconds(recorded.recorded_at_us()))),
                          event_type(recorded.event()), recorded.stream(), recorded.version(),
                          actor_kind_name(recorded.actor().kind()), recorded.actor().id());
  for (const auto& [name, value] : render_event_data(recorded.event())) {
    line += fmt::format("  {}={}", std::string_view(name), json::serialize(value));
  }
  return line;
}

// Whether it is a date without a time, which parse_time() takes for its midnight.
bool is_bare_date(std::string_view text) {
  return text.find('T') == std::string_view::npos;
}

// A position, or a date.
Result<void> parse_bound(const json::object& object, std::string_view name, std::optional<Position>& position,
                         std::optional<Time>& time) {
  const auto* value = object.if_contains(name);
  if (!value) return {};
  const std::string text(value->is_string() ? std::string_view(value->as_string()) : "");
  Position number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (!text.empty() && code == std::errc() && end == text.data() + text.size()) {
    position = number;
    return {};
  }
  time = parse_time(text);
  if (!time)
    return fail(ErrorKind::kInvalid, fmt::format("{}: Must be a position or an ISO 8601 date.", name));
  return {};
}

template <class Id>
Result<void> parse_id(const json::object& object, std::string_view name, std::optional<Id>& id) {
  const auto* value = object.if_contains(name);
  if (!value) return {};
  if (value->is_string()) id = Id::parse(value->as_string());
  if (!id) return fail(ErrorKind::kInvalid, fmt::format("{}: Not such an id.", name));
  return {};
}

Result<void> parse_text(const json::object& object, std::string_view name, std::optional<std::string>& text) {
  const auto* value = object.if_contains(name);
  if (!value) return {};
  if (!value->is_string()) return fail(ErrorKind::kInvalid, fmt::format("{}: Must be a string.", name));
  text = value->as_string();
  return {};
}

}  // namespace

Result<ReplayOptions> ReplayOptions::parse(const json::object& object) {
  ReplayOptions options;
  std::optional<Position> from;
  if (auto ok = parse_bound(object, "from", from, options.from_time); !ok) return std::unexpected(ok.error());
  if (auto ok = parse_bound(object, "to", options.to, options.to_time); !ok)
    return std::unexpected(ok.error());
  // Up to a day is to that day's end.
  if (options.to_time && is_bare_date(object.at("to").as_string()))
    *options.to_time += std::chrono::days(1) - std::chrono::microseconds(1);
  if (from) options.from = std::max<Position>(*from, 1);
  if (auto ok = parse_id(object, "token", options.token); !ok) return std::unexpected(ok.error());
  if (auto ok = parse_id(object, "account", options.account); !ok) return std::unexpected(ok.error());
  if (auto ok = parse_text(object, "actor", options.actor); !ok) return std::unexpected(ok.error());
  if (auto ok = parse_text(object, "type", options.type); !ok) return std::unexpected(ok.error());
  if (options.type && !is_event_type(*options.type)) {
    return fail(ErrorKind::kInvalid, "type: There is no such event, see domain/events.proto.");
  }
  if (const auto* as_json = object.if_contains("json")) {
    if (!as_json->is_bool()) return fail(ErrorKind::kInvalid, "json: Must be true or false.");
    options.json = as_json->as_bool();
  }
  return options;
}

Replay::Replay(EventLog& log, ReplayOptions options)
    : log_(log),
      options_(std::move(options)),
      after_(options_.from - 1),
      last_(options_.to ? std::min(*options_.to, log.head()) : log.head()) {}

std::optional<std::vector<std::string>> Replay::next() {
  if (after_ >= last_) return std::nullopt;
  std::vector<StoredEvent> events;
  if (options_.token) {
    events = log_.read_stream(stream_of(*options_.token), 0);
    std::erase_if(events, [&](const StoredEvent& event) {
      return event.recorded.position() <= after_ || event.recorded.position() > last_;
    });
    after_ = last_;
  } else {
    events = log_.read(after_, std::min<Position>(batch_events, last_ - after_));
    after_ = events.back().recorded.position();
  }
  std::vector<std::string> lines;
  for (const auto& event : events) {
    if (!wanted(event.recorded)) continue;
    lines.push_back(options_.json ? render_json(event.recorded) : render_text(event.recorded));
  }
  return lines;
}

bool Replay::wanted(const Recorded& recorded) {
  const Time at{std::chrono::microseconds(recorded.recorded_at_us())};
  if (options_.from_time && at < *options_.from_time) return false;
  if (options_.to_time && at > *options_.to_time) return false;
  if (options_.actor && recorded.actor().id() != *options_.actor) return false;
  if (options_.type && event_type(recorded.event()) != *options_.type) return false;
  return !options_.account || belongs_to_account(recorded);
}

// The account that a stream belongs to is in its first event: in its account_id, or for an account in its
// name. A trigger's is its webhook's.
bool Replay::belongs_to_account(const Recorded& recorded) {
  const auto account = options_.account->text();
  if (recorded.stream() == stream_of(*options_.account)) return true;
  const auto stream = object_stream(recorded.stream());
  const auto cached = account_of_stream_.find(stream);
  if (cached != account_of_stream_.end()) return cached->second == account;
  std::string owner;
  if (recorded.version() == 1 && stream == recorded.stream()) {
    owner = account_in(recorded.event());
  } else if (const auto events = log_.read_stream(stream, 0); !events.empty()) {
    owner = account_in(events.front().recorded.event());
  }
  if (account_of_stream_.size() >= cached_streams_max) account_of_stream_.clear();
  account_of_stream_.emplace(stream, owner);
  return owner == account;
}

}  // namespace mintmark
