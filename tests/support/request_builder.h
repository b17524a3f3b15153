#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

#include "api/http/message.h"

namespace mintmark::http {

// Makes a Request for a test of a handler, without a connection:
//   const Request request = RequestBuilder("GET", "/public/v1/auth/tokens?limit=3").header("Host",
//   "x").build();
class RequestBuilder {
 public:
  RequestBuilder(std::string_view method, std::string_view target) {
    request_.method_ = append(method);
    request_.target_ = append(target);
    request_.client_ip_ = "127.0.0.1";
  }

  RequestBuilder& header(std::string_view name, std::string_view value) {
    if (request_.field_count_ == request_.fields_.size()) {
      throw std::length_error("a request holds no more fields");
    }
    Request::Field& field = request_.fields_[request_.field_count_++];
    field.name = append(name);
    field.value = append(value);
    return *this;
  }

  RequestBuilder& body(std::string_view body) {
    request_.body_ = body;
    return *this;
  }

  RequestBuilder& client_ip(std::string_view address) {
    request_.client_ip_ = address;
    return *this;
  }

  Request build() const { return request_; }

 private:
  Request::Slice append(std::string_view text) {
    const Request::Slice slice{static_cast<std::uint32_t>(request_.text_.size()),
                               static_cast<std::uint32_t>(text.size())};
    request_.text_.append(text);
    return slice;
  }

  Request request_;
};

}  // namespace mintmark::http
