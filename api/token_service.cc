#include "api/token_service.h"

#include <string_view>
#include <utility>

namespace mintmark {
namespace {

std::unexpected<Error> not_found() {
  return fail(ErrorKind::kNotFound, "Token not found.");
}

std::string_view as_text(const Secret& secret) {
  return {reinterpret_cast<const char*>(secret.bytes.data()), secret.bytes.size()};
}

std::optional<Secret> as_secret(const std::optional<std::string>& bytes) {
  Secret secret{};
  if (!bytes || bytes->size() != secret.bytes.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), secret.bytes.begin());
  return secret;
}

// A fresh secret with a fresh data key, sealed into the first event of its stream.
Result<Decision> decide_creation(Services& services, const Caller& caller, TokenId id, const NewToken& wanted,
                                 const LoadedStream& stream) {
  const auto subject = stream_of(id);
  const auto version = stream.version + 1;
  auto [data_key, vault_write] = services.vault.make(subject);
  const auto secret = services.random.secret();
  CreateToken command{.id = id,
                      .account = caller.account,
                      .extension = wanted.extension,
                      .name = wanted.name,
                      .description = wanted.description,
                      .external_id = wanted.external_id,
                      .expires_at = wanted.expires_at,
                      .now = services.clock.now(),
                      .secret_digest = services.peppers.digest(secret),
                      .secret = services.vault.seal(data_key, subject, version, as_text(secret)),
                      .handle_digest = {},
                      .handle = {}};
  if (wanted.extension == ZAPIER) {
    const auto handle = services.random.secret();
    command.handle_digest = services.peppers.digest(handle);
    command.handle = services.vault.seal(data_key, subject, version, as_text(handle));
  }
  auto events = decide(fold<Token>(stream), command);
  if (!events) return std::unexpected(std::move(events.error()));
  return Decision{std::move(*events), {std::move(vault_write)}, {}, false};
}

// The value that the token's creation sealed; kConflict where its data key is destroyed.
Result<TokenValue> open_value(Services& services, const Recorded& created) {
  const auto& event = created.event().token_created();
  const auto id = TokenId::parse(event.token_id());
  const auto data_key = services.vault.get(created.stream());
  if (!data_key) return std::unexpected(data_key.error());
  if (!id || !*data_key) return fail(ErrorKind::kConflict, "This token is deleted, and its value destroyed.");
  TokenValue value;
  if (event.extension() == ZAPIER) {
    value.handle = as_secret(Vault::open(**data_key, created.stream(), created.version(), event.handle()));
  } else if (const auto secret =
                 as_secret(Vault::open(**data_key, created.stream(), created.version(), event.secret()))) {
    value.key = ApiKey{*id, *secret};
  }
  if (!value.key && !value.handle) {
    return fail(ErrorKind::kUnavailable, "The token's value does not open under its data key.");
  }
  return value;
}

// Decides about one of the caller's own tokens.
template <class Command>
Decide decide_own(const Caller& caller, Command command, Decision extras = {}) {
  return [&caller, command = std::move(command),
          extras = std::move(extras)](const LoadedStream& stream) -> Result<Decision> {
    const auto token = fold<Token>(stream);
    if (token.account != caller.account) return not_found();
    auto events = decide(token, command);
    if (!events) return std::unexpected(std::move(events.error()));
    Decision decision = extras;
    decision.events = std::move(*events);
    return decision;
  };
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
      const bool taken = written.error() == Error{ErrorKind::kConflict, {"id: This token id is taken."}};
      if (taken) continue;
      co_return std::unexpected(std::move(written.error()));
    }
    const auto committed = written->committed;
    auto read_back = [&services, committed]() -> Result<CreatedToken> {
      const auto events = services.log.read(committed.first - 1, 1);
      const auto& recorded = events.front().recorded;
      auto value = open_value(services, recorded);
      if (!value) return std::unexpected(std::move(value.error()));
      return CreatedToken{token_row(recorded), *value, committed.last};
    };
    co_return co_await services.blocking.run(std::move(read_back));
  }
}

awaitable<Result<ChangedToken>> update_token(Services& services, const Caller& caller, TokenId id,
                                             UpdateToken update) {
  auto written = co_await write(services, caller, stream_of(id), decide_own(caller, std::move(update)));
  if (!written) co_return std::unexpected(std::move(written.error()));
  auto row = co_await find_token(services, caller, id);
  if (!row) co_return std::unexpected(std::move(row.error()));
  co_return ChangedToken{std::move(*row), written->committed.last};
}

awaitable<Result<RevealedToken>> reveal_token(Services& services, const Caller& caller, TokenId id) {
  auto written = co_await write(services, caller, stream_of(id), decide_own(caller, RevealToken{}));
  if (!written) co_return std::unexpected(std::move(written.error()));
  auto open = [&services, id]() -> Result<TokenValue> {
    const auto events = services.log.read_stream(stream_of(id), 0);
    return open_value(services, events.front().recorded);
  };
  auto value = co_await services.blocking.run(std::move(open));
  if (!value) co_return std::unexpected(std::move(value.error()));
  co_return RevealedToken{*value, written->committed.last};
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
    if (!row || row->account_id() != caller.account.text()) return not_found();
    return std::move(*row);
  };
  co_return co_await services.blocking.run(std::move(read));
}

}  // namespace mintmark
