#pragma once

#include <chrono>
#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace mintmark {

struct OutboundPolicy;
class OutboundTarget;

using OutboundHeaders = std::vector<std::pair<std::string, std::string>>;  // names and values

struct OutboundRequest {
  // `call_target` is not null; see outbound_target.h.
  OutboundRequest(std::shared_ptr<const OutboundTarget> call_target, OutboundHeaders own_headers,
                  std::string content)
      : target(std::move(call_target)), headers(std::move(own_headers)), body(std::move(content)) {}
  // To a target that nothing else goes to.
  OutboundRequest(std::string method, std::string url, OutboundHeaders own_headers, std::string content);

  std::shared_ptr<const OutboundTarget> target;
  OutboundHeaders headers;  // behind the target's
  std::string body;
};

struct OutboundResponse {
  int status;
  std::optional<std::chrono::seconds> retry_after;
};

enum class OutboundFailure {
  kInvalidUrl,      // or another part of the request that cannot be sent
  kAddressRefused,  // the policy's: nothing was sent, as with the next one
  kPortRefused,
  kUnresolved,
  kConnect,
  kTls,  // no handshake, or a certificate that does not hold
  kTimeout,
  kClosed,     // before the head of an answer was complete
  kMalformed,  // the answer is not HTTP/1.1 or 1.0
  kTooLarge,   // the answer's head is
};

struct OutboundError {
  OutboundFailure failure;
  std::string reason;  // for people; never a secret, a header's value or the URL's user, password or query
};

struct OutboundResult {
  std::expected<OutboundResponse, OutboundError> outcome;
  std::chrono::microseconds duration;  // the whole call's
};

// Calls to addresses that others have chosen. A host's name is looked up once per connection, all the
// addresses found are checked, and the connection goes to one of just those: a name that leads elsewhere a
// moment later changes nothing. One address that is refused refuses the name. Redirections are answers like
// all others, and no variable of the environment names a proxy. TLS is 1.2 or later, and the certificate must
// hold for the host.
//
// The head of an answer is its outcome: of the body a little is read and dropped, and whether it ever ends
// does not matter. Connections are kept and used again, one call at a time; a call over a kept connection
// that proves closed before a byte of answer has come is sent once more over a new one, so a receiver may see
// it twice, as with any repeated attempt.
//
// To be used from the context's one thread.
class OutboundClient {
 public:
  // Throws where the policy's file of certificates cannot be read.
  OutboundClient(boost::asio::io_context& context, OutboundPolicy policy);
  // Closes the connections that wait. Calls under way go on to their end.
  ~OutboundClient();
  OutboundClient(const OutboundClient&) = delete;
  OutboundClient& operator=(const OutboundClient&) = delete;

  // Makes the call, and never throws for what the other side does or what is wrong with the request. Host,
  // Content-Length, Connection and what else frames a request are not the caller's to set: with one of them,
  // or with a name or value that HTTP does not allow, nothing is sent and it fails with kInvalidUrl.
  boost::asio::awaitable<OutboundResult> send(OutboundRequest request);

 private:
  class Calls;
  std::shared_ptr<Calls> calls_;
};

}  // namespace mintmark
