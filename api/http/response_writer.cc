#include "api/http/response_writer.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <stdexcept>

#include <fmt/format.h>

#include "api/http/ascii.h"
#include "api/http/date.h"

namespace mintmark::http {
namespace {

struct Reason {
  int status;
  std::string_view phrase;
};

constexpr std::array reasons = std::to_array<Reason>({
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {421, "Misdirected Request"},
    {422, "Unprocessable Content"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
    {507, "Insufficient Storage"},
});

constexpr std::array<std::string_view, 4> own_fields = {"Connection", "Content-Length", "Date",
                                                        "Transfer-Encoding"};

void check_value(std::string_view value) {
  constexpr std::string_view forbidden("\r\n\0", 3);
  if (value.find_first_of(forbidden) != value.npos) {
    throw std::invalid_argument("a response field with a line break or NUL in its value");
  }
}

void check(const Response& response) {
  if (response.status < 200 || response.status > 599) {
    throw std::invalid_argument(fmt::format("{} is not the status of a final response", response.status));
  }
  check_value(response.content_type);
  for (const auto& [name, value] : response.headers) {
    if (!is_token(name)) {
      throw std::invalid_argument("a response field whose name is no token");
    }
    if (std::ranges::any_of(own_fields, [&](std::string_view own) { return ascii_iequals(own, name); })) {
      throw std::invalid_argument(fmt::format("the response field {} is the server's to set", name));
    }
    check_value(value);
  }
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

// Status line, Date, Content-Type and the response's own fields.
void append_head(std::string& out, const Response& response) {
  fmt::format_to(std::back_inserter(out), "HTTP/1.1 {} {}\r\n", response.status,
                 reason_phrase(response.status));
  append_field(out, "Date", date());
  if (!response.content_type.empty()) {
    append_field(out, "Content-Type", response.content_type);
  }
  for (const auto& [name, value] : response.headers) {
    append_field(out, name, value);
  }
}

// Connection, and the empty line.
void end_head(std::string& out, Persistence persistence) {
  switch (persistence) {
    case Persistence::kKeep:
      break;
    case Persistence::kKeepSaid:
      append_field(out, "Connection", "keep-alive");
      break;
    case Persistence::kCloseSaid:
      append_field(out, "Connection", "close");
      break;
  }
  out.append("\r\n");
}

bool is_bodiless(int status) {
  return status == 204 || status == 304;
}

}  // namespace

std::string_view reason_phrase(int status) {
  const auto found = std::ranges::lower_bound(reasons, status, {}, &Reason::status);
  return found != reasons.end() && found->status == status ? found->phrase : std::string_view{};
}

void append_response(std::string& out, const Response& response, bool to_head, Persistence persistence) {
  check(response);
  append_head(out, response);
  const bool bodiless = is_bodiless(response.status);
  if (!bodiless) {
    fmt::format_to(std::back_inserter(out), "Content-Length: {}\r\n", response.body.size());
  }
  end_head(out, persistence);
  if (!bodiless && !to_head) {
    out.append(response.body);
  }
}

void append_stream_head(std::string& out, const Response& response, bool chunked, Persistence persistence) {
  check(response);
  if (is_bodiless(response.status)) {
    throw std::invalid_argument(fmt::format("{} has no body to come from a source", response.status));
  }
  append_head(out, response);
  if (chunked) {
    append_field(out, "Transfer-Encoding", "chunked");
  }
  end_head(out, persistence);
}

void append_chunk(std::string& out, std::string_view piece) {
  if (piece.empty()) return;  // that would be the last one
  fmt::format_to(std::back_inserter(out), "{:x}\r\n", piece.size());
  out.append(piece).append("\r\n");
}

}  // namespace mintmark::http
