#include "api/token_service.h"

#include <span>
#include <utility>

#include <fmt/format.h>

#include "api/count_limit.h"
#include "api/token_role.h"
#include "domain/extension.h"
#include "projections/token_row.h"

namespace mintmark {
namespace {

// That the token acts in no role that allows more than the caller's.
Result<void> check_role(const Services& services, const Caller& caller, const Token& /*token*/,
                        const LoadedStream& stream) {
  const auto role = role_of_token(services, caller.account, stream.events.front().recorded.actor());
  if (is_within(role, caller.role)) return {};
  return fail(ErrorKind::kForbidden, "The token acts in a role that allows more than yours.");
}

// That the caller may do all that the token may: else its value, or its being active, would lend them more.
Result<void> check_within(const Services& services, const Caller& caller, const Token& token,
                          const LoadedStream& stream) {
  if (holds_no_more(token, caller.permissions)) return check_role(services, caller, token, stream);
  return fail(ErrorKind::kForbidden, "The token holds permissions that yours does not.");
}

std::unexpected<Error> no_such_extension() {
  return fail(ErrorKind::kInvalid, "extension: There is no such extension.");
}

CountLimit limit_of(Services& services, ExtensionId id, std::size_t tokens_max) {
  return {.stream = "count-tokens-" + id.text(),
          .max = tokens_max,
          .refusal = fmt::format("The extension has at most {} tokens.", tokens_max),
          .view = services.extensions,
          .shows =
              [&services](const std::string& token) {
                const auto known = TokenId::parse(token);
                return known && services.extensions.counts(*known);
              },
          .count = [&services, id]() -> std::size_t {
            const auto row = services.extensions.find(id);
            return row ? row->tokens() : 0;
          }};
}

// That the account has the extension, and that it may have one more token. Only where there may be so many do
// creations that come together wait for each other.
Result<void> check_own_extension(Services& services, AccountId account, ExtensionId id, TokenId token,
                                 Decision& decision) {
  const auto extension = fold<AccountExtension>(load_stream(services, stream_of(id)));
  if (!extension.exists || extension.account != account) return no_such_extension();
  const auto& constraints = extension.details.constraints();
  if (!constraints.has_account_tokens()) return {};
  return count_in(services, limit_of(services, id, constraints.account_tokens()), token.text(), decision);
}

// A fresh value with a fresh data key, sealed into the first event of its stream.
Result<Decision> decide_creation(Services& services, const Caller& caller, TokenId id, const NewToken& wanted,
                                 const LoadedStream& stream) {
  Decision decision;
  if (wanted.own_extension) {
    const auto checked = check_own_extension(services, caller.account, *wanted.own_extension, id, decision);
    if (!checked) return std::unexpected(checked.error());
  }
  auto [data_key, vault_write] = services.vault.make(stream_of(id));
  CreateToken command{
      .id = id,
      .account = caller.account,
      .extension = wanted.extension,
      .name = wanted.name,
      .description = wanted.description,
      .external_id = wanted.external_id,
      .expires_at = wanted.expires_at,
      .now = services.clock.now(),
      .credentials = make_credentials(services, data_key, id, wanted.extension, stream.version + 1),
      .permissions = caller.permissions,
      .own_extension = wanted.own_extension};
  auto events = decide(fold<Token>(stream), command);
  if (!events) return std::unexpected(std::move(events.error()));
  decision.events = std::move(*events);
  decision.vault_writes.push_back(std::move(vault_write));
  return decision;
}

// Decides about one of the caller's own tokens.
template <class Command>
Decide decide_own(const Caller& caller, Command command, Decision extras = {}) {
  return [&caller, command = std::move(command),
          extras = std::move(extras)](const LoadedStream& stream) -> Result<Decision> {
    const auto token = fold<Token>(stream);
    if (token.account != caller.account) return not_found("Token");
    auto events = decide(token, command);
    if (!events) return std::unexpected(std::move(events.error()));
    Decision decision = extras;
    decision.events = std::move(*events);
    return decision;
  };
}

using Check = Result<void> (*)(const Services& services, const Caller& caller, const Token& token,
                               const LoadedStream& stream);

// The same, where the check lets the caller.
template <class Command>
Decide decide_own_if(Check check, const Services& services, const Caller& caller, Command command) {
  return [check, &services, &caller, decide_this = decide_own(caller, std::move(command))](
             const LoadedStream& stream) -> Result<Decision> {
    const auto token = fold<Token>(stream);
    if (token.account != caller.account) return decide_this(stream);
    const auto allowed = check(services, caller, token, stream);
    if (!allowed) return std::unexpected(allowed.error());
    return decide_this(stream);
  };
}

awaitable<Result<ChangedToken>> change(Services& services, const Caller& caller, TokenId id, Decide decide) {
  auto written = co_await write(services, caller, stream_of(id), std::move(decide));
  if (!written) co_return std::unexpected(std::move(written.error()));
  auto row = co_await find_token(services, caller, id);
  if (!row) co_return std::unexpected(std::move(row.error()));
  co_return ChangedToken{std::move(*row), written->committed.last};
}

// The token's values as a rotation or renewal, which lies between these positions, left them. Blocks on disk.
Result<TokenWithValue> read_back(Services& services, const Caller& caller, TokenId id,
                                 const Committed& committed) {
  auto row = services.token_list.find(id);
  if (!row || row->account_id() != caller.account.text()) return not_found("Token");
  auto stream = services.log.read_stream(stream_of(id), 0);
  std::erase_if(stream, [&](const StoredEvent& event) { return event.recorded.position() > committed.last; });
  const auto values = find_values(stream);
  const auto extension = row->extension();
  auto value = open_value(services, id, extension, *values.value);
  if (!value) return std::unexpected(std::move(value.error()));
  TokenWithValue token{std::move(*row), *value, {}, committed.last};
  if (!values.renewed) return token;
  auto renewed = open_value(services, id, extension, *values.renewed);
  if (!renewed) return std::unexpected(std::move(renewed.error()));
  token.renewed = *renewed;
  return token;
}

// Whether the extension that the token was made for has been deleted meanwhile. Blocks on disk.
bool is_too_late(const Services& services, const NewToken& token) {
  if (!token.own_extension) return false;
  const auto row = services.extensions.find(*token.own_extension);
  return !row || row->deleted();
}

// What decide_creation() made. kNotFound where the account has been closed meanwhile. Blocks on disk.
Result<CreatedToken> read_created(Services& services, const Caller& caller, const Committed& committed) {
  if (services.directory.is_closed(caller.account)) return fail(ErrorKind::kNotFound, "Account not found.");
  const auto events = services.log.read(committed.first - 1, committed.last - committed.first + 1);
  const auto& recorded = events.front().recorded;
  const auto& created = recorded.event().token_created();
  const auto id = TokenId::parse(created.token_id()).value();
  auto value = open_value(services, id, created.extension(), recorded);
  if (!value) return std::unexpected(std::move(value.error()));
  auto row = token_row(recorded);
  for (const auto& event : std::span(events).subspan(1)) {
    if (event.recorded.stream() == recorded.stream()) change_row(row, event.recorded);
  }
  return CreatedToken{std::move(row), *value, committed.last};
}

// RotateToken and RenewToken: a fresh value under the token's own data key.
template <class Command>
awaitable<Result<TokenWithValue>> replace_value(Services& services, const Caller& caller, TokenId id,
                                                NewExpiry expiry) {
  Decide decide_this = [&services, &caller, id, expiry](const LoadedStream& stream) -> Result<Decision> {
    const auto token = fold<Token>(stream);
    if (token.account != caller.account || token.status == TokenStatus::kDeleted) return not_found("Token");
    const auto data_key = services.vault.get(stream_of(id));
    if (!data_key) return std::unexpected(data_key.error());
    if (!*data_key) return fail(ErrorKind::kUnavailable, "The token's data key is missing.");
    // What came due meanwhile is recorded first, and the value is sealed for the version behind it.
    const auto now = services.clock.now();
    const auto due = decide(token, ComeDue{now});
    const auto version = stream.version + due->size() + 1;
    const Command command{make_credentials(services, **data_key, id, token.extension, version), expiry, now};
    return decide_own_if(check_within, services, caller, command)(stream);
  };
  auto written = co_await write(services, caller, stream_of(id), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  auto read = [&services, &caller, id, committed = written->committed] {
    return read_back(services, caller, id, committed);
  };
  co_return co_await services.blocking.run(std::move(read));
}

}  // namespace

awaitable<Result<CreatedToken>> create_token(Services& services, const Caller& caller, NewToken token) {
  // A random id may be taken: then the next one.
  for (;;) {
    const auto id = TokenId::from_value(services.random.below(TokenId::value_end));
    Decide decide_this = [&services, &caller, id, &token](const LoadedStream& stream) -> Result<Decision> {
      return decide_creation(services, caller, id, token, stream);
    };
    auto written = co_await write(services, caller, stream_of(id), std::move(decide_this));
    if (!written) {
      const bool taken = written.error().kind == ErrorKind::kTaken;
      if (taken) continue;
      co_return std::unexpected(std::move(written.error()));
    }
    auto read = [&services, &caller, &token, written = *written]() -> Result<CreatedToken> {
      if (!written.repeated && is_too_late(services, token)) return no_such_extension();
      return read_created(services, caller, written.committed);
    };
    auto created = co_await services.blocking.run(std::move(read));
    const bool is_orphan = !created && (created.error().kind == ErrorKind::kNotFound ||
                                        created.error().kind == ErrorKind::kInvalid);
    if (!is_orphan) co_return created;
    // Nobody has heard its value, so it is harmless whether or not this succeeds.
    const auto consequence = as_consequence(caller);
    [[maybe_unused]] const auto deleted = co_await delete_token(services, consequence, id);
    co_return created;
  }
}

awaitable<Result<ChangedToken>> update_token(Services& services, const Caller& caller, TokenId id,
                                             UpdateToken update) {
  co_return co_await change(services, caller, id, decide_own(caller, std::move(update)));
}

awaitable<Result<ChangedToken>> activate_token(Services& services, const Caller& caller, TokenId id) {
  const ActivateToken activate{services.clock.now()};
  co_return co_await change(services, caller, id, decide_own_if(check_within, services, caller, activate));
}

awaitable<Result<ChangedToken>> deactivate_token(Services& services, const Caller& caller, TokenId id) {
  const DeactivateToken deactivate{services.clock.now()};
  // A full disk keeps no key alive.
  Decision extras{{}, {}, {}, true};
  co_return co_await change(services, caller, id, decide_own(caller, deactivate, std::move(extras)));
}

awaitable<Result<TokenWithValue>> rotate_token(Services& services, const Caller& caller, TokenId id,
                                               NewExpiry expiry) {
  co_return co_await replace_value<RotateToken>(services, caller, id, expiry);
}

awaitable<Result<TokenWithValue>> renew_token(Services& services, const Caller& caller, TokenId id,
                                              NewExpiry expiry) {
  co_return co_await replace_value<RenewToken>(services, caller, id, expiry);
}

awaitable<Result<ChangedToken>> grant_permissions(Services& services, const Caller& caller, TokenId id,
                                                  std::uint64_t modules) {
  if (caller.permissions && (modules & ~*caller.permissions) != 0) {
    co_return fail(ErrorKind::kForbidden, "A token can pass on only the permissions that it holds.");
  }
  // Whoever has the token's key acts through it, so a member who has one must not widen it.
  auto decide_this = decide_own_if(check_role, services, caller, GrantPermissions{modules});
  co_return co_await change(services, caller, id, std::move(decide_this));
}

awaitable<Result<ChangedToken>> revoke_permissions(Services& services, const Caller& caller, TokenId id,
                                                   RevokePermissions revoke) {
  co_return co_await change(services, caller, id, decide_own(caller, revoke));
}

awaitable<Result<RevealedToken>> reveal_token(Services& services, const Caller& caller, TokenId id) {
  auto written = co_await write(services, caller, stream_of(id),
                                decide_own_if(check_within, services, caller, RevealToken{}));
  if (!written) co_return std::unexpected(std::move(written.error()));
  auto read = [&services, &caller, id, committed = written->committed] {
    return read_back(services, caller, id, committed);
  };
  auto token = co_await services.blocking.run(std::move(read));
  if (!token) co_return std::unexpected(std::move(token.error()));
  co_return RevealedToken{token->value, token->renewed, written->committed.last};
}

awaitable<Result<Position>> delete_token(Services& services, const Caller& caller, TokenId id) {
  Decision extras{{}, {Vault::destroy(stream_of(id))}, {}, true};
  auto written =
      co_await write(services, caller, stream_of(id), decide_own(caller, DeleteToken{}, std::move(extras)));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return written->committed.last;
}

awaitable<Result<TokenRow>> find_token(Services& services, const Caller& caller, TokenId id) {
  auto read = [&services, &caller, id]() -> Result<TokenRow> {
    auto row = services.token_list.find(id);
    if (!row || row->account_id() != caller.account.text()) return not_found("Token");
    return std::move(*row);
  };
  co_return co_await services.blocking.run(std::move(read));
}

}  // namespace mintmark
