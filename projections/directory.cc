#include "projections/directory.h"

#include <algorithm>

#include "eventstore/rocksdb_strings.h"
#include "projections/created.h"
#include "projections/directory_rows.h"

namespace mintmark {
namespace {

using namespace directory_rows;

Result<void> open_account(const Recorded& recorded, RowWriter& rows) {
  const auto& opened = recorded.event().account_opened();
  const auto id = AccountId::parse(opened.account_id());
  if (!id) return cannot_apply("its account id is malformed");
  AccountRow row;
  row.set_account_id(opened.account_id());
  row.set_name(opened.name());
  *row.mutable_created() = created_by(recorded);
  row.set_version(recorded.version());
  rows.put(number_key('a', id->code()), row.SerializeAsString());
  return {};
}

void update_details(const AccountDetailsUpdated& updated, AccountDetailsRow& row) {
  if (updated.has_overview()) row.set_overview(updated.overview());
  if (updated.has_headquarters()) row.set_headquarters(updated.headquarters());
  if (updated.has_is_public()) row.set_is_public(updated.is_public());
  if (updated.has_countries()) *row.mutable_countries() = updated.countries();
  if (updated.has_languages()) *row.mutable_languages() = updated.languages();
  if (updated.has_websites()) *row.mutable_websites() = updated.websites();
  if (updated.has_industries()) *row.mutable_industries() = updated.industries();
}

// The row of a closed account stays: a change that was under way may still follow it.
Result<void> update_account(const Recorded& recorded, RowWriter& rows) {
  const auto& updated = recorded.event().account_updated();
  const auto id = id_of_stream<AccountId>(recorded.stream());
  if (!id) return cannot_apply("its stream's name is malformed");
  const auto key = number_key('a', id->code());
  auto row = parse<AccountRow>(rows.get(key));
  if (!row) return cannot_apply("there is no such account");
  if (updated.has_name()) row->set_name(updated.name());
  if (updated.has_description()) row->set_description(updated.description());
  if (updated.has_external_id()) row->set_external_id(updated.external_id());
  if (updated.has_brand()) row->set_brand(updated.brand());
  if (recorded.event().has_account_details_updated()) {
    update_details(recorded.event().account_details_updated(), *row->mutable_details());
  }
  if (recorded.event().has_account_closed()) row->set_closed(true);
  if (recorded.event().has_partner_marked()) row->set_partner(true);
  *row->mutable_modified() = created_by(recorded);
  row->set_version(recorded.version());
  rows.put(key, row->SerializeAsString());
  return {};
}

// Changes the row of the user whose stream the event is in.
template <class Change>
Result<void> change_user(const Recorded& recorded, RowWriter& rows, Change change) {
  const auto id = id_of_stream<UserId>(recorded.stream());
  if (!id) return cannot_apply("its stream's name is malformed");
  const auto key = number_key('u', id->value());
  auto row = parse<UserRow>(rows.get(key));
  if (!row) return cannot_apply("there is no such user");
  row->set_version(recorded.version());
  change(*id, *row);
  rows.put(key, row->SerializeAsString());
  return {};
}

Result<void> set_password(const Recorded& recorded, RowWriter& rows) {
  return change_user(recorded, rows, [&](UserId id, UserRow&) {
    CredentialsRow row;
    *row.mutable_password_hash() = recorded.event().password_set().password_hash();
    row.set_version(recorded.version());
    rows.put(number_key('p', id.value()), row.SerializeAsString());
  });
}

Result<void> deactivate_user(const Recorded& recorded, RowWriter& rows) {
  return change_user(recorded, rows, [&](UserId id, UserRow& row) {
    row.set_inactive(true);
    end_sessions(id, "", rows);
  });
}

Result<void> activate_user(const Recorded& recorded, RowWriter& rows) {
  return change_user(recorded, rows, [&](UserId, UserRow& row) {
    row.set_inactive(false);
    row.set_activated_at_us(recorded.recorded_at_us());
  });
}

// The row stays, for what the person did: without name, address and password.
Result<void> erase_user(const Recorded& recorded, RowWriter& rows) {
  return change_user(recorded, rows, [&](UserId id, UserRow& row) {
    row.set_erased(true);
    row.clear_name();
    row.clear_email();
    rows.erase(number_key('p', id.value()));
    rows.erase(text_key('e', recorded.event().user_erased().email_hash()));
    end_sessions(id, "", rows);
  });
}

}  // namespace

Result<void> Directory::add_user(const Recorded& recorded, RowWriter& rows) {
  const auto& added = recorded.event().user_added();
  const auto id = UserId::parse(added.user_id());
  const auto account = AccountId::parse(added.account_id());
  if (!id || !account) return cannot_apply("its ids are malformed");
  UserRow row;
  row.set_user_id(added.user_id());
  row.set_account_id(added.account_id());
  row.set_role(added.role());
  *row.mutable_created() = created_by(recorded);
  row.set_version(recorded.version());
  row.set_activated_at_us(recorded.recorded_at_us());
  const auto read = read_profile(recorded, added.profile(), row);
  if (!read) return read;
  rows.put(number_key('u', id->value()), row.SerializeAsString());
  rows.put(member_key(*account, recorded.position()), number_key('u', id->value()));
  rows.put(text_key('e', added.email_hash()), added.user_id());
  return {};
}

Result<void> Directory::read_profile(const Recorded& recorded, const Sealed& sealed, UserRow& row) {
  const auto data_key = vault_.get(recorded.stream());
  if (!data_key) return std::unexpected(data_key.error());
  if (!*data_key) return {};
  const auto opened = Vault::open(**data_key, recorded.stream(), recorded.version(), sealed);
  UserProfile profile;
  if (!opened || !profile.ParseFromString(*opened)) return cannot_apply("its profile does not open");
  row.set_name(profile.name());
  row.set_email(profile.email());
  return {};
}

Result<void> Directory::update_user(const Recorded& recorded, RowWriter& rows) {
  const auto& updated = recorded.event().user_updated();
  Result<void> read;
  const auto changed = change_user(recorded, rows, [&](UserId, UserRow& row) {
    if (updated.has_role()) row.set_role(updated.role());
    if (updated.has_profile()) read = read_profile(recorded, updated.profile(), row);
  });
  return changed ? read : changed;
}

Result<void> Directory::apply_event(const StoredEvent& event, RowWriter& rows) {
  const auto& recorded = event.recorded;
  const auto& kind = recorded.event();
  if (kind.has_account_opened()) return open_account(recorded, rows);
  if (kind.has_account_updated() || kind.has_account_details_updated() || kind.has_account_closed() ||
      kind.has_partner_marked())
    return update_account(recorded, rows);
  if (kind.has_user_added()) return add_user(recorded, rows);
  if (kind.has_password_set()) return set_password(recorded, rows);
  if (kind.has_session_opened()) return open_session(recorded, rows);
  if (kind.has_session_closed()) {
    constexpr std::string_view prefix = "session-";
    close_session(std::string_view(recorded.stream()).substr(prefix.size()), rows);
  }
  if (kind.has_user_updated()) return update_user(recorded, rows);
  if (kind.has_user_deactivated()) return deactivate_user(recorded, rows);
  if (kind.has_user_activated()) return activate_user(recorded, rows);
  if (kind.has_user_erased()) return erase_user(recorded, rows);
  if (kind.has_sessions_ended()) {
    return change_user(recorded, rows, [&](UserId id, UserRow&) {
      end_sessions(id, kind.sessions_ended().kept_session(), rows);
    });
  }
  return {};
}

void Directory::refuse_parked(const Recorded& recorded, RowWriter& rows) {
  if (!recorded.stream().starts_with("user-")) return;
  // Fails where there is no such user: then there is nobody to refuse.
  [[maybe_unused]] const auto refused = deactivate_user(recorded, rows);
}

std::optional<AccountRow> Directory::account(AccountId id) const {
  auto row = parse<AccountRow>(view().get(number_key('a', id.code())));
  return row && !row->closed() ? std::move(row) : std::nullopt;
}

bool Directory::is_closed(AccountId id) const {
  const auto row = parse<AccountRow>(view().get(number_key('a', id.code())));
  return row && row->closed();
}

std::vector<AccountRow> Directory::accounts() const {
  std::vector<AccountRow> accounts;
  const auto it = view().rows();
  for (it->Seek("a"); it->Valid() && it->key().starts_with("a"); it->Next()) {
    auto row = parse<AccountRow>(it->value().ToString());
    if (row && !row->closed()) accounts.push_back(std::move(*row));
  }
  throw_unless_ok(it->status());
  return accounts;
}

std::optional<UserRow> Directory::user(UserId id) const {
  return parse<UserRow>(view().get(number_key('u', id.value())));
}

std::vector<UserRow> Directory::users(AccountId account) const {
  std::vector<UserRow> users;
  const auto prefix = number_key('m', account.code());
  const auto it = view().rows();
  for (it->Seek(prefix); it->Valid() && it->key().starts_with(prefix); it->Next()) {
    auto row = parse<UserRow>(view().get(mintmark::view(it->value())));
    if (row && !row->erased()) users.push_back(std::move(*row));
  }
  throw_unless_ok(it->status());
  return users;
}

bool Directory::belongs(UserId id, AccountId account) const {
  return view().has_value(number_key('m', account.code()), number_key('u', id.value()));
}

std::optional<UserId> Directory::user_by_email(std::string_view email_hash) const {
  const auto stored = view().get(text_key('e', email_hash));
  return stored ? UserId::parse(*stored) : std::nullopt;
}

std::optional<std::string> Directory::password_hash(UserId id) const {
  const auto row = parse<CredentialsRow>(view().get(number_key('p', id.value())));
  if (!row) return std::nullopt;
  const auto stream = stream_of(id);
  const auto data_key = vault_.get(stream);
  if (!data_key || !*data_key) return std::nullopt;
  return Vault::open(**data_key, stream, row->version(), row->password_hash());
}

std::optional<SessionRow> Directory::session(std::string_view secret_hash) const {
  return parse<SessionRow>(view().get(text_key('s', secret_hash)));
}

bool Directory::has_session(UserId user, std::string_view session_id) const {
  const auto row = parse<SessionIdsRow>(view().get(number_key('o', user.value())));
  return row && std::ranges::find(row->session_ids(), session_id) != row->session_ids().end();
}

std::vector<SessionRow> Directory::sessions(UserId user) const {
  std::vector<SessionRow> sessions;
  const auto ids = parse<SessionIdsRow>(view().get(number_key('o', user.value())));
  if (!ids) return sessions;
  for (const auto& id : ids->session_ids()) {
    if (auto row = session(id)) sessions.push_back(std::move(*row));
  }
  return sessions;
}

}  // namespace mintmark
