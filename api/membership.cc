#include "api/membership.h"

#include <functional>
#include <utility>

#include "api/commands.h"
#include "api/token_service.h"
#include "api/user_service.h"
#include "domain/account.h"
#include "domain/limits.h"
#include "domain/user.h"

namespace mintmark {
namespace {

// One user as the log has them now.
struct Member {
  UserId id;
  User user;
  std::uint64_t version = 0;
  std::size_t other_active_owners = 0;
};

using Step = std::function<Result<Decision>(const Member& member)>;

// The directory tells who the users are, their streams what they are at this moment.
std::size_t count_other_active_owners(Services& services, AccountId account, UserId id) {
  std::size_t count = 0;
  for (const auto& row : services.directory.users(account)) {
    const auto other = UserId::parse(row.user_id());
    if (!other || *other == id) continue;
    const auto user = fold<User>(load_stream(services, stream_of(*other)));
    if (user.role == OWNER && user.active) ++count;
  }
  return count;
}

// Whether the caller has seen the user as they are. Like write(), but it knows of the members-… stream alone.
bool has_seen(const Caller& caller, const std::string& stream, const LoadedStream& loaded) {
  const auto& wanted = caller.precondition;
  if (!wanted || wanted->stream != stream) return true;
  auto since = loaded.version;
  while (since > 0 && leaves_unchanged(loaded.events[since - 1].recorded.event())) --since;
  return wanted->holds(since, loaded.version);
}

// What `step` decides is for the user's own stream; the account's members-… stream goes with it.
Result<Decision> decide_change(Services& services, const Caller& caller, UserId id, const Step& step) {
  const auto stream = stream_of(id);
  const auto loaded = load_stream(services, stream);
  Member member{id, fold<User>(loaded), loaded.version, 0};
  if (member.user.account != caller.account) return fail(ErrorKind::kNotFound, "User not found.");
  member.other_active_owners = count_other_active_owners(services, caller.account, id);
  auto decision = step(member);
  if (!decision && decision.error().kind == ErrorKind::kNotFound) return decision;
  if (!has_seen(caller, stream, loaded)) {
    return fail(ErrorKind::kPreconditionFailed, "If-Match: This has changed since you read it.");
  }
  if (decision && caller.outcome) {
    caller.outcome->note(stream, loaded.version + decision->events.size());
  }
  if (!decision || decision->events.empty()) return decision;
  decision->other_streams.push_back(
      make_append(services, stream, loaded.version, std::move(decision->events)));
  Event changed;
  changed.mutable_members_changed()->set_account_id(caller.account.text());
  changed.mutable_members_changed()->set_user_id(id.text());
  decision->events = {std::move(changed)};
  return decision;
}

awaitable<Result<Position>> change_member(Services& services, const Caller& caller, UserId id, Step step) {
  Decide decide_this = [&services, &caller, id, &step](const LoadedStream&) {
    return decide_change(services, caller, id, step);
  };
  Caller writer = caller;
  if (writer.precondition && writer.precondition->stream == stream_of(id)) writer.precondition.reset();
  auto written = co_await write(services, writer, "members-" + caller.account.text(), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return written->committed.last;
}

Result<Decision> decision_of(Result<std::vector<Event>> events) {
  if (!events) return std::unexpected(std::move(events.error()));
  return Decision{std::move(*events), {}, {}, false};
}

Result<Decision> decide_update(Services& services, const Member& member, const MemberUpdate& update) {
  const bool disagree = update.role && update.group && *update.role != *update.group;
  if (disagree && *update.role != member.user.role) {
    return fail(ErrorKind::kInvalid, "groups: Does not agree with role.");
  }
  UpdateUser command{.role = update.group ? update.group : update.role,
                     .profile = {},
                     .sealed_profile = {},
                     .other_active_owners = member.other_active_owners};
  const auto row = services.directory.user(member.id);
  if (update.name && row && *update.name != row->name()) {
    const auto subject = stream_of(member.id);
    const auto data_key = services.vault.get(subject);
    if (!data_key) return std::unexpected(data_key.error());
    if (!*data_key) return fail(ErrorKind::kNotFound, "User not found.");
    command.profile.emplace();
    command.profile->set_name(*update.name);
    command.profile->set_email(row->email());
    command.sealed_profile =
        services.vault.seal(**data_key, subject, member.version + 1, command.profile->SerializeAsString());
  }
  return decision_of(decide(member.user, command));
}

Result<Decision> decide_erasure(Services& services, const Member& member, std::size_t other_active_owners) {
  auto decision = decision_of(decide(member.user, EraseUser{other_active_owners}));
  if (!decision) return decision;
  decision->frees_space = true;
  decision->vault_writes.push_back(Vault::destroy(stream_of(member.id)));
  const auto stream = email_stream(member.user.email_hash);
  Event released;
  released.mutable_email_released()->set_user_id(member.id.text());
  decision->other_streams.push_back(
      make_append(services, stream, load_stream(services, stream).version, {std::move(released)}));
  return decision;
}

// The caller goes with the account, though its last owner.
Result<Decision> decide_closing(Services& services, const Caller& caller, const Member& member) {
  const auto stream = stream_of(caller.account);
  const auto loaded = load_stream(services, stream);
  const CloseAccount command{.tokens = services.token_list.page(caller.account, 0, 0).total,
                             .webhooks = services.webhooks.of(caller.account).size(),
                             .other_users = services.directory.users(caller.account).size() - 1};
  auto closed = decide(fold<Account>(loaded), command);
  if (!closed) return std::unexpected(std::move(closed.error()));
  auto decision = decide_erasure(services, member, 1);
  if (!decision) return decision;
  decision->other_streams.push_back(make_append(services, stream, loaded.version, std::move(*closed)));
  return decision;
}

// Those that were created while the account was closed. The authorization index has dropped them with the
// account, so it is harmless where one stays.
awaitable<void> delete_late_tokens(Services& services, const Caller& caller) {
  const auto consequence = as_consequence(caller);
  auto read = [&services, &caller]() -> Result<TokenList::Page> {
    return services.token_list.page(caller.account, 0, limits::page_max);
  };
  const auto late = co_await services.blocking.run(std::move(read));
  if (!late) co_return;
  for (const auto& row : late->rows) {
    const auto id = TokenId::parse(row.token_id());
    if (!id) continue;
    [[maybe_unused]] const auto deleted = co_await delete_token(services, consequence, *id);
  }
}

}  // namespace

awaitable<Result<Position>> close_account(Services& services, const Caller& caller) {
  const auto id = UserId::parse(caller.actor.id());
  if (!id) co_return fail(ErrorKind::kForbidden, "Only a user can close an account.");
  Step step = [&services, &caller](const Member& member) { return decide_closing(services, caller, member); };
  const auto closed = co_await change_member(services, caller, *id, std::move(step));
  if (closed) co_await delete_late_tokens(services, caller);
  co_return closed;
}

awaitable<Result<Position>> update_member(Services& services, const Caller& caller, UserId id,
                                          MemberUpdate update) {
  Step step = [&services, &update](const Member& member) { return decide_update(services, member, update); };
  co_return co_await change_member(services, caller, id, std::move(step));
}

awaitable<Result<Position>> deactivate_member(Services& services, const Caller& caller, UserId id) {
  Step step = [](const Member& member) {
    auto decision = decision_of(decide(member.user, DeactivateUser{member.other_active_owners}));
    if (decision) decision->frees_space = true;  // a full disk keeps nobody in
    return decision;
  };
  co_return co_await change_member(services, caller, id, std::move(step));
}

awaitable<Result<Position>> activate_member(Services& services, const Caller& caller, UserId id) {
  Step step = [](const Member& member) { return decision_of(decide(member.user, ActivateUser{})); };
  co_return co_await change_member(services, caller, id, std::move(step));
}

awaitable<Result<Position>> erase_member(Services& services, const Caller& caller, UserId id) {
  Step step = [&services](const Member& member) {
    return decide_erasure(services, member, member.other_active_owners);
  };
  co_return co_await change_member(services, caller, id, std::move(step));
}

}  // namespace mintmark
