#include "projections/token_list.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include "domain/token.h"
#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"

namespace mintmark {
namespace {

// Keys:  t token → TokenRow      a account, created position → token      n account → number of tokens
//        d time, token → nothing: what the token's row is due at
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

// When time does something to the token next: the rules of ComeDue (domain/token.h).
std::optional<std::int64_t> due_us(const TokenRow& row) {
  if (!row.has_expires_at_us() || row.status() == TokenRow::EXPIRED) return std::nullopt;
  const bool says_it_expires = row.status() == TokenRow::ACTIVE && !row.expiring() && !row.has_renewal();
  if (!says_it_expires) return row.expires_at_us();
  return row.expires_at_us() - std::chrono::microseconds(expiring_before).count();
}

std::string due_key(std::int64_t at_us, std::string_view token_key) {
  std::string key = "d";
  put_big_endian(key, static_cast<std::uint64_t>(std::max<std::int64_t>(at_us, 0)));
  key.append(token_key.substr(1));
  return key;
}

// Moves the token's place in the order of what is due.
void reschedule(RowWriter& rows, std::string_view token_key, std::optional<std::int64_t> before,
                std::optional<std::int64_t> after) {
  if (before == after) return;
  if (before) rows.erase(due_key(*before, token_key));
  if (after) rows.put(due_key(*after, token_key), "");
}

Created created_by(const Recorded& recorded) {
  Created created;
  created.set_at_us(recorded.recorded_at_us());
  *created.mutable_by() = recorded.actor();
  return created;
}

// The row's one value is this from here on.
template <class Value>
void take_value(TokenRow& row, const Value& value) {
  row.clear_expires_at_us();
  if (value.has_expires_at_us()) row.set_expires_at_us(value.expires_at_us());
  row.set_issued_at_us(value.issued_at_us());
  row.clear_expiring();
  if (row.status() == TokenRow::EXPIRED) row.set_status(TokenRow::ACTIVE);
  row.clear_renewal();
}

void renew(TokenRow& row, const TokenRenewed& renewed) {
  auto& renewal = *row.mutable_renewal();
  renewal.Clear();
  const auto& credentials = renewed.credentials();
  if (credentials.has_expires_at_us()) renewal.set_expires_at_us(credentials.expires_at_us());
  renewal.set_issued_at_us(credentials.issued_at_us());
  row.set_expires_at_us(renewed.old_expires_at_us());
}

void grant(TokenRow& row, const Recorded& recorded) {
  row.set_restricted(true);
  auto& permissions = *row.mutable_permissions();
  for (const auto module : recorded.event().permissions_granted().modules()) {
    const auto place = std::ranges::lower_bound(permissions, module, {}, &PermissionRow::module);
    if (place != permissions.end() && place->module() == module) continue;
    const auto index = static_cast<int>(place - permissions.begin());
    auto& permission = *permissions.Add();
    permission.set_module(module);
    *permission.mutable_granted() = created_by(recorded);
    for (int i = permissions.size() - 1; i > index; --i) permissions.SwapElements(i, i - 1);
  }
}

void revoke(TokenRow& row, const PermissionsRevoked& revoked) {
  auto& permissions = *row.mutable_permissions();
  for (const auto module : revoked.modules()) {
    const auto place = std::ranges::find(permissions, module, &PermissionRow::module);
    if (place != permissions.end()) permissions.erase(place);
  }
}

Result<void> create(const Recorded& recorded, RowWriter& rows) {
  const auto& created = recorded.event().token_created();
  const auto id = TokenId::parse(created.token_id());
  const auto account = AccountId::parse(created.account_id());
  if (!id || !account) return cannot_apply("its ids are malformed");
  const auto key = token_key(*id);
  if (rows.get(key)) return cannot_apply("the token exists");
  const auto row = token_row(recorded);
  rows.put(key, row.SerializeAsString());
  reschedule(rows, key, std::nullopt, due_us(row));
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
    reschedule(rows, key, due_us(row), std::nullopt);
    rows.erase(account_key(*account, row.created_position()));
    change_count(rows, *account, -1);
    return {};
  }
  const auto due_before = due_us(row);
  change_row(row, recorded);
  rows.put(key, row.SerializeAsString());
  reschedule(rows, key, due_before, due_us(row));
  return {};
}

bool concerns_tokens(const Event& event) {
  return event.has_token_updated() || event.has_token_revealed() || event.has_token_deleted() ||
         event.has_zapier_connection_issued() || event.has_token_activated() ||
         event.has_token_deactivated() || event.has_token_rotated() || event.has_token_renewed() ||
         event.has_token_renewal_completed() || event.has_token_expiring() || event.has_token_expired() ||
         event.has_permissions_granted() || event.has_permissions_revoked();
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
  *row.mutable_created() = created_by(recorded);
  if (created.has_expires_at_us()) row.set_expires_at_us(created.expires_at_us());
  row.set_version(recorded.version());
  row.set_created_position(recorded.position());
  row.set_issued_at_us(created.issued_at_us());
  return row;
}

void change_row(TokenRow& row, const Recorded& recorded) {
  const auto& event = recorded.event();
  row.set_version(recorded.version());
  if (event.has_token_updated()) {
    const auto& updated = event.token_updated();
    if (updated.has_name()) row.set_name(updated.name());
    if (updated.has_description()) row.set_description(updated.description());
    if (updated.has_external_id()) row.set_external_id(updated.external_id());
  } else if (event.has_zapier_connection_issued()) {
    if (row.status() == TokenRow::PENDING) row.set_status(TokenRow::ACTIVE);
  } else if (event.has_token_activated()) {
    row.set_status(TokenRow::ACTIVE);
  } else if (event.has_token_deactivated()) {
    row.set_status(TokenRow::INACTIVE);
  } else if (event.has_token_rotated()) {
    take_value(row, event.token_rotated().credentials());
  } else if (event.has_token_renewed()) {
    renew(row, event.token_renewed());
  } else if (event.has_token_renewal_completed()) {
    if (row.has_renewal()) take_value(row, RenewalRow(row.renewal()));
  } else if (event.has_token_expiring()) {
    row.set_expiring(true);
  } else if (event.has_token_expired()) {
    row.set_status(TokenRow::EXPIRED);
  } else if (event.has_permissions_granted()) {
    grant(row, recorded);
  } else if (event.has_permissions_revoked()) {
    revoke(row, event.permissions_revoked());
  }
}

Result<void> TokenList::apply_event(const StoredEvent& event, RowWriter& rows) {
  const auto& kind = event.recorded.event();
  if (kind.has_token_created()) return create(event.recorded, rows);
  if (concerns_tokens(kind)) return change(event.recorded, rows);
  return {};
}

std::optional<TokenList::Due> TokenList::next_due(const std::optional<Due>& after) const {
  const auto it = view().rows();
  if (after) {
    const auto last = due_key(after->at.time_since_epoch().count(), token_key(after->token));
    it->Seek(last);
    if (it->Valid() && mintmark::view(it->key()) == last) it->Next();
  } else {
    it->Seek("d");
  }
  if (!it->Valid() || !it->key().starts_with("d")) return std::nullopt;
  const auto key = mintmark::view(it->key()).substr(1);
  const auto id = get_big_endian(key.substr(sizeof(std::uint64_t)));
  return Due{Time(std::chrono::microseconds(get_big_endian(key.substr(0, sizeof(std::uint64_t))))),
             TokenId::from_value(static_cast<std::uint32_t>(id))};
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
