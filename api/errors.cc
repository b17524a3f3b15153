#include "api/errors.h"

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace mintmark {
namespace {

namespace json = boost::json;

struct HttpError {
  int status;
  std::string_view code;
};

HttpError http_error(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::kInvalid:
      return {400, "VAL_001"};
    case ErrorKind::kInvalidQuery:
      return {400, "RQL_001"};
    case ErrorKind::kUnauthenticated:
      return {401, "AUTH_001"};
    case ErrorKind::kForbidden:
      return {403, "AUTH_003"};
    case ErrorKind::kNotFound:
      return {404, "NFND_000"};
    case ErrorKind::kConflict:
    case ErrorKind::kTaken:
      return {409, "CNF_001"};
    case ErrorKind::kPreconditionFailed:
      return {412, "REQ_010"};
    case ErrorKind::kUnavailable:
      return {503, "SRV_001"};
    case ErrorKind::kOutcomeUnknown:
      return {503, "SRV_002"};
    case ErrorKind::kInsufficientStorage:
      return {507, "SRV_003"};
  }
  return {500, "SRV_000"};
}

http::Response make_response(HttpError error, const std::vector<std::string>& messages) {
  json::array errors;
  for (const auto& message : messages) errors.emplace_back(message);
  const json::object body{{"error_code", error.code}, {"errors", std::move(errors)}};
  http::Response response{error.status, "application/json", json::serialize(body), {}};
  if (error.status == 401) response.headers.emplace_back("WWW-Authenticate", "ApiKey realm=\"mintmark\"");
  if (error.status == 503 || error.status == 507) response.headers.emplace_back("Retry-After", "1");
  return response;
}

}  // namespace

http::Response error_response(const Error& error) {
  return make_response(http_error(error.kind), error.messages);
}

http::Response error_response(http::ProtocolError error) {
  using enum http::ProtocolError;
  switch (error) {
    case kMalformed:
      return make_response({400, "REQ_004"}, {"The request is not well-formed HTTP/1.1."});
    case kHeadTooLarge:
      return make_response({431, "REQ_005"}, {"The request's header fields are too large."});
    case kBodyTooLarge:
      return make_response({413, "REQ_002"}, {"The request's body is too large."});
    case kRequestTimeout:
      return make_response({408, "REQ_006"}, {"The request took too long to arrive."});
    case kUnsupportedVersion:
      return make_response({505, "REQ_007"}, {"Only HTTP/1.0 and HTTP/1.1 are spoken here."});
    case kUnsupportedEncoding:
      return make_response({501, "REQ_008"}, {"Of transfer encodings only chunked is understood."});
    case kExpectationFailed:
      return make_response({417, "REQ_009"}, {"Of expectations only 100-continue is understood."});
  }
  return internal_error_response();
}

http::Response internal_error_response() {
  return make_response({500, "SRV_000"}, {"Something went wrong on our side."});
}

http::Response method_not_allowed(std::string_view allow) {
  auto response = make_response({405, "REQ_001"}, {"This method is not allowed here."});
  response.headers.emplace_back("Allow", allow);
  return response;
}

http::Response too_many_requests(std::chrono::seconds retry_after) {
  auto response = make_response({429, "THR_001"}, {"Too many requests; try again later."});
  response.headers.emplace_back("Retry-After", std::to_string(retry_after.count()));
  return response;
}

http::Response unsupported_media_type() {
  return make_response({415, "REQ_003"}, {"The body must be application/json."});
}

}  // namespace mintmark
