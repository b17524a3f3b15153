#pragma once

#include <chrono>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "api/http/application.h"
#include "api/http/message.h"
#include "domain/error.h"

// The one place where errors become HTTP, in the contract's form: {"error_code": "…", "errors": ["…"]}.
namespace mintmark {

http::Response error_response(const Error& error);
http::Response error_response(http::ProtocolError error);

// 500, without a word of what happened: that goes to the server's own log.
http::Response internal_error_response();
// 405; `allow` lists what the path takes.
http::Response method_not_allowed(std::string_view allow);
// 429
http::Response too_many_requests(std::chrono::seconds retry_after);
// 415
http::Response unsupported_media_type();

}  // namespace mintmark
