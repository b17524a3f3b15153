#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/limits.h"

namespace mintmark::http {

// One request as it arrived. Views stay valid until its response is written. Filled by the connection.
class Request {
 public:
  std::string_view method() const { return at(method_); }
  // The request target as sent, its path (before '?') and its query (behind it, empty without one). Neither
  // is percent-decoded. Of an absolute-form target (RFC 9112, 3.2.2) only what follows the authority is kept;
  // so it begins with '/', or is "*" (OPTIONS), or host:port (CONNECT).
  std::string_view target() const { return at(target_); }
  std::string_view path() const { return target().substr(0, target().find('?')); }
  std::string_view query() const;

  // The value of the first field of that name, whatever its case; nothing where there is none.
  std::optional<std::string_view> header(std::string_view name) const;
  // The values of all fields of that name, in the order they came in.
  std::vector<std::string_view> header_values(std::string_view name) const;
  // How many fields have that name.
  std::size_t header_count(std::string_view name) const;

  std::string_view body() const { return body_; }
  // The peer's address as text, without its port. Where gateways stand in between: api/client_address.h.
  std::string_view client_ip() const { return client_ip_; }

 private:
  friend class RequestParser;
  friend class RequestBuilder;  // tests/support/request_builder.h

  struct Slice {
    std::uint32_t offset = 0;
    std::uint32_t size = 0;
  };
  struct Field {
    Slice name;
    Slice value;
  };
  std::string_view at(Slice slice) const { return std::string_view(text_).substr(slice.offset, slice.size); }

  std::string text_;  // method, target and fields, one behind the other; its storage is reused
  Slice method_;
  Slice target_;
  std::array<Field, limits::request_headers_max> fields_{};
  std::size_t field_count_ = 0;
  std::string body_;
  std::string client_ip_;
};

class BodySource;  // api/http/body_source.h

// What a handler answers. The server adds Content-Length or Transfer-Encoding, Date and Connection.
struct Response {
  int status = 204;
  std::string content_type;  // no Content-Type field where empty
  std::string body;          // left out of the answer to HEAD, and of a 204
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<BodySource> source = nullptr;  // where it is there the body comes from it, piece by piece
};

}  // namespace mintmark::http
