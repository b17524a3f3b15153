#include "worker/outbound_target.h"

#include "worker/outbound_message.h"

namespace mintmark {

OutboundTarget::OutboundTarget(std::string method, std::string url, OutboundHeaders headers)
    : method_(std::move(method)),
      url_(std::move(url)),
      headers_(std::move(headers)),
      parsed_(parse_outbound_url(url_)) {
  if (!parsed_) return;
  auto refused = refuse_method(method_);
  if (!refused) refused = refuse_headers(headers_);
  if (refused) {
    parsed_ = std::unexpected(OutboundError{OutboundFailure::kInvalidUrl, std::move(*refused)});
    return;
  }
  head_.append(method_).append(" ").append(parsed_->target).append(" HTTP/1.1\r\nHost: ");
  head_.append(parsed_->authority);
  append_headers(headers_, head_);
  has_agent_ = names_agent(headers_);
}

OutboundRequest::OutboundRequest(std::string method, std::string url, OutboundHeaders own_headers,
                                 std::string content)
    : OutboundRequest(
          std::make_shared<const OutboundTarget>(std::move(method), std::move(url), OutboundHeaders{}),
          std::move(own_headers), std::move(content)) {}

}  // namespace mintmark
