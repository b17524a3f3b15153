#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "worker/outbound_client.h"

namespace mintmark {

// Reads one answer (RFC 9112) piece by piece: keeps its status and Retry-After, counts and drops the body,
// skips interim answers (1xx). Beast's parser does the grammar. From one thread; nothing blocks.
class OutboundResponseParser {
 public:
  // `to_head`: the request's method is HEAD, so no body follows.
  explicit OutboundResponseParser(bool to_head);

  // Parses a prefix of `input` and returns its size. The caller presents what remains again, in front of what
  // arrives later. Not to be called once done() or failure().
  std::size_t parse(std::string_view input);
  // The other side has closed. Ends an answer that is delimited so.
  void parse_end();

  // Whether a byte of an answer has been seen.
  bool started() const { return started_; }
  // The answer, as soon as its head is complete.
  const std::optional<OutboundResponse>& response() const { return response_; }
  // Whether the body is complete, too.
  bool done() const;
  // Whether the connection can carry another call. Holds once done().
  bool keeps_connection() const;
  std::size_t body_bytes() const;
  // kMalformed or kTooLarge; nothing more can be parsed then.
  std::optional<OutboundFailure> failure() const { return failure_; }

 private:
  class Message final : public boost::beast::http::basic_parser<false> {
   public:
    explicit Message(bool to_head);
    int status() const { return status_; }
    std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }
    std::size_t body_bytes() const { return body_bytes_; }

   private:
    using error_code = boost::beast::error_code;
    using string_view = boost::beast::string_view;

    void on_request_impl(boost::beast::http::verb, string_view, string_view, int, error_code&) override;
    void on_response_impl(int status, string_view, int, error_code&) override;
    void on_field_impl(boost::beast::http::field field, string_view, string_view value, error_code&) override;
    void on_header_impl(error_code&) override {}
    void on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) override {}
    std::size_t on_body_impl(string_view body, error_code&) override;
    void on_chunk_header_impl(std::uint64_t, string_view, error_code&) override {}
    std::size_t on_chunk_body_impl(std::uint64_t, string_view body, error_code&) override;
    void on_finish_impl(error_code&) override {}

    int status_ = 0;
    std::optional<std::chrono::seconds> retry_after_;
    std::size_t body_bytes_ = 0;
  };

  const bool to_head_;
  bool started_ = false;
  unsigned interim_count_ = 0;
  std::optional<OutboundResponse> response_;
  std::optional<OutboundFailure> failure_;
  std::optional<Message> message_;
};

}  // namespace mintmark
