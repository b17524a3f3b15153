#include "api/http/request_parser.h"

#include <algorithm>
#include <functional>
#include <stdexcept>

#include <boost/beast/http/error.hpp>

#include "api/http/ascii.h"

namespace mintmark::http {
namespace {

namespace beast_http = boost::beast::http;
using limits::request_body_bytes_max;
using limits::request_head_bytes_max;

constexpr std::size_t kept_bytes_max = 16 * 1024;  // of a request's storage, from one request to the next
constexpr std::size_t chunk_extension_bytes_max = 4 * 1024;

std::string_view to_std(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// What a Host field may hold: a name or address and a port. Not the exact grammar of RFC 9110, 7.2, but
// nothing that could end the authority of a URL.
bool is_host(std::string_view value) {
  return std::ranges::none_of(value, [](char c) {
    return c <= ' ' || std::string_view("/\\?#@,<>\"").find(c) != std::string_view::npos;
  });
}

}  // namespace

RequestParser::RequestParser(Request& request) : request_(request) {
  request_.text_.clear();
  request_.body_.clear();
  request_.method_ = {};
  request_.target_ = {};
  request_.field_count_ = 0;
  header_limit(static_cast<std::uint32_t>(request_head_bytes_max));
  body_limit(request_body_bytes_max);
  eager(true);
}

void RequestParser::shrink(Request& request) {
  if (request.text_.capacity() > kept_bytes_max) {
    request.text_ = {};
  }
  if (request.body_.capacity() > kept_bytes_max) {
    request.body_ = {};
  }
}

std::size_t RequestParser::parse(std::string_view input) {
  std::size_t skipped = 0;
  if (!got_some()) {  // RFC 9112, 2.2: at least one empty line before a request is to be ignored
    while (input.substr(skipped, 2) == "\r\n") {
      skipped += 2;
    }
  }
  input.remove_prefix(skipped);
  if (input.empty() || (!got_some() && input == "\r")) {
    return skipped;
  }

  // Beast 1.81 asserts, and so ends the process, where it meets an empty last chunk again ("0", CRLF) with
  // fewer than five bytes. At least as many are still to come: the chunk and the empty line behind it.
  constexpr std::size_t last_chunk_bytes_min = 5;
  if (is_header_done() && chunked() && input.starts_with('0') && input.size() < last_chunk_bytes_min) {
    return skipped;
  }

  input_ = input;
  error_code ec;
  const std::size_t consumed = put(boost::asio::buffer(input.data(), input.size()), ec);
  parsed_before_ += consumed;
  if (ec == beast_http::error::need_more) {
    // Neither a line of the head nor one of a chunk or trailer may exceed this.
    if (input.size() - consumed >= request_head_bytes_max) {
      error_ = ProtocolError::kHeadTooLarge;
    }
  } else if (ec && !error_) {
    error_ = classify(ec, input.substr(consumed));
  }
  input_ = {};
  return skipped + consumed;
}

ProtocolError RequestParser::classify(const error_code& ec, std::string_view unparsed) const {
  if (ec == beast_http::error::header_limit) {
    return ProtocolError::kHeadTooLarge;
  }
  if (ec == beast_http::error::body_limit) {
    return ProtocolError::kBodyTooLarge;
  }
  if (ec == beast_http::error::bad_version) {
    // Beast says so too for whatever else may stand there; the request line is still unconsumed.
    const std::string_view line = unparsed.substr(0, unparsed.find("\r\n"));
    const std::string_view version = line.substr(std::min(line.rfind(' '), line.size() - 1) + 1);
    const bool is_version = version.size() == 8 && version.starts_with("HTTP/") &&
                            is_ascii_digit(version[5]) && version[6] == '.' && is_ascii_digit(version[7]);
    if (is_version && version != "HTTP/1.0" && version != "HTTP/1.1") {
      return ProtocolError::kUnsupportedVersion;
    }
  }
  return ProtocolError::kMalformed;
}

void RequestParser::refuse(ProtocolError error, error_code& ec) {
  error_ = error;
  ec = beast_http::error::bad_value;  // any error: it stops the parser
}

Request::Slice RequestParser::append(std::string_view text) {
  const Request::Slice slice{static_cast<std::uint32_t>(request_.text_.size()),
                             static_cast<std::uint32_t>(text.size())};
  request_.text_.append(text);
  return slice;
}

// The four forms of RFC 9112, 3.2.
bool RequestParser::append_target(std::string_view target) {
  if (target.starts_with('/')) {
    request_.target_ = append(target);
    return true;
  }
  if (target == "*") {
    request_.target_ = append(target);
    return request_.method() == "OPTIONS";
  }
  if (request_.method() == "CONNECT") {
    request_.target_ = append(target);
    return is_host(target);
  }
  const std::size_t mark = target.find("://");
  const std::string_view scheme = target.substr(0, mark);
  if (mark == target.npos || !(ascii_iequals(scheme, "http") || ascii_iequals(scheme, "https"))) {
    return false;
  }
  target.remove_prefix(mark + 3);
  const std::size_t authority_end = std::min(target.find_first_of("/?#"), target.size());
  const std::string_view authority = target.substr(0, authority_end);
  const std::string_view rest = target.substr(authority_end);
  if (rest.starts_with('/')) {
    request_.target_ = append(rest);
  } else {
    request_.target_ = append("/");
    request_.target_.size += append(rest).size;
  }
  return !authority.empty() && is_host(authority);
}

void RequestParser::on_request_impl(beast_http::verb, string_view method_text, string_view target,
                                    int version, error_code& ec) {
  version_ = version;
  request_.method_ = append(to_std(method_text));
  if (!append_target(to_std(target))) {
    refuse(ProtocolError::kMalformed, ec);
  }
}

void RequestParser::on_response_impl(int, string_view, int, error_code&) {
  throw std::logic_error("a parser of requests met a response");
}

// Beast itself refuses Transfer-Encoding together with Content-Length and Content-Lengths that differ.
std::optional<ProtocolError> RequestParser::check_framing_field(beast_http::field field,
                                                                std::string_view value) {
  if (field == beast_http::field::host) {
    if (++host_count_ > 1 || !is_host(value)) {
      return ProtocolError::kMalformed;
    }
  } else if (field == beast_http::field::content_length) {
    if (++content_length_count_ > 1 || !std::ranges::all_of(value, is_ascii_digit)) {
      return ProtocolError::kMalformed;
    }
  } else if (field == beast_http::field::transfer_encoding) {
    if (version_ == 10 || value.empty()) {  // RFC 9112, 6.1
      return ProtocolError::kMalformed;
    }
    if (!ascii_iequals(value, "chunked")) {
      return ProtocolError::kUnsupportedEncoding;
    }
  } else if (field == beast_http::field::expect && version_ != 10) {
    if (!ascii_iequals(value, "100-continue")) {
      return ProtocolError::kExpectationFailed;
    }
    expects_continue_ = true;
  }
  return std::nullopt;
}

void RequestParser::on_field_impl(beast_http::field field, string_view name, string_view value,
                                  error_code& ec) {
  // Beast joins folded lines: then the value lies in a buffer of its own, or behind a line break.
  const char* const input_end = input_.data() + input_.size();
  const char* const name_end = name.data() + name.size();
  const bool within_input = std::less_equal<>{}(name_end, value.data()) &&
                            std::less_equal<>{}(value.data() + value.size(), input_end);
  if (!within_input || std::find(name_end, value.data(), '\r') != value.data()) {
    return refuse(ProtocolError::kMalformed, ec);
  }
  if (body_begun_) {
    return;  // a trailer
  }
  const auto value_end = static_cast<std::size_t>(value.data() + value.size() - input_.data());
  const std::size_t head_bytes = parsed_before_ + value_end + 4;  // this line's end and the empty line
  if (request_.field_count_ == limits::request_headers_max || head_bytes > request_head_bytes_max) {
    return refuse(ProtocolError::kHeadTooLarge, ec);
  }
  if (const auto refused = check_framing_field(field, to_std(value))) {
    return refuse(*refused, ec);
  }
  Request::Field& stored = request_.fields_[request_.field_count_++];
  stored.name = append(to_std(name));
  stored.value = append(to_std(value));
}

void RequestParser::on_header_impl(error_code& ec) {
  if (host_count_ == 0 && version_ == 11) {
    return refuse(ProtocolError::kMalformed, ec);
  }
  keep_alive_ = basic_parser::keep_alive();
}

void RequestParser::on_body_init_impl(const boost::optional<std::uint64_t>&, error_code&) {
  body_begun_ = true;  // and no storage reserved: that a body was announced costs its sender nothing
}

std::size_t RequestParser::on_body_impl(string_view body, error_code&) {
  request_.body_.append(body.data(), body.size());
  return body.size();
}

void RequestParser::on_chunk_header_impl(std::uint64_t, string_view extensions, error_code& ec) {
  chunk_extension_bytes_ += extensions.size();
  if (chunk_extension_bytes_ > chunk_extension_bytes_max) {
    refuse(ProtocolError::kHeadTooLarge, ec);
  }
}

std::size_t RequestParser::on_chunk_body_impl(std::uint64_t, string_view body, error_code&) {
  request_.body_.append(body.data(), body.size());
  return body.size();
}

void RequestParser::on_finish_impl(error_code&) {}

}  // namespace mintmark::http
