#pragma once

#include <optional>
#include <string>

#include <boost/asio/awaitable.hpp>

namespace mintmark::http {

// A body that is made while it is sent: chunked (RFC 9112, 7.1), or for HTTP/1.0 until the connection closes.
// One connection asks it, on its thread, and owns it alone; the request outlives it. The answer to HEAD never
// asks it.
class BodySource {
 public:
  virtual ~BodySource() = default;

  // The next piece, perhaps an empty one; nothing at the end. Called once the piece before is written, so
  // that a slow reader costs the memory of one piece. May wait for as long as it likes: deadlines hold for
  // the writing alone. Where it throws, the connection is reset: the client can tell that the body is not
  // whole. Gets terminal cancellation as Application::answer() does.
  virtual boost::asio::awaitable<std::optional<std::string>> next() = 0;

  // The client has closed its side, or the server stops: a body without an end of its own ends now. Called on
  // the same thread, also while next() waits, perhaps more than once.
  virtual void end_soon() {}
};

}  // namespace mintmark::http
