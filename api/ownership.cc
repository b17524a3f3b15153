#include "api/ownership.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <fmt/format.h>

#include "api/commands.h"
#include "worker/job_store.h"

namespace mintmark {
namespace {

bool owns_account(const Services& /*services*/, const Context& context, std::size_t /*thread*/) {
  return context.parameters[0] == context.caller.account.text();
}

bool owns_user(const Services& services, const Context& context, std::size_t thread) {
  const auto id = UserId::parse(context.parameters[1]);
  if (!id || !owns_account(services, context, thread)) return false;
  const auto& directory = services.directory;
  return directory.belongs(*id, context.caller.account) || directory.parked_streams() > 0;
}

bool owns_session(const Services& services, const Context& context, std::size_t /*thread*/) {
  const auto user = UserId::parse(context.caller.actor.id());
  return user && services.directory.has_session(*user, context.parameters[0]);
}

bool owns_token(const Services& services, const Context& context, std::size_t thread) {
  const auto id = TokenId::parse(context.parameters[0]);
  const auto& index = services.authorization_index;
  return id && (index.belongs(thread, *id, context.caller.account) || index.parked_streams() > 0);
}

// Those that are built in are everybody's.
bool owns_extension(const Services& services, const Context& context, std::size_t /*thread*/) {
  const auto id = ExtensionId::parse(context.parameters[0]);
  if (!id || id->is_built_in()) return id.has_value();
  const auto& extensions = services.extensions;
  return extensions.belongs(*id, context.caller.account) || extensions.parked_streams() > 0;
}

bool owns_webhook(const Services& services, const Context& context, std::size_t /*thread*/) {
  const auto id = WebhookId::parse(context.parameters[0]);
  const auto& webhooks = services.webhooks;
  return id && (webhooks.belongs(*id, context.caller.account) || webhooks.parked_streams() > 0);
}

// What is done is not among the account's jobs any more; only a webhook's deliveries are kept then.
bool owns_job(const Services& services, const Context& context, std::size_t /*thread*/) {
  const auto key = parse_job_id(context.parameters[0]);
  if (!key) return false;
  const auto account = context.caller.account;
  return services.jobs.is_listed(account, *key) ||
         (is_about_webhook(key->kind) && services.webhooks.belongs(webhook_of(*key), account));
}

// What accounts keep under ids. Modules and the built-in extensions are everybody's.
struct Collection {
  std::string_view path;
  std::string_view thing;
  bool (*owns)(const Services& services, const Context& context, std::size_t thread);
  bool blocks;  // on disk; what does not needs the io thread
};
// The longer paths first.
constexpr std::array collections = std::to_array<Collection>({
    {"/public/v1/accounts/{id}/users/{", "User", owns_user, true},
    {"/public/v1/accounts/{", "Account", owns_account, false},
    {"/public/v1/auth/sessions/{", "Session", owns_session, true},
    {"/public/v1/auth/tokens/{", "Token", owns_token, false},
    {"/public/v1/extensions/{", "Extension", owns_extension, true},
    {"/public/v1/jobs/{", "Job", owns_job, true},
    {"/public/v1/notifications/webhooks/{", "Webhook", owns_webhook, true},
});

awaitable<Result<bool>> owns(Services& services, const Context& context, const Collection& collection,
                             std::size_t thread) {
  if (!collection.blocks) co_return collection.owns(services, context, thread);
  auto look = [&services, &context, &collection, thread]() -> Result<bool> {
    return collection.owns(services, context, thread);
  };
  co_return co_await services.blocking.run(std::move(look));
}

}  // namespace

awaitable<Result<void>> check_ownership(Services& services, const Context& context, const RouteMatch& match,
                                        std::size_t thread) {
  const auto* const collection = std::ranges::find_if(collections, [&match](const Collection& candidate) {
    return match.route->path.starts_with(candidate.path);
  });
  if (collection == collections.end()) co_return Result<void>();
  const auto own = co_await owns(services, context, *collection, thread);
  if (!own) co_return std::unexpected(own.error());
  if (*own) co_return Result<void>();
  // What was written a moment ago may not show yet.
  const auto reached = co_await projected(services, services.log.head());
  if (!reached) co_return fail(ErrorKind::kUnavailable, "The views lag behind; try again.");
  const auto own_now = co_await owns(services, context, *collection, thread);
  if (!own_now) co_return std::unexpected(own_now.error());
  if (*own_now) co_return Result<void>();
  auto find = [&services, &key = context.caller.idempotency_key]() -> Result<bool> {
    return key && services.log.find_idempotency_key(key->key_hash);
  };
  const auto repeated = co_await services.blocking.run(std::move(find));
  if (!repeated) co_return std::unexpected(repeated.error());
  if (*repeated) co_return Result<void>();
  co_return fail(ErrorKind::kNotFound, fmt::format("{} not found.", collection->thing));
}

}  // namespace mintmark
