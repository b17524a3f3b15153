#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mintmark::testing {

// One response, taken apart.
struct RawResponse {
  int status = 0;
  std::string head;  // status line and fields as they came
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;

  // The value of the first field of that name, whatever its case; nothing where there is none.
  std::optional<std::string> header(std::string_view name) const;
};

// A blocking HTTP client of bytes for tests: it sends what it is told, also what no HTTP library would.
// Everything that fails or lasts longer than its deadline throws std::runtime_error.
class RawClient {
 public:
  struct Options {
    std::string address = "127.0.0.1";           // IPv4 or IPv6
    int receive_buffer_bytes = 0;                // SO_RCVBUF; 0: the system's
    std::chrono::milliseconds deadline{10'000};  // of each call
  };

  // Connects.
  explicit RawClient(std::uint16_t port) : RawClient(port, Options{}) {}
  RawClient(std::uint16_t port, Options options);
  ~RawClient();
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;

  void send(std::string_view bytes);
  // Sends as much as the peer takes without waiting for it, and returns how much that was.
  std::size_t send_some(std::string_view bytes);

  // Reads one response. Its body ends as Content-Length or the chunks say; it has none where `to_head` is
  // true or the status forbids one.
  RawResponse read_response(bool to_head = false);

  // Reads the next piece of a chunked body, behind read_response(true); an empty one is its end.
  std::string read_chunk() { return take_chunk(deadline()); }

  // send() and read_response().
  RawResponse exchange(std::string_view request);

  // Reads until the peer closes and returns what came; was_reset() tells afterwards how it closed.
  std::string read_to_eof();
  bool was_reset() const { return was_reset_; }

  // Waits, without reading, until the peer has reset the connection.
  void await_reset();

  // Closes the sending half.
  void half_close();
  // Closes with a reset, as a client that vanished; nothing else may be called then.
  void reset();

 private:
  using Time = std::chrono::steady_clock::time_point;

  void await(short events, Time deadline) const;
  // Appends to received_; false at the end of the stream.
  bool receive(Time deadline);
  std::string take(std::size_t size, Time deadline);
  std::string take_line(Time deadline);
  std::string take_chunk(Time deadline);
  Time deadline() const { return std::chrono::steady_clock::now() + options_.deadline; }

  Options options_;
  int socket_ = -1;
  std::string received_;
  bool was_reset_ = false;
};

}  // namespace mintmark::testing
