#include "api/user_service.h"

#include <algorithm>
#include <utility>

#include "api/commands.h"
#include "api/passwords.h"
#include "domain/account.h"
#include "domain/limits.h"
#include "domain/session.h"
#include "domain/user.h"

namespace mintmark {
namespace {

std::unexpected<Error> wrong_credentials() {
  return fail(ErrorKind::kUnauthenticated, "The e-mail address or the password is wrong.");
}

std::string email_hash(const Services& services, const std::string& email) {
  return services.peppers.name_hash("email", lower_case(email));
}

std::string session_stream(const std::string& id) {
  return "session-" + id;
}

// The claim on the address and the user with their password: all or none.
Result<Decision> decide_user(Services& services, UserId id, const NewUser& wanted,
                             const std::string& password_hash, const LoadedStream& claim) {
  if (fold<EmailClaim>(claim).user)
    return fail(ErrorKind::kConflict, "email: This e-mail address has a user.");
  const auto hash = email_hash(services, wanted.email);
  const auto subject = stream_of(id);
  auto [data_key, vault_write] = services.vault.make(subject);
  UserProfile profile;
  profile.set_name(wanted.name);
  profile.set_email(wanted.email);
  const AddUser add{.id = id,
                    .account = wanted.account,
                    .role = wanted.role,
                    .profile = profile,
                    .sealed_profile = services.vault.seal(data_key, subject, 1, profile.SerializeAsString()),
                    .email_hash = hash};
  User user;
  auto events = decide(user, add);
  if (!events) return std::unexpected(std::move(events.error()));
  for (const auto& event : *events) evolve(user, event);
  auto password = decide(user, SetPassword{services.vault.seal(data_key, subject, 2, password_hash)});
  if (!password) return std::unexpected(std::move(password.error()));
  std::ranges::move(*password, std::back_inserter(*events));

  Event reserved;
  reserved.mutable_email_reserved()->set_user_id(id.text());
  Decision decision{{reserved}, {std::move(vault_write)}, {}, false};
  decision.other_streams.push_back(make_append(services, subject, 0, std::move(*events)));
  return decision;
}

// The account with the user who owns it.
Result<Decision> decide_account(Services& services, AccountId account, const std::string& name,
                                const NewUser& owner, const std::string& password_hash,
                                const LoadedStream& loaded) {
  auto opened = decide(fold<Account>(loaded), OpenAccount{account, name});
  if (!opened) return std::unexpected(std::move(opened.error()));
  const auto stream = email_stream(email_hash(services, owner.email));
  const auto claim = load_stream(services, stream);
  const auto id = UserId::from_value(services.random.below(UserId::value_end));
  auto decision = decide_user(services, id, owner, password_hash, claim);
  if (!decision) return decision;
  decision->other_streams.push_back(
      make_append(services, stream, claim.version, std::move(decision->events)));
  decision->events = std::move(*opened);
  return decision;
}

// What an append of decide_account() made.
Result<OpenedAccount> read_opened_account(Services& services, const Committed& committed) {
  std::optional<AccountId> account;
  std::optional<UserId> owner;
  for (const auto& event : services.log.read(committed.first - 1, committed.last - committed.first + 1)) {
    const auto& kind = event.recorded.event();
    if (kind.has_account_opened()) account = AccountId::parse(kind.account_opened().account_id());
    if (kind.has_user_added()) owner = UserId::parse(kind.user_added().user_id());
  }
  if (!account || !owner) {
    return fail(ErrorKind::kConflict, "Idempotency-Key: This key was used for something else.");
  }
  return OpenedAccount{*account, AddedUser{*owner, "", committed.last}};
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

// Whose address and password these are. Blocks for as long as Argon2id takes, also where nobody's.
Result<UserRow> check_credentials(Services& services, const std::string& email, const std::string& password) {
  const auto id = services.directory.user_by_email(email_hash(services, email));
  auto user = id ? services.directory.user(*id) : std::nullopt;
  const auto hash = id ? services.directory.password_hash(*id) : std::nullopt;
  if (!user || !hash) {
    pretend_to_match(password);
    return wrong_credentials();
  }
  const bool matches = password_matches(*hash, password);
  if (!matches || user->inactive() || user->erased()) return wrong_credentials();
  return std::move(*user);
}

}  // namespace

std::optional<UserRow> find_user(const Services& services, const std::string& email) {
  const auto id = services.directory.user_by_email(email_hash(services, email));
  return id ? services.directory.user(*id) : std::nullopt;
}

// Addresses differ in their domain's case alone by the letter of RFC 5321, but people mean the same one.
std::string lower_case(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return text;
}

awaitable<Result<AccountId>> open_account(Services& services, Caller caller, AccountType type,
                                          std::string name, IsPartner partner) {
  for (;;) {
    const auto id = AccountId::from_value(type, services.random.below(AccountId::value_end));
    caller.account = id;
    Decide decide_this = [id, &name, partner](const LoadedStream& stream) -> Result<Decision> {
      auto account = fold<Account>(stream);
      auto events = decide(account, OpenAccount{id, name});
      if (!events) return std::unexpected(std::move(events.error()));
      if (partner == IsPartner::kYes) {
        for (const auto& event : *events) evolve(account, event);
        std::ranges::move(*decide(account, MarkPartner{}), std::back_inserter(*events));
      }
      return Decision{std::move(*events), {}, {}, false};
    };
    auto written = co_await write(services, caller, stream_of(id), std::move(decide_this));
    if (written && !written->repeated) co_return id;
    if (written) {
      auto read_back = [&services, &written]() -> Result<AccountId> {
        const auto opened = services.log.read(written->committed.first - 1, 1).front().recorded;
        const auto earlier = AccountId::parse(opened.event().account_opened().account_id());
        if (!earlier)
          return fail(ErrorKind::kConflict, "Idempotency-Key: This key was used for something else.");
        return *earlier;
      };
      co_return co_await services.blocking.run(std::move(read_back));
    }
    const bool taken = written.error().kind == ErrorKind::kTaken;
    if (!taken) co_return std::unexpected(std::move(written.error()));
  }
}

awaitable<Result<ChangedAccount>> update_account(Services& services, const Caller& caller,
                                                 UpdateAccount update, UpdateAccountDetails details) {
  Decide decide_this = [&update, &details](const LoadedStream& stream) -> Result<Decision> {
    const auto account = fold<Account>(stream);
    auto events = decide(account, update);
    if (!events) return std::unexpected(std::move(events.error()));
    auto more = decide(account, details);
    if (!more) return std::unexpected(std::move(more.error()));
    std::ranges::move(*more, std::back_inserter(*events));
    return Decision{std::move(*events), {}, {}, false};
  };
  auto written = co_await write(services, caller, stream_of(caller.account), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  const auto position = written->committed.last;
  auto read = [&services, &caller, position]() -> Result<ChangedAccount> {
    auto row = services.directory.account(caller.account);
    if (!row) return fail(ErrorKind::kNotFound, "Account not found.");
    return ChangedAccount{std::move(*row), position};
  };
  co_return co_await services.blocking.run(std::move(read));
}

awaitable<Result<AddedUser>> add_user(Services& services, Caller caller, NewUser user) {
  caller.account = user.account;
  const auto password = generate_password(services.random);
  auto hash = [&services, &user, &password]() -> Result<std::string> {
    if (!services.directory.account(user.account)) return fail(ErrorKind::kNotFound, "Account not found.");
    return hash_password(password);
  };
  auto password_hash = co_await services.blocking.run(std::move(hash));
  if (!password_hash) co_return std::unexpected(std::move(password_hash.error()));
  const auto stream = email_stream(email_hash(services, user.email));
  std::optional<UserId> id;
  Decide decide_this = [&services, &id, &user,
                        &password_hash](const LoadedStream& claim) -> Result<Decision> {
    // A fresh id each time: a taken one loses the race and is decided again.
    id = UserId::from_value(services.random.below(UserId::value_end));
    return decide_user(services, *id, user, *password_hash, claim);
  };
  auto written = co_await write(services, caller, stream, std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  const auto position = written->committed.last;
  if (!written->repeated) co_return AddedUser{*id, password, position};
  auto read_back = [&services, &written]() -> Result<AddedUser> {
    const auto claimed = services.log.read(written->committed.first - 1, 1).front().recorded;
    const auto earlier = UserId::parse(claimed.event().email_reserved().user_id());
    if (!earlier) return fail(ErrorKind::kConflict, "Idempotency-Key: This key was used for something else.");
    return AddedUser{*earlier, "", written->committed.last};
  };
  co_return co_await services.blocking.run(std::move(read_back));
}

awaitable<Result<OpenedAccount>> open_vendor_account(Services& services, const Caller& caller,
                                                     std::string name, std::string owner_email,
                                                     std::string owner_name) {
  const auto password = generate_password(services.random);
  auto hash = [&password]() -> Result<std::string> { return hash_password(password); };
  const auto password_hash = co_await services.blocking.run(std::move(hash));
  if (!password_hash) co_return std::unexpected(password_hash.error());
  for (;;) {
    const auto id = AccountId::from_value(AccountType::kVendor, services.random.below(AccountId::value_end));
    const NewUser owner{id, owner_email, owner_name, OWNER};
    Decide decide_this = [&](const LoadedStream& loaded) {
      return decide_account(services, id, name, owner, *password_hash, loaded);
    };
    auto written = co_await write(services, caller, stream_of(id), std::move(decide_this));
    if (!written) {
      const bool taken = written.error().kind == ErrorKind::kTaken;
      if (taken) continue;
      co_return std::unexpected(std::move(written.error()));
    }
    auto read = [&services, &written] { return read_opened_account(services, written->committed); };
    auto opened = co_await services.blocking.run(std::move(read));
    if (opened && !written->repeated) opened->owner.password = password;
    co_return opened;
  }
}

awaitable<Result<std::string>> reset_password(Services& services, Caller caller, std::string email) {
  const auto password = generate_password(services.random);
  struct Prepared {
    UserId id;
    AccountId account;
    DataKey data_key;
    std::string hash;
  };
  auto prepare = [&services, &email, &password]() -> Result<Prepared> {
    const auto id = services.directory.user_by_email(email_hash(services, email));
    const auto user = id ? services.directory.user(*id) : std::nullopt;
    const auto account = user ? AccountId::parse(user->account_id()) : std::nullopt;
    if (!account) return fail(ErrorKind::kNotFound, "There is no user with this e-mail address.");
    const auto data_key = services.vault.get(stream_of(*id));
    if (!data_key) return std::unexpected(data_key.error());
    if (!*data_key) return fail(ErrorKind::kNotFound, "There is no user with this e-mail address.");
    return Prepared{*id, *account, **data_key, hash_password(password)};
  };
  auto prepared = co_await services.blocking.run(std::move(prepare));
  if (!prepared) co_return std::unexpected(std::move(prepared.error()));
  caller.account = prepared->account;
  const auto stream = stream_of(prepared->id);
  Decide decide_this = [&services, &prepared, &stream](const LoadedStream& loaded) -> Result<Decision> {
    auto sealed = services.vault.seal(prepared->data_key, stream, loaded.version + 1, prepared->hash);
    return decide_password(fold<User>(loaded), std::move(sealed), "");
  };
  auto written = co_await write(services, caller, stream, std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return password;
}

awaitable<Result<SignedIn>> sign_in(Services& services, Caller caller, std::string email,
                                    std::string password) {
  auto check = [&services, &email, &password] { return check_credentials(services, email, password); };
  auto user = co_await services.blocking.run(std::move(check));
  if (!user) co_return std::unexpected(std::move(user.error()));
  const auto id = UserId::parse(user->user_id());
  const auto account = AccountId::parse(user->account_id());
  if (!id || !account) co_return wrong_credentials();
  caller.actor.set_kind(Actor::USER);
  caller.actor.set_id(user->user_id());
  caller.account = *account;
  caller.role = user->role();

  const auto cookie = services.random.secret().hex();
  const auto session = session_id(services, cookie);
  const auto expires_at = services.clock.now() + limits::session_time_max;
  const OpenSession open{*id, *account, session, expires_at};
  Decide decide_this = [&open](const LoadedStream& loaded) -> Result<Decision> {
    auto events = decide(fold<Session>(loaded), open);
    if (!events) return std::unexpected(std::move(events.error()));
    return Decision{std::move(*events), {}, {}, false};
  };
  auto written = co_await write(services, caller, session_stream(session), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return SignedIn{cookie, std::move(*user), expires_at};
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
  auto prepared = co_await services.blocking.run(std::move(prepare));
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

std::optional<UserRow> find_user_by_email(const Services& services, const std::string& email) {
  const auto id = services.directory.user_by_email(email_hash(services, email));
  return id ? services.directory.user(*id) : std::nullopt;
}

std::string email_stream(std::string_view email_hash) {
  return std::string("email-").append(email_hash);
}

std::string csrf_token(const Services& services, const std::string& cookie) {
  return services.peppers.name_hash("csrf", cookie);
}

}  // namespace mintmark
