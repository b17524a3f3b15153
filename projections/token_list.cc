#include "projections/token_list.h"

#include <string>

#include <fmt/format.h>

#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"

namespace mintmark {
namespace {

// Keys:  t token → TokenRow      a account, created position → token      n account → number of tokens
std::string token_key(TokenId id) {
  std::string key = "t";
  put_big_endian(key, id.value());
  return key;
}

std::string account_prefix(AccountId account) {
  std::string key = "a";
  put_big_endian(key, account.code());
  return key;
}

std::string account_key(AccountId account, Position created) {
  auto key = account_prefix(account);
  put_big_endian(key, created);
  return key;
}

std::string count_key(AccountId account) {
  std::string key = "n";
  put_big_endian(key, account.code());
  return key;
}

std::unexpected<Error> cannot_apply(std::string_view why) {
  return fail(ErrorKind::kInvalid, std::string(why));
}

void change_count(RowWriter& rows, AccountId account, std::int64_t by) {
  const auto key = count_key(account);
  const auto stored = rows.get(key);
  const auto count = static_cast<std::int64_t>(stored ? get_big_endian(*stored) : 0) + by;
  std::string value;
  put_big_endian(value, static_cast<std::uint64_t>(count));
  rows.put(key, value);
}

Result<void> create(const Recorded& recorded, RowWriter& rows) {
  const auto& created = recorded.event().token_created();
  const auto id = TokenId::parse(created.token_id());
  const auto account = AccountId::parse(created.account_id());
  if (!id || !account) return cannot_apply("its ids are malformed");
  const auto key = token_key(*id);
  if (rows.get(key)) return cannot_apply("the token exists");
  rows.put(key, token_row(recorded).SerializeAsString());
  rows.put(account_key(*account, recorded.position()), key);
  change_count(rows, *account, 1);
  return {};
}

Result<void> change(const Recorded& recorded, RowWriter& rows) {
  const auto& event = recorded.event();
  const auto id =
      TokenId::parse(std::string_view(recorded.stream()).substr(std::string_view("token-").size()));
  if (!id) return cannot_apply("its stream's name is malformed");
  const auto key = token_key(*id);
  const auto stored = rows.get(key);
  TokenRow row;
  if (!stored || !row.ParseFromString(*stored)) return cannot_apply("there is no such token");
  if (event.has_token_deleted()) {
    const auto account = AccountId::parse(row.account_id());
    if (!account) return cannot_apply("its row is damaged");
    rows.erase(key);
    rows.erase(account_key(*account, row.created_position()));
    change_count(rows, *account, -1);
    return {};
  }
  row.set_version(recorded.version());
  if (event.has_token_updated()) {
    const auto& updated = event.token_updated();
    if (updated.has_name()) row.set_name(updated.name());
    if (updated.has_description()) row.set_description(updated.description());
    if (updated.has_external_id()) row.set_external_id(updated.external_id());
  } else if (event.has_zapier_connection_issued()) {
    row.set_status(TokenRow::ACTIVE);
  }
  rows.put(key, row.SerializeAsString());
  return {};
}

}  // namespace

TokenRow token_row(const Recorded& recorded) {
  const auto& created = recorded.event().token_created();
  TokenRow row;
  row.set_token_id(created.token_id());
  row.set_account_id(created.account_id());
  row.set_extension(created.extension());
  row.set_name(created.name());
  row.set_description(created.description());
  row.set_external_id(created.external_id());
  row.set_status(created.extension() == ZAPIER ? TokenRow::PENDING : TokenRow::ACTIVE);
  row.mutable_created()->set_at_us(recorded.recorded_at_us());
  *row.mutable_created()->mutable_by() = recorded.actor();
  if (created.has_expires_at_us()) row.set_expires_at_us(created.expires_at_us());
  row.set_version(recorded.version());
  row.set_created_position(recorded.position());
  return row;
}

Result<void> TokenList::apply_event(const StoredEvent& event, RowWriter& rows) {
  const auto& kind = event.recorded.event();
  if (kind.has_token_created()) return create(event.recorded, rows);
  if (kind.has_token_updated() || kind.has_token_revealed() || kind.has_token_deleted() ||
      kind.has_zapier_connection_issued()) {
    return change(event.recorded, rows);
  }
  return {};
}

std::optional<TokenRow> TokenList::find(TokenId id) const {
  const auto stored = view().get(token_key(id));
  TokenRow row;
  if (!stored || !row.ParseFromString(*stored)) return std::nullopt;
  return row;
}

TokenList::Page TokenList::page(AccountId account, std::size_t offset, std::size_t limit) const {
  Page page;
  const auto it = view().rows();
  it->Seek(count_key(account));
  if (it->Valid() && mintmark::view(it->key()) == count_key(account))
    page.total = get_big_endian(mintmark::view(it->value()));

  const auto prefix = account_prefix(account);
  std::vector<std::string> keys;
  it->SeekForPrev(account_key(account, UINT64_MAX));
  for (std::size_t skipped = 0; it->Valid() && it->key().starts_with(prefix) && keys.size() < limit;
       it->Prev()) {
    if (skipped++ >= offset) keys.push_back(it->value().ToString());
  }
  // The same iterator, and so the same state of the rows, as the count and the keys.
  for (const auto& key : keys) {
    it->Seek(key);
    TokenRow row;
    if (it->Valid() && mintmark::view(it->key()) == key &&
        row.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      page.rows.push_back(std::move(row));
    }
  }
  return page;
}

}  // namespace mintmark
