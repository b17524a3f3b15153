#include "tests/support/rest_client.h"

#include <stdexcept>
#include <utility>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

namespace mintmark::testing {

boost::json::value RestResponse::json() const {
  return boost::json::parse(body);
}

RestResponse RestClient::log_in(std::string_view email, std::string_view password) {
  credentials_.clear();
  auto answer = post("/auth/login",
                     boost::json::serialize(boost::json::object{{"email", email}, {"password", password}}));
  if (answer.status != 200) throw std::runtime_error("signing in was refused: " + answer.body);
  const auto cookie = answer.header("Set-Cookie").value_or("");
  credentials_["Cookie"] = cookie.substr(0, cookie.find(';'));
  credentials_["X-CSRF-Token"] = answer.object().at("csrf_token").as_string();
  return answer;
}

std::string RestClient::text_of(std::string_view method, std::string_view path, std::string_view body,
                                const Headers& headers) const {
  std::string text(method);
  text += ' ';
  if (path.starts_with("//")) {
    text += path.substr(1);
  } else {
    text.append("/public/v1").append(path);
  }
  text += " HTTP/1.1\r\nHost: localhost\r\n";
  auto fields = headers;
  fields.insert(credentials_.begin(), credentials_.end());
  if (!body.empty()) fields.try_emplace("Content-Type", "application/json");
  for (const auto& [name, value] : fields) {
    if (!value.empty()) text.append(name).append(": ").append(value).append("\r\n");
  }
  if (!body.empty() || method == "POST") text += "Content-Length: " + std::to_string(body.size()) + "\r\n";
  text.append("\r\n").append(body);
  return text;
}

RestResponse RestClient::send(std::string_view method, std::string_view path, std::string_view body,
                              const Headers& headers) {
  if (!connection_) connection_ = std::make_unique<RawClient>(port_);
  RestResponse response;
  try {
    connection_->send(text_of(method, path, body, headers));
    static_cast<RawResponse&>(response) = connection_->read_response(method == "HEAD");
  } catch (...) {
    connection_.reset();
    throw;
  }
  if (response.header("Connection") == "close") connection_.reset();
  return response;
}

}  // namespace mintmark::testing
