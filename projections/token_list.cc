#include "projections/token_list.h"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"
#include "projections/row_keys.h"
#include "projections/token_row.h"

namespace mintmark {
namespace {

// Keys:  t token → TokenRow      a account, created position → token      n account → number of tokens
//        d time, token → nothing: what the token's row is due at
std::string token_key(TokenId id) {
  std::string key = "t";
  put_big_endian(key, id.value());
  return key;
}

TokenId token_of_key(std::string_view key) {
  return TokenId::from_value(static_cast<std::uint32_t>(get_big_endian(key.substr(1))));
}

std::string count_key(AccountId account) {
  std::string key = "n";
  put_big_endian(key, account.code());
  return key;
}

void change_count(RowWriter& rows, AccountId account, std::int64_t by) {
  const auto key = count_key(account);
  const auto stored = rows.get(key);
  const auto count = static_cast<std::int64_t>(stored ? get_big_endian(*stored) : 0) + by;
  std::string value;
  put_big_endian(value, static_cast<std::uint64_t>(count));
  rows.put(key, value);
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

Result<void> create(const Recorded& recorded, RowWriter& rows, std::vector<TokenRowChange>& changes) {
  const auto& created = recorded.event().token_created();
  const auto id = TokenId::parse(created.token_id());
  const auto account = AccountId::parse(created.account_id());
  if (!id || !account) return cannot_apply("its ids are malformed");
  const auto key = token_key(*id);
  if (rows.get(key)) return cannot_apply("the token exists");
  auto row = token_row(recorded);
  rows.put(key, row.SerializeAsString());
  reschedule(rows, key, std::nullopt, due_us(row));
  rows.put(account_key(*account, recorded.position()), key);
  change_count(rows, *account, 1);
  changes.push_back({recorded.position(), *account, recorded.position(), std::move(row)});
  return {};
}

Result<void> change(const Recorded& recorded, RowWriter& rows, std::vector<TokenRowChange>& changes) {
  const auto& event = recorded.event();
  const auto id =
      TokenId::parse(std::string_view(recorded.stream()).substr(std::string_view("token-").size()));
  if (!id) return cannot_apply("its stream's name is malformed");
  const auto key = token_key(*id);
  const auto stored = rows.get(key);
  TokenRow row;
  // Of a deletion the provisioning URL may have been told in vain: that token has no row any more.
  if (!stored && event.has_zapier_provisioning_failed()) return {};
  if (!stored || !row.ParseFromString(*stored)) return cannot_apply("there is no such token");
  const auto account = AccountId::parse(row.account_id());
  if (!account) return cannot_apply("its row is damaged");
  if (event.has_token_deleted()) {
    rows.erase(key);
    reschedule(rows, key, due_us(row), std::nullopt);
    rows.erase(account_key(*account, row.created_position()));
    change_count(rows, *account, -1);
    changes.push_back({recorded.position(), *account, row.created_position(), std::nullopt});
    return {};
  }
  const auto due_before = due_us(row);
  change_row(row, recorded);
  rows.put(key, row.SerializeAsString());
  reschedule(rows, key, due_before, due_us(row));
  const auto created = row.created_position();
  changes.push_back({recorded.position(), *account, created, std::move(row)});
  return {};
}

// Leaves the rows' versions as they are: what a token is has not changed.
Result<void> note_uses(const Recorded& recorded, RowWriter& rows, std::vector<TokenRowChange>& changes) {
  for (const auto& use : recorded.event().tokens_used().uses()) {
    if (use.token() >= TokenId::value_end) return cannot_apply("a token's number is out of range");
    const auto key = token_key(TokenId::from_value(use.token()));
    const auto stored = rows.get(key);
    if (!stored) continue;  // deleted meanwhile
    TokenRow row;
    if (!row.ParseFromString(*stored)) return cannot_apply("a token's row is damaged");
    const auto account = AccountId::parse(row.account_id());
    if (!account) return cannot_apply("a token's row is damaged");
    if (!change_last_use(row, use.last_used_at_us(), recorded.recorded_at_us())) continue;
    rows.put(key, row.SerializeAsString());
    const auto created = row.created_position();
    changes.push_back({recorded.position(), *account, created, std::move(row)});
  }
  return {};
}

bool concerns_tokens(const Event& event) {
  return event.has_token_updated() || event.has_token_revealed() || event.has_token_deleted() ||
         event.has_zapier_connection_issued() || event.has_token_activated() ||
         event.has_token_deactivated() || event.has_token_rotated() || event.has_token_renewed() ||
         event.has_token_renewal_completed() || event.has_token_expiring() || event.has_token_expired() ||
         event.has_permissions_granted() || event.has_permissions_revoked() || event.has_handle_exchanged() ||
         event.has_zapier_provisioning_failed();
}

}  // namespace

Result<void> TokenList::apply_event(const StoredEvent& event, RowWriter& rows) {
  const auto& kind = event.recorded.event();
  if (kind.has_token_created()) return create(event.recorded, rows, changes_);
  if (kind.has_tokens_used()) return note_uses(event.recorded, rows, changes_);
  if (concerns_tokens(kind)) return change(event.recorded, rows, changes_);
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

void TokenList::rows_written() {
  columns_.apply(std::exchange(changes_, {}));
}

TokenList::Page TokenList::page(AccountId account, std::size_t offset, std::size_t limit,
                                Position newest) const {
  Page page;
  const ViewSnapshot snapshot(view());
  if (const auto stored = snapshot.get(count_key(account))) page.total = get_big_endian(*stored);

  const auto prefix = account_prefix(account);
  const auto newest_key = account_key(account, newest);
  std::vector<std::string> keys;
  const auto it = snapshot.rows();
  it->SeekForPrev(account_key(account, UINT64_MAX));
  for (; it->Valid() && it->key().starts_with(prefix) && it->key().compare(newest_key) > 0; it->Prev())
    --page.total;
  for (std::size_t skipped = 0; it->Valid() && it->key().starts_with(prefix) && keys.size() < limit;
       it->Prev()) {
    if (skipped++ >= offset) keys.push_back(it->value().ToString());
  }
  throw_unless_ok(it->status());
  page.rows.reserve(keys.size());
  snapshot.get_all(keys, [&page](std::string_view stored) {
    TokenRow row;
    if (row.ParseFromArray(stored.data(), static_cast<int>(stored.size())))
      page.rows.push_back(std::move(row));
  });
  return page;
}

std::shared_ptr<const TokenBlocks> TokenList::blocks(AccountId account) const {
  return columns_.blocks(account, [this, account](const std::function<void(const TokenRow&)>& take) {
    return load(account, take);
  });
}

namespace {

// Rows in the order that they are read, in one piece of memory: a million small ones would cost more to make
// and to free than to read.
class RowBuffer {
 public:
  explicit RowBuffer(std::size_t count) : places_(count) { bytes_.reserve(count * row_bytes_usual); }

  void put(std::size_t place, std::string_view bytes) {
    places_[place] = {bytes_.size(), bytes.size()};
    bytes_.append(bytes);
  }
  // Calls visit(bytes) for every row that was put, by its place.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (const auto& [offset, size] : places_) {
      if (size > 0) visit(std::string_view(bytes_).substr(offset, size));
    }
  }

 private:
  static constexpr std::size_t row_bytes_usual = 160;
  std::string bytes_;
  std::vector<std::pair<std::size_t, std::size_t>> places_;  // offset and size
};

}  // namespace

// Rows lie on disk in the order of their ids, and are wanted in that of their creation. So this reads many at
// once in the order of the disk; the more of all rows are the account's, the less it seeks.
Position TokenList::load(AccountId account, const std::function<void(const TokenRow&)>& take) const {
  constexpr std::size_t rows_at_once = 1024 * 1024;
  constexpr int steps_before_seek = 8;
  const auto it = view().rows();
  const auto position = checkpoint_of(*it);
  const auto prefix = account_prefix(account);
  std::string next = prefix;
  TokenRow row;  // one for all: it keeps its memory
  for (;;) {
    std::vector<std::pair<TokenId, std::uint32_t>> wanted;  // with their places in `rows`
    it->Seek(next);
    for (; it->Valid() && it->key().starts_with(prefix) && wanted.size() < rows_at_once; it->Next()) {
      wanted.emplace_back(token_of_key(mintmark::view(it->value())),
                          static_cast<std::uint32_t>(wanted.size()));
    }
    throw_unless_ok(it->status());
    if (wanted.empty()) return position;
    const bool is_last = !it->Valid() || !it->key().starts_with(prefix);
    if (!is_last) next = it->key().ToString();
    std::ranges::sort(wanted);
    RowBuffer rows(wanted.size());
    it->Seek(token_key(wanted.front().first));
    for (const auto& [id, place] : wanted) {
      const auto key = token_key(id);
      for (int step = 0; it->Valid() && it->key().compare(key) < 0; ++step) {
        if (step < steps_before_seek) {
          it->Next();
        } else {
          it->Seek(key);
        }
      }
      if (it->Valid() && mintmark::view(it->key()) == key) rows.put(place, mintmark::view(it->value()));
    }
    throw_unless_ok(it->status());
    rows.for_each([&](std::string_view stored) {
      if (row.ParseFromArray(stored.data(), static_cast<int>(stored.size()))) take(row);
    });
    if (is_last) return position;
  }
}

}  // namespace mintmark
