#include "api/handle_exchange.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string_view>
#include <utility>

#include <sodium.h>

#include "api/commands.h"
#include "api/token_values.h"
#include "domain/limits.h"
#include "domain/token.h"

namespace mintmark {
namespace {

std::unexpected<Error> wrong_handle() {
  return fail(ErrorKind::kInvalid, "handle: The handle is not valid.");
}

std::optional<Secret> parse_handle(std::string_view text) {
  text = text.substr(0, text.find('@'));
  while (text.starts_with(' ')) text.remove_prefix(1);
  while (text.ends_with(' ')) text.remove_suffix(1);
  return Secret::parse(text);
}

// The row of the token that has the handle. Blocks on disk.
Result<TokenRow> find_token_of(Services& services, const Secret& handle) {
  for (auto pepper = services.peppers.newest(); pepper > 0; --pepper) {
    const auto id = services.handles.find(pepper, services.peppers.digest(pepper, handle));
    if (!id) continue;
    auto row = services.token_list.find(*id);
    if (!row) break;
    return std::move(*row);
  }
  return wrong_handle();
}

bool is_digest_of(const Services& services, const SecretDigest& stored, const Secret& handle) {
  const auto digest = services.peppers.digest(stored.pepper(), handle);
  return stored.digest().size() == digest.size() &&
         sodium_memcmp(stored.digest().data(), digest.data(), digest.size()) == 0;
}

// The event that sealed the key which goes with the handle, of those that the token has at `now`; null where
// the handle is none of its.
const Recorded* find_sealed(const Services& services, const std::vector<StoredEvent>& stream,
                            const Secret& handle, Time now) {
  Token token;
  for (const auto& event : stream) evolve(token, event.recorded.event());
  const auto values = find_values(stream);
  // An old value whose time has come is dead, whether or not that is recorded yet.
  const bool is_over = token.expires_at && *token.expires_at <= now;
  if (values.value && !is_over && is_digest_of(services, handle_digest_of(*values.value), handle)) {
    return values.value;
  }
  if (values.renewed && is_digest_of(services, handle_digest_of(*values.renewed), handle)) {
    return values.renewed;
  }
  return nullptr;
}

Result<Decision> decide_exchange(Services& services, const Secret& handle, const LoadedStream& loaded) {
  const auto now = services.clock.now();
  if (!find_sealed(services, loaded.events, handle, now)) return wrong_handle();
  auto events = decide(fold<Token>(loaded), ExchangeHandle{now});
  if (!events) return wrong_handle();
  return Decision{std::move(*events), {}, {}, false};
}

// What the exchange, which ends at `position`, gave away. Blocks on disk.
Result<ExchangedHandle> read_exchanged(Services& services, TokenId id, const Secret& handle,
                                       Position position) {
  auto row = services.token_list.find(id);
  if (!row) return wrong_handle();
  auto stream = services.log.read_stream(stream_of(id), 0);
  std::erase_if(stream, [&](const StoredEvent& event) { return event.recorded.position() > position; });
  if (stream.empty()) return wrong_handle();
  const Time at{std::chrono::microseconds(stream.back().recorded.recorded_at_us())};
  const auto* sealed = find_sealed(services, stream, handle, at);
  if (!sealed) return wrong_handle();
  const auto secret = open_secret(services, *sealed);
  // Deleted a moment ago.
  if (!secret && secret.error().kind == ErrorKind::kConflict) return wrong_handle();
  if (!secret) return std::unexpected(secret.error());
  return ExchangedHandle{std::move(*row), *secret, position};
}

// The token that has the handle, once it is provisioned.
awaitable<Result<TokenId>> find_provisioned(Services& services, const Secret& handle) {
  const auto deadline = std::chrono::steady_clock::now() + limits::provisioning_wait_time_max;
  for (;;) {
    // The position first: what is not in the row comes behind it, and ends the wait.
    const auto seen = services.projector.position();
    auto find = [&services, &handle] { return find_token_of(services, handle); };
    const auto row = co_await services.blocking.run(std::move(find));
    if (!row) co_return std::unexpected(row.error());
    const auto id = TokenId::parse(row->token_id());
    if (!id) co_return wrong_handle();
    if (row->status() != TokenRow::PENDING) co_return *id;
    const bool progressed = co_await reached_by(services, seen + 1, deadline);
    if (!progressed) {
      co_return fail(ErrorKind::kUnavailable, "The token is still being provisioned; try again.");
    }
  }
}

}  // namespace

awaitable<Result<bool>> is_partner(Services& services, const Caller& caller) {
  if (caller.actor.kind() != Actor::TOKEN) co_return false;
  auto read = [&services, account = caller.account]() -> Result<bool> {
    const auto row = services.directory.account(account);
    return row && row->partner();
  };
  co_return co_await services.blocking.run(std::move(read));
}

awaitable<Result<ExchangedHandle>> exchange_handle(Services& services, const Caller& caller,
                                                   std::string text) {
  const auto handle = parse_handle(text);
  if (!handle) co_return wrong_handle();
  const auto id = co_await find_provisioned(services, *handle);
  if (!id) co_return std::unexpected(id.error());
  Decide decide_this = [&services, &handle](const LoadedStream& loaded) {
    return decide_exchange(services, *handle, loaded);
  };
  const auto written = co_await write(services, caller, stream_of(*id), std::move(decide_this));
  if (!written) co_return std::unexpected(written.error());
  auto read = [&services, &id, &handle, position = written->committed.last] {
    return read_exchanged(services, *id, *handle, position);
  };
  co_return co_await services.blocking.run(std::move(read));
}

}  // namespace mintmark
