#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "api/routes.h"

// The handlers, one file a resource. Each reads parse, validate, call, map errors. What is under the ids in
// their paths is the caller's own by then (api/ownership.h), or gone a moment ago.
namespace mintmark {

// tokens.cc
awaitable<http::Response> list_tokens(Context& context);
awaitable<http::Response> create_token(Context& context);
awaitable<http::Response> get_token(Context& context);
awaitable<http::Response> update_token(Context& context);
awaitable<http::Response> delete_token(Context& context);
awaitable<http::Response> reveal_token(Context& context);
awaitable<http::Response> activate_token(Context& context);
awaitable<http::Response> deactivate_token(Context& context);
awaitable<http::Response> rotate_token(Context& context);
awaitable<http::Response> renew_token(Context& context);

// token_permissions.cc
awaitable<http::Response> list_permissions(Context& context);
awaitable<http::Response> grant_permissions(Context& context);
awaitable<http::Response> revoke_permissions(Context& context);

// modules.cc
awaitable<http::Response> list_modules(Context& context);
awaitable<http::Response> get_module(Context& context);

// accounts.cc
awaitable<http::Response> list_accounts(Context& context);
awaitable<http::Response> get_account(Context& context);
awaitable<http::Response> update_account(Context& context);
awaitable<http::Response> create_account(Context& context);
awaitable<http::Response> delete_account(Context& context);

// users.cc
awaitable<http::Response> list_users(Context& context);
awaitable<http::Response> create_user(Context& context);
awaitable<http::Response> get_user(Context& context);
awaitable<http::Response> update_user(Context& context);
awaitable<http::Response> delete_user(Context& context);
awaitable<http::Response> activate_user(Context& context);
awaitable<http::Response> deactivate_user(Context& context);
awaitable<http::Response> reset_password(Context& context);

// events.cc
awaitable<http::Response> list_events(Context& context);

// event_export.cc
awaitable<http::Response> export_events(Context& context);

// event_stream.cc
awaitable<http::Response> stream_events(Context& context);

// extensions.cc
awaitable<http::Response> list_extensions(Context& context);
awaitable<http::Response> create_extension(Context& context);
awaitable<http::Response> get_extension(Context& context);
awaitable<http::Response> update_extension(Context& context);
awaitable<http::Response> delete_extension(Context& context);

// webhooks.cc
awaitable<http::Response> list_webhooks(Context& context);
awaitable<http::Response> create_webhook(Context& context);
awaitable<http::Response> get_webhook(Context& context);
awaitable<http::Response> update_webhook(Context& context);
awaitable<http::Response> delete_webhook(Context& context);
awaitable<http::Response> trigger_webhook(Context& context);
awaitable<http::Response> test_webhook(Context& context);
awaitable<http::Response> list_deliveries(Context& context);

// jobs.cc
awaitable<http::Response> list_jobs(Context& context);
awaitable<http::Response> get_job(Context& context);
awaitable<http::Response> retry_job(Context& context);
awaitable<http::Response> cancel_job(Context& context);
awaitable<http::Response> retry_jobs(Context& context);

// sessions.cc
awaitable<http::Response> login(Context& context);
awaitable<http::Response> logout(Context& context);
awaitable<http::Response> get_context(Context& context);
awaitable<http::Response> change_password(Context& context);
awaitable<http::Response> list_sessions(Context& context);
awaitable<http::Response> delete_session(Context& context);

// documentation.cc
awaitable<http::Response> get_openapi(Context& context);
awaitable<http::Response> get_docs(Context& context);
awaitable<http::Response> get_docs_style(Context& context);

// health.cc
awaitable<http::Response> health(Context& context);

// What the handlers share.

// The token in the path; kNotFound for an id that is none, as for one that nobody has.
Result<TokenId> token_in_path(const Context& context);
// 503 or 429: too many streams and exports are open.
http::Response no_stream_slot(StreamSlots::Full full);
http::Response json_response(int status, const boost::json::object& body);
// Tells the position of a write in Mintmark-Position, so that its client can wait for it elsewhere.
void add_position(http::Response& response, Position position);

}  // namespace mintmark
