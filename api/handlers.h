#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "api/routes.h"

// The handlers, one file a resource. Each reads parse, validate, call, map errors.
namespace mintmark {

// tokens.cc
awaitable<http::Response> list_tokens(Context& context);
awaitable<http::Response> create_token(Context& context);
awaitable<http::Response> get_token(Context& context);
awaitable<http::Response> update_token(Context& context);
awaitable<http::Response> delete_token(Context& context);
awaitable<http::Response> reveal_token(Context& context);

// accounts.cc
awaitable<http::Response> list_accounts(Context& context);
awaitable<http::Response> get_account(Context& context);
awaitable<http::Response> update_account(Context& context);
awaitable<http::Response> list_users(Context& context);
awaitable<http::Response> get_user(Context& context);

// extensions.cc
awaitable<http::Response> list_extensions(Context& context);
awaitable<http::Response> get_extension(Context& context);

// sessions.cc
awaitable<http::Response> login(Context& context);
awaitable<http::Response> logout(Context& context);
awaitable<http::Response> get_context(Context& context);

// health.cc
awaitable<http::Response> health(Context& context);

// What the handlers share.
http::Response json_response(int status, const boost::json::object& body);
// Tells the position of a write in Mintmark-Position, so that its client can wait for it elsewhere.
void add_position(http::Response& response, Position position);

}  // namespace mintmark
