#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "api/http/application.h"
#include "api/http/message.h"

namespace mintmark::http {

// Parses one HTTP/1.0 or HTTP/1.1 request (RFC 9112), piece by piece, into a Request whose storage is reused:
// in the steady state nothing is allocated. Beast's parser does the grammar; this adds the limits of
// domain/limits.h, and refuses what two parsers in a row might read differently (request smuggling): repeated
// or combined lengths, transfer encodings but "chunked", folded lines, a missing or repeated Host. Trailers
// are read and dropped. One parser per request, from one thread; nothing blocks.
class RequestParser final : private boost::beast::http::basic_parser<true> {
 public:
  // Empties the request, but for its client_ip(). It must outlive the parser.
  explicit RequestParser(Request& request);

  // Parses a prefix of `input` and returns its size. The caller presents what remains again, in front of what
  // arrives later. Empty lines before the request are skipped. Not to be called once done() or error() tells
  // the end.
  std::size_t parse(std::string_view input);

  // Whether the request is complete.
  bool done() const { return is_done() && !error_; }
  // Why the request is refused; the parser can go no further then.
  std::optional<ProtocolError> error() const { return error_; }
  // Whether a byte of the request has been seen.
  bool started() const { return got_some(); }

  // The following hold once done().
  bool http_1_0() const { return version_ == 10; }
  bool keep_alive() const { return keep_alive_; }

  // Whether the client waits for "100 Continue": its head is read and nothing of its body.
  bool awaits_continue() const { return expects_continue_ && is_header_done() && !is_done() && !body_begun_; }

  static void set_client_ip(Request& request, std::string_view client_ip) { request.client_ip_ = client_ip; }
  // Gives back the storage that an unusually large request has left behind.
  static void shrink(Request& request);

 private:
  using error_code = boost::beast::error_code;
  using string_view = boost::beast::string_view;

  void on_request_impl(boost::beast::http::verb method, string_view method_text, string_view target,
                       int version, error_code& ec) override;
  void on_response_impl(int status, string_view reason, int version, error_code& ec) override;
  void on_field_impl(boost::beast::http::field field, string_view name, string_view value,
                     error_code& ec) override;
  void on_header_impl(error_code& ec) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& content_length, error_code& ec) override;
  std::size_t on_body_impl(string_view body, error_code& ec) override;
  void on_chunk_header_impl(std::uint64_t size, string_view extensions, error_code& ec) override;
  std::size_t on_chunk_body_impl(std::uint64_t remain, string_view body, error_code& ec) override;
  void on_finish_impl(error_code& ec) override;

  void refuse(ProtocolError error, error_code& ec);
  ProtocolError classify(const error_code& ec, std::string_view unparsed) const;
  Request::Slice append(std::string_view text);
  bool append_target(std::string_view target);
  std::optional<ProtocolError> check_framing_field(boost::beast::http::field field, std::string_view value);

  Request& request_;
  std::optional<ProtocolError> error_;
  std::string_view input_;         // during parse() only
  std::size_t parsed_before_ = 0;  // bytes of the request that earlier calls consumed
  std::size_t chunk_extension_bytes_ = 0;
  int version_ = 0;
  unsigned host_count_ = 0;
  unsigned content_length_count_ = 0;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool body_begun_ = false;
};

}  // namespace mintmark::http
