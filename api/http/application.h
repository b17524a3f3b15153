#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/asio/awaitable.hpp>

#include "api/http/message.h"

namespace mintmark::http {

template <class T>
using awaitable = boost::asio::awaitable<T>;

// Why the server refuses a request before any handler sees it.
enum class ProtocolError {
  kMalformed,            // 400
  kHeadTooLarge,         // 431
  kBodyTooLarge,         // 413
  kRequestTimeout,       // 408
  kUnsupportedVersion,   // 505
  kUnsupportedEncoding,  // 501: a Transfer-Encoding other than chunked
  kExpectationFailed,    // 417: an Expect other than 100-continue
};

// What a server serves. Called from all io threads at once; `thread` counts them from 0.
class Application {
 public:
  virtual ~Application() = default;

  // The hot path: appends the complete response to `out` (status line, fields, empty line) and returns true,
  // or returns false and appends nothing where answer() should do it. Never blocks, locks or does I/O;
  // allocates only where `out` has to grow. `keep_alive` tells what the Connection of the answer will be:
  // where it is false, the answer must carry "Connection: close". It is false for every HTTP/1.0 request. The
  // answer should carry a Date too: http::date() in api/http/date.h. An exception is answered with
  // internal_error().
  virtual bool answer_now(const Request& request, std::size_t thread, bool keep_alive, std::string& out) = 0;

  // Everything else. The request outlives the coroutine. An exception is answered with internal_error().
  // Where Server::stop() runs out of time the coroutine gets a terminal cancellation.
  virtual awaitable<Response> answer(const Request& request, std::size_t thread) = 0;

  // The body and fields for a refusal; its status is the error's.
  virtual Response refusal(ProtocolError error) = 0;

  // The answer to a request whose handler threw or answered something that cannot be sent. `what` is the
  // exception's text: to be logged, never to be sent.
  virtual Response internal_error(std::string_view what) = 0;
};

}  // namespace mintmark::http
