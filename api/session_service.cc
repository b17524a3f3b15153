#include "api/session_service.h"

#include <algorithm>
#include <utility>

#include "api/commands.h"
#include "api/passwords.h"
#include "api/user_service.h"
#include "domain/limits.h"
#include "domain/session.h"
#include "domain/user.h"

namespace mintmark {
namespace {

std::unexpected<Error> wrong_credentials() {
  return fail(ErrorKind::kUnauthenticated, "The e-mail address or the password is wrong.");
}

std::string session_stream(const std::string& id) {
  return "session-" + id;
}

// The new password, and the end of the user's sessions but the kept one.
Result<Decision> decide_password(const User& user, Sealed hash, std::string kept_session) {
  auto events = decide(user, SetPassword{std::move(hash)});
  if (!events) return std::unexpected(std::move(events.error()));
  auto ended = decide(user, EndSessions{std::move(kept_session)});
  if (!ended) return std::unexpected(std::move(ended.error()));
  std::ranges::move(*ended, std::back_inserter(*events));
  return Decision{std::move(*events), {}, {}, false};
}

struct CheckedCredentials {
  UserRow user;
  UserId id;
  AccountId account;
  std::string password_hash;  // the one that matched
};

// Whose address and password these are. Blocks for as long as Argon2id takes, also where nobody's.
Result<CheckedCredentials> check_credentials(Services& services, const std::string& email,
                                             const std::string& password) {
  auto user = find_user(services, email);
  const auto id = user ? UserId::parse(user->user_id()) : std::nullopt;
  const auto account = user ? AccountId::parse(user->account_id()) : std::nullopt;
  auto hash = id ? services.directory.password_hash(*id) : std::nullopt;
  if (!id || !account || !hash) {
    pretend_to_match(password);
    return wrong_credentials();
  }
  const bool matches = password_matches(*hash, password);
  if (!matches || user->inactive() || user->erased()) return wrong_credentials();
  return CheckedCredentials{std::move(*user), *id, *account, std::move(*hash)};
}

}  // namespace

awaitable<Result<NewPassword>> reset_password(Services& services, const Caller& caller, UserId id) {
  const auto password = generate_password(services.random);
  const auto stream = stream_of(id);
  struct Prepared {
    DataKey data_key;
    std::string hash;
  };
  auto prepare = [&services, &caller, &stream, &password, id]() -> Result<Prepared> {
    const auto user = services.directory.user(id);
    if (!user || user->erased() || user->account_id() != caller.account.text()) return not_found("User");
    const auto data_key = services.vault.get(stream);
    if (!data_key) return std::unexpected(data_key.error());
    if (!*data_key) return not_found("User");
    return Prepared{**data_key, hash_password(password)};
  };
  auto prepared = co_await services.hashing.run(std::move(prepare));
  if (!prepared) co_return std::unexpected(std::move(prepared.error()));
  Decide decide_this = [&services, &prepared, &stream](const LoadedStream& loaded) -> Result<Decision> {
    auto sealed = services.vault.seal(prepared->data_key, stream, loaded.version + 1, prepared->hash);
    return decide_password(fold<User>(loaded), std::move(sealed), "");
  };
  auto written = co_await write(services, caller, stream, std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return NewPassword{written->repeated ? "" : password, written->committed.last};
}

awaitable<Result<SignedIn>> sign_in(Services& services, Caller caller, std::string email,
                                    std::string password) {
  auto check = [&services, &email, &password] { return check_credentials(services, email, password); };
  auto checked = co_await services.hashing.run(std::move(check));
  if (!checked) co_return std::unexpected(std::move(checked.error()));
  caller.actor.set_kind(Actor::USER);
  caller.actor.set_id(checked->id.text());
  caller.account = checked->account;
  caller.role = checked->user.role();

  const auto cookie = services.random.secret().hex();
  const auto session = session_id(services, cookie);
  const auto expires_at = services.clock.now() + limits::session_time_max;
  const OpenSession open{checked->id, checked->account, session, expires_at};
  Decide decide_this = [&open](const LoadedStream& loaded) -> Result<Decision> {
    auto events = decide(fold<Session>(loaded), open);
    if (!events) return std::unexpected(std::move(events.error()));
    return Decision{std::move(*events), {}, {}, false};
  };
  auto written = co_await write(services, caller, session_stream(session), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  // A password that was changed after the check ended the sessions that were open then, and not this one.
  auto compare = [&services, &checked]() -> Result<bool> {
    return services.directory.password_hash(checked->id) == checked->password_hash;
  };
  const auto unchanged = co_await services.blocking.run(std::move(compare));
  if (unchanged && *unchanged) co_return SignedIn{cookie, std::move(checked->user), expires_at};
  // Nobody has its cookie, so it is harmless whether or not this succeeds.
  const auto consequence = as_consequence(caller);
  [[maybe_unused]] const auto closed = co_await sign_out(services, consequence, cookie);
  if (!unchanged) co_return std::unexpected(unchanged.error());
  co_return wrong_credentials();
}

awaitable<Result<void>> sign_out(Services& services, const Caller& caller, std::string cookie) {
  Decide decide_this = [](const LoadedStream& loaded) -> Result<Decision> {
    auto events = decide(fold<Session>(loaded), CloseSession{});
    if (!events) return std::unexpected(std::move(events.error()));
    return Decision{std::move(*events), {}, {}, true};
  };
  auto written =
      co_await write(services, caller, session_stream(session_id(services, cookie)), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return Result<void>();
}

awaitable<Result<Position>> end_session(Services& services, const Caller& caller, std::string id) {
  Decide decide_this = [&services, &caller, &id](const LoadedStream& loaded) -> Result<Decision> {
    const auto row = services.directory.session(id);
    const bool own = row && caller.actor.kind() == Actor::USER && row->user_id() == caller.actor.id();
    if (!own) return fail(ErrorKind::kNotFound, "Session not found.");
    auto events = decide(fold<Session>(loaded), CloseSession{});
    if (!events) return std::unexpected(std::move(events.error()));
    return Decision{std::move(*events), {}, {}, true};
  };
  auto written = co_await write(services, caller, session_stream(id), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return written->committed.last;
}

awaitable<Result<Position>> change_password(Services& services, const Caller& caller, std::string cookie,
                                            std::string current, std::string wanted) {
  struct Prepared {
    std::string stream;
    DataKey data_key;
    std::string hash;
    std::optional<Committed> repeated = {};
  };
  auto prepare = [&services, &caller, &current, &wanted]() -> Result<Prepared> {
    const auto acceptable = check_password(wanted);
    if (!acceptable) return std::unexpected(acceptable.error());
    const auto id = UserId::parse(caller.actor.id());
    const auto hash = id ? services.directory.password_hash(*id) : std::nullopt;
    const auto repeated = find_repeated(services, caller);
    if (!repeated) return std::unexpected(repeated.error());
    if (*repeated) {
      // The request is the same where the password is what it asks for.
      if (!hash || !password_matches(*hash, wanted)) return key_reused();
      return Prepared{"", {}, "", *repeated};
    }
    if (!hash || !password_matches(*hash, current)) {
      return fail(ErrorKind::kInvalid, "current_password: This is not your password.");
    }
    const auto data_key = services.vault.get(stream_of(*id));
    if (!data_key) return std::unexpected(data_key.error());
    if (!*data_key) return fail(ErrorKind::kNotFound, "User not found.");
    return Prepared{stream_of(*id), **data_key, hash_password(wanted)};
  };
  auto prepared = co_await services.hashing.run(std::move(prepare));
  if (!prepared) co_return std::unexpected(std::move(prepared.error()));
  if (prepared->repeated) co_return prepared->repeated->last;
  const auto kept = session_id(services, cookie);
  Decide decide_this = [&services, &prepared, &kept](const LoadedStream& loaded) -> Result<Decision> {
    auto sealed =
        services.vault.seal(prepared->data_key, prepared->stream, loaded.version + 1, prepared->hash);
    return decide_password(fold<User>(loaded), std::move(sealed), kept);
  };
  auto written = co_await write(services, caller, prepared->stream, std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return written->committed.last;
}

Result<OpenSessionView> find_session(Services& services, const std::string& cookie) {
  const auto session = services.directory.session(session_id(services, cookie));
  if (!session) return fail(ErrorKind::kUnauthenticated, "Sign in first.");
  const Time expires_at{std::chrono::microseconds(session->expires_at_us())};
  const auto id = UserId::parse(session->user_id());
  auto user = id ? services.directory.user(*id) : std::nullopt;
  if (!user || user->inactive() || user->erased() || services.clock.now() >= expires_at) {
    return fail(ErrorKind::kUnauthenticated, "The session has expired; sign in again.");
  }
  return OpenSessionView{std::move(*user), expires_at};
}

std::string session_id(const Services& services, const std::string& cookie) {
  return services.peppers.name_hash("session", cookie);
}

std::string csrf_token(const Services& services, const std::string& cookie) {
  return services.peppers.name_hash("csrf", cookie);
}

}  // namespace mintmark
