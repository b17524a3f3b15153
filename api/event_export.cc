#include "api/event_export.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <memory>
#include <utility>

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "api/conditions.h"
#include "api/errors.h"
#include "api/event_query.h"
#include "api/event_representation.h"
#include "api/handlers.h"
#include "api/http/body_source.h"

namespace mintmark {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;

// Before it asks again for what the server was too busy for.
constexpr std::chrono::milliseconds export_busy_pause{250};

// A column by the path of what it shows.
struct Column {
  std::string_view name;
  std::string_view member;
  std::string_view inner;  // of the member, which is an object; empty: the member itself
};
constexpr auto columns = std::to_array<Column>({
    {"position", "position", ""},
    {"at", "at", ""},
    {"type", "type", ""},
    {"object_kind", "object", "kind"},
    {"object_id", "object", "id"},
    {"object_name", "object", "name"},
    {"actor_kind", "actor", "kind"},
    {"actor_id", "actor", "id"},
    {"actor_name", "actor", "name"},
    {"actor_email", "actor", "email"},
    {"client_ip", "client_ip", ""},
    {"request_id", "request_id", ""},
    {"id", "id", ""},
    {"data", "data", ""},
});

// A text as it is, null as nothing, all else as JSON.
std::string plain_text(const json::value& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return std::string(value.get_string());
  return json::serialize(value);
}

// OWASP, CSV injection: what a cell's formula may begin with, also in full width.
bool may_be_formula(std::string_view text) {
  constexpr auto starts = std::to_array<std::string_view>(
      {"=", "+", "-", "@", "\t", "\r", "\n", "\uFF1D", "\uFF0B", "\uFF0D", "\uFF20"});
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  return std::ranges::any_of(starts, [text](std::string_view start) { return text.starts_with(start); });
}

enum class Format { kCsv, kJsonLines };

class EventExport final : public http::BodySource {
 public:
  EventExport(const Context& context, EventQuery query, Format format, StreamSlots::Slot slot)
      : services_(context.services),
        account_(context.caller.account),
        query_(std::move(query)),
        format_(format),
        slot_(std::move(slot)),
        last_(services_.projector.position()) {}

  awaitable<std::optional<std::string>> next() override;

 private:
  // The next lines, perhaps none. Blocks.
  std::string read_lines();

  Services& services_;
  const AccountId account_;
  const EventQuery query_;
  const Format format_;
  const StreamSlots::Slot slot_;
  const Position last_;
  std::uint64_t next_ = 1;  // the number of the next event to look at
  bool is_begun_ = false;
  bool is_done_ = false;
};

std::string EventExport::read_lines() {
  const auto slice = query_.slice(services_.audit, account_, next_, last_);
  next_ = slice.next;
  is_done_ = slice.is_last;
  std::string lines;
  for (const auto& event : EventRepresentation(services_, account_).events(slice.positions)) {
    lines += format_ == Format::kCsv ? csv_event(event.get_object()) : json::serialize(event) + "\n";
  }
  return lines;
}

awaitable<std::optional<std::string>> EventExport::next() {
  if (!std::exchange(is_begun_, true) && format_ == Format::kCsv) co_return csv_header();
  if (is_done_) co_return std::nullopt;
  for (;;) {
    auto read = [this]() -> Result<std::string> { return read_lines(); };
    auto lines = co_await services_.blocking.run(std::move(read));
    if (lines) co_return std::move(*lines);
    const auto executor = co_await asio::this_coro::executor;
    asio::steady_timer timer(executor, export_busy_pause);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

Result<Format> read_format(const http::Request& request) {
  const auto format = find_parameter(request, "format");
  if (!format) return std::unexpected(format.error());
  if (*format == "csv") return Format::kCsv;
  if (*format == "jsonl") return Format::kJsonLines;
  return fail(ErrorKind::kInvalid, "format: Must be csv or jsonl.");
}

}  // namespace

std::string csv_field(std::string_view text) {
  const bool is_formula = may_be_formula(text);
  if (!is_formula && text.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(text);
  std::string field = is_formula ? "\"'" : "\"";
  for (const char c : text) {
    if (c == '"') field += '"';
    field += c;
  }
  return field += '"';
}

std::string csv_header() {
  std::string line;
  for (const auto& column : columns) line.append(line.empty() ? "" : ",").append(column.name);
  return line += "\r\n";
}

std::string csv_event(const json::object& event) {
  std::string line;
  for (const auto& column : columns) {
    const auto& member = event.at(column.member);
    const auto& value = column.inner.empty() ? member : member.at(column.inner);
    line.append(line.empty() ? "" : ",").append(csv_field(plain_text(value)));
  }
  return line += "\r\n";
}

awaitable<http::Response> export_events(Context& context) {
  const auto format = read_format(context.request);
  if (!format) co_return error_response(format.error());
  auto list = parse_list_query(context.request.query());
  if (!list) co_return error_response(list.error());
  auto query = EventQuery::compile(std::move(*list));
  if (!query) co_return error_response(query.error());
  auto slot = context.services.stream_slots.enter(context.caller.account);
  if (!slot) co_return no_stream_slot(slot.error());
  const bool is_csv = *format == Format::kCsv;
  http::Response response{200, is_csv ? "text/csv; charset=utf-8" : "application/jsonl", "", {}};
  response.headers.emplace_back("Content-Disposition",
                                fmt::format("attachment; filename=\"events-{}.{}\"",
                                            context.caller.account.text(), is_csv ? "csv" : "jsonl"));
  response.headers.emplace_back("Cache-Control", "no-store");
  response.source = std::make_shared<EventExport>(context, std::move(*query), *format, std::move(*slot));
  co_return response;
}

}  // namespace mintmark
