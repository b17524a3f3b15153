#include "worker/outbound_response.h"

#include <stdexcept>

#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>

#include "worker/retry_after.h"

namespace mintmark {
namespace {

namespace beast_http = boost::beast::http;

constexpr unsigned interim_max = 8;
constexpr std::uint32_t head_bytes_max = 15 * 1024;  // less than what a connection's buffer holds
constexpr int switching_protocols = 101;

}  // namespace

OutboundResponseParser::Message::Message(bool to_head) {
  header_limit(head_bytes_max);
  body_limit(boost::none);
  eager(true);
  skip(to_head);
}

void OutboundResponseParser::Message::on_request_impl(beast_http::verb, string_view, string_view, int,
                                                      error_code&) {
  throw std::logic_error("a parser of responses met a request");
}

void OutboundResponseParser::Message::on_response_impl(int status, string_view, int, error_code&) {
  status_ = status;
}

void OutboundResponseParser::Message::on_field_impl(beast_http::field field, string_view, string_view value,
                                                    error_code&) {
  if (field != beast_http::field::retry_after || is_header_done()) return;
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  retry_after_ = parse_retry_after({value.data(), value.size()}, now);
}

std::size_t OutboundResponseParser::Message::on_body_impl(string_view body, error_code&) {
  body_bytes_ += body.size();
  return body.size();
}

std::size_t OutboundResponseParser::Message::on_chunk_body_impl(std::uint64_t, string_view body,
                                                                error_code&) {
  body_bytes_ += body.size();
  return body.size();
}

OutboundResponseParser::OutboundResponseParser(bool to_head) : to_head_(to_head) {
  message_.emplace(to_head_);
}

std::size_t OutboundResponseParser::parse(std::string_view input) {
  started_ = started_ || !input.empty();
  std::size_t parsed = 0;
  while (parsed < input.size() && !done() && !failure_) {
    const auto rest = input.substr(parsed);
    // Beast 1.81 asserts, and so ends the process, where it meets an empty last chunk again ("0", CRLF) with
    // fewer than five bytes. At least as many are still to come: the chunk and the empty line behind it.
    constexpr std::size_t last_chunk_bytes_min = 5;
    const bool in_chunks = message_->is_header_done() && message_->chunked();
    if (in_chunks && rest.starts_with('0') && rest.size() < last_chunk_bytes_min) break;

    boost::beast::error_code error;
    const std::size_t taken = message_->put(boost::asio::buffer(rest.data(), rest.size()), error);
    parsed += taken;
    if (error == beast_http::error::header_limit) {
      failure_ = OutboundFailure::kTooLarge;
    } else if (error && error != beast_http::error::need_more) {
      failure_ = OutboundFailure::kMalformed;
    }
    if (!message_->is_header_done()) break;
    if (message_->status() >= 200) {
      response_ = OutboundResponse{message_->status(), message_->retry_after()};
      if (error || taken == 0) break;
    } else if (message_->status() == switching_protocols || ++interim_count_ > interim_max) {
      failure_ = OutboundFailure::kMalformed;
    } else if (!failure_) {
      message_.emplace(to_head_);
    }
  }
  return parsed;
}

void OutboundResponseParser::parse_end() {
  boost::beast::error_code error;
  if (message_->got_some()) message_->put_eof(error);
}

bool OutboundResponseParser::done() const {
  return response_ && message_->is_done();
}

bool OutboundResponseParser::keeps_connection() const {
  return message_->keep_alive() && !message_->need_eof();
}

std::size_t OutboundResponseParser::body_bytes() const {
  return message_->body_bytes();
}

}  // namespace mintmark
