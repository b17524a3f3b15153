#pragma once

#include <string>
#include <string_view>

#include "api/http/message.h"

namespace mintmark::http {

// What the Connection of an answer says.
enum class Persistence {
  kKeep,       // nothing: HTTP/1.1 keeps connections
  kKeepSaid,   // "keep-alive", which an HTTP/1.0 client waits for
  kCloseSaid,  // "close"
};

// The reason phrase of a status (RFC 9110, 15), empty for one without.
std::string_view reason_phrase(int status);

// Appends the response to `out`: status line, Date, Content-Type, its own fields, Content-Length, Connection,
// body. The answer to HEAD carries the Content-Length of the body that it leaves out; 204 and 304 carry
// neither. Throws std::invalid_argument and leaves `out` as it was where the status is no final one, or a
// field's name is no token, is one of those that the server adds, or a value holds CR, LF or NUL: each is a
// bug in the handler, and the last one would let a client forge responses.
void append_response(std::string& out, const Response& response, bool to_head, Persistence persistence);

// The same of a response whose body comes from its source: all that stands before the body, with a
// Transfer-Encoding where it is chunked. 204 and 304 have no such body: std::invalid_argument.
void append_stream_head(std::string& out, const Response& response, bool chunked, Persistence persistence);

// A piece of a chunked body; an empty one adds nothing. And what ends such a body.
void append_chunk(std::string& out, std::string_view piece);
inline constexpr std::string_view last_chunk = "0\r\n\r\n";

}  // namespace mintmark::http
