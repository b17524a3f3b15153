#include "projections/directory.h"

#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"

namespace mintmark {
namespace {

// Keys:  a account → AccountRow         u user → UserRow       m account, added position → user
//        e e-mail hash → user           p user → CredentialsRow     s session hash → SessionRow
std::string number_key(char table, std::uint64_t number) {
  std::string key(1, table);
  put_big_endian(key, number);
  return key;
}

std::string member_key(AccountId account, Position position) {
  auto key = number_key('m', account.code());
  put_big_endian(key, position);
  return key;
}

std::string text_key(char table, std::string_view text) {
  return std::string(1, table).append(text);
}

std::unexpected<Error> cannot_apply(std::string_view why) {
  return fail(ErrorKind::kInvalid, std::string(why));
}

template <class Row>
std::optional<Row> parse(const std::optional<std::string>& stored) {
  Row row;
  if (!stored || !row.ParseFromString(*stored)) return std::nullopt;
  return row;
}

template <class Id>
std::optional<Id> id_of_stream(std::string_view stream) {
  return Id::parse(stream.substr(stream.find('-') + 1));
}

Created created_by(const Recorded& recorded) {
  Created created;
  created.set_at_us(recorded.recorded_at_us());
  *created.mutable_by() = recorded.actor();
  return created;
}

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
  row->set_version(recorded.version());
  rows.put(key, row->SerializeAsString());
  return {};
}

Result<void> set_password(const Recorded& recorded, RowWriter& rows) {
  const auto id = id_of_stream<UserId>(recorded.stream());
  if (!id) return cannot_apply("its stream's name is malformed");
  const auto key = number_key('u', id->value());
  auto user = parse<UserRow>(rows.get(key));
  if (!user) return cannot_apply("there is no such user");
  user->set_version(recorded.version());
  rows.put(key, user->SerializeAsString());
  CredentialsRow row;
  *row.mutable_password_hash() = recorded.event().password_set().password_hash();
  row.set_version(recorded.version());
  rows.put(number_key('p', id->value()), row.SerializeAsString());
  return {};
}

Result<void> open_session(const Recorded& recorded, RowWriter& rows) {
  const auto& opened = recorded.event().session_opened();
  SessionRow row;
  row.set_user_id(opened.user_id());
  row.set_account_id(opened.account_id());
  row.set_expires_at_us(opened.expires_at_us());
  rows.put(text_key('s', opened.secret_hash()), row.SerializeAsString());
  return {};
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
  const auto data_key = vault_.get(recorded.stream());
  if (!data_key) return std::unexpected(data_key.error());
  if (*data_key) {
    const auto opened = Vault::open(**data_key, recorded.stream(), recorded.version(), added.profile());
    UserProfile profile;
    if (!opened || !profile.ParseFromString(*opened)) return cannot_apply("its profile does not open");
    row.set_name(profile.name());
    row.set_email(profile.email());
  }
  rows.put(number_key('u', id->value()), row.SerializeAsString());
  rows.put(member_key(*account, recorded.position()), number_key('u', id->value()));
  rows.put(text_key('e', added.email_hash()), added.user_id());
  return {};
}

Result<void> Directory::apply_event(const StoredEvent& event, RowWriter& rows) {
  const auto& recorded = event.recorded;
  const auto& kind = recorded.event();
  if (kind.has_account_opened()) return open_account(recorded, rows);
  if (kind.has_account_updated()) return update_account(recorded, rows);
  if (kind.has_user_added()) return add_user(recorded, rows);
  if (kind.has_password_set()) return set_password(recorded, rows);
  if (kind.has_session_opened()) return open_session(recorded, rows);
  if (kind.has_session_closed()) {
    constexpr std::string_view prefix = "session-";
    rows.erase(text_key('s', std::string_view(recorded.stream()).substr(prefix.size())));
  }
  return {};
}

std::optional<AccountRow> Directory::account(AccountId id) const {
  return parse<AccountRow>(view().get(number_key('a', id.code())));
}

std::vector<AccountRow> Directory::accounts() const {
  std::vector<AccountRow> accounts;
  const auto it = view().rows();
  for (it->Seek("a"); it->Valid() && it->key().starts_with("a"); it->Next()) {
    if (auto row = parse<AccountRow>(it->value().ToString())) accounts.push_back(std::move(*row));
  }
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
    if (auto row = parse<UserRow>(view().get(mintmark::view(it->value())))) users.push_back(std::move(*row));
  }
  return users;
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

}  // namespace mintmark
