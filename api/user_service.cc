#include "api/user_service.h"

#include <algorithm>
#include <utility>

#include "api/commands.h"
#include "api/passwords.h"
#include "domain/limits.h"
#include "domain/user.h"

namespace mintmark {
namespace {

std::string email_hash(const Services& services, const std::string& email) {
  return services.peppers.name_hash("email", lower_case(email));
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

// An account with all that it says of itself.
Result<std::vector<Event>> decide_opening(const LoadedStream& loaded, AccountId id, const std::string& name,
                                          const AccountFields& fields, IsPartner partner) {
  auto account = fold<Account>(loaded);
  auto events = decide(account, OpenAccount{id, name});
  if (!events) return events;
  for (const auto& event : *events) evolve(account, event);
  auto updated = decide(account, fields.update);
  if (!updated) return updated;
  std::ranges::move(*updated, std::back_inserter(*events));
  auto detailed = decide(account, fields.details);
  if (!detailed) return detailed;
  std::ranges::move(*detailed, std::back_inserter(*events));
  if (partner == IsPartner::kYes) {
    std::ranges::move(*decide(account, MarkPartner{}), std::back_inserter(*events));
  }
  return events;
}

// The account with the user who owns it.
Result<Decision> decide_account(Services& services, AccountId account, const std::string& name,
                                const AccountFields& fields, const NewUser& owner,
                                const std::string& password_hash, const LoadedStream& loaded) {
  auto opened = decide_opening(loaded, account, name, fields, IsPartner::kNo);
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
                                          std::string name, AccountFields fields, IsPartner partner) {
  for (;;) {
    const auto id = AccountId::from_value(type, services.random.below(AccountId::value_end));
    caller.account = id;
    Decide decide_this = [id, &name, &fields, partner](const LoadedStream& stream) -> Result<Decision> {
      auto events = decide_opening(stream, id, name, fields, partner);
      if (!events) return std::unexpected(std::move(events.error()));
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
                                                 AccountFields fields) {
  Decide decide_this = [&fields](const LoadedStream& stream) -> Result<Decision> {
    const auto account = fold<Account>(stream);
    auto events = decide(account, fields.update);
    if (!events) return std::unexpected(std::move(events.error()));
    auto more = decide(account, fields.details);
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
  auto password_hash = co_await services.hashing.run(std::move(hash));
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
                                                     std::string name, AccountFields fields,
                                                     std::string owner_email, std::string owner_name) {
  const auto password = generate_password(services.random);
  auto hash = [&password]() -> Result<std::string> { return hash_password(password); };
  const auto password_hash = co_await services.hashing.run(std::move(hash));
  if (!password_hash) co_return std::unexpected(password_hash.error());
  for (;;) {
    const auto id = AccountId::from_value(AccountType::kVendor, services.random.below(AccountId::value_end));
    const NewUser owner{id, owner_email, owner_name, OWNER};
    Decide decide_this = [&](const LoadedStream& loaded) {
      return decide_account(services, id, name, fields, owner, *password_hash, loaded);
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

std::string email_stream(std::string_view email_hash) {
  return std::string("email-").append(email_hash);
}

}  // namespace mintmark
