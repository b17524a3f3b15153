#pragma once

#include <expected>
#include <string>
#include <utility>
#include <vector>

#include "worker/outbound_client.h"
#include "worker/outbound_url.h"

namespace mintmark {

// Where calls go and what is the same in each of them, taken apart and checked once for all. Immutable, so
// thread-safe.
class OutboundTarget {
 public:
  // `headers` stand in front of each request's own. What cannot be sent is told by each call, not here.
  OutboundTarget(std::string method, std::string url, OutboundHeaders headers);

  const std::string& method() const { return method_; }
  const std::string& url() const { return url_; }
  const OutboundHeaders& headers() const { return headers_; }

  // The URL taken apart; kInvalidUrl where that, the method or a header is none that can be sent.
  const std::expected<OutboundUrl, OutboundError>& parsed() const { return parsed_; }
  // The bytes of a request (RFC 9112) up to its own headers. Only where parsed() holds.
  const std::string& head() const { return head_; }
  // Whether the headers name a User-Agent.
  bool has_agent() const { return has_agent_; }

 private:
  std::string method_;
  std::string url_;
  OutboundHeaders headers_;
  std::expected<OutboundUrl, OutboundError> parsed_;
  std::string head_;
  bool has_agent_ = false;
};

}  // namespace mintmark
