#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "tests/support/raw_client.h"

namespace mintmark::testing {

// One answer of the API.
struct RestResponse : RawResponse {
  // The body as JSON; throws where it is none.
  boost::json::value json() const;
  boost::json::object object() const { return json().as_object(); }
  boost::json::array array() const { return json().as_array(); }
};

using Headers = std::map<std::string, std::string>;

// A client of the API that keeps its connection, and makes a new one where the server has closed it. It sends
// its credentials with every request. Not thread-safe.
class RestClient {
 public:
  explicit RestClient(std::uint16_t port) : port_(port) {}

  // Sends this Authorization from now on.
  void use_key(const std::string& key) { credentials_ = {{"Authorization", "ApiKey " + key}}; }
  // Signs in, throws where that is refused, and sends cookie and CSRF token from now on.
  RestResponse log_in(std::string_view email, std::string_view password);
  // The credentials' fields, to be changed freely.
  Headers& credentials() { return credentials_; }

  // `path` below /public/v1, or another that begins with "//": "//authorize" is /authorize. A body goes out
  // as application/json unless `headers` says otherwise. `headers` win over the credentials' fields; one with
  // an empty value is not sent.
  RestResponse send(std::string_view method, std::string_view path, std::string_view body = {},
                    const Headers& headers = {});
  RestResponse get(std::string_view path) { return send("GET", path); }
  RestResponse post(std::string_view path, std::string_view body, const Headers& headers = {}) {
    return send("POST", path, body, headers);
  }
  RestResponse put(std::string_view path, std::string_view body) { return send("PUT", path, body); }
  RestResponse remove(std::string_view path) { return send("DELETE", path); }

  // The request as it goes over the wire.
  std::string text_of(std::string_view method, std::string_view path, std::string_view body,
                      const Headers& headers) const;

 private:
  std::uint16_t port_;
  Headers credentials_;
  std::unique_ptr<RawClient> connection_;
};

}  // namespace mintmark::testing
