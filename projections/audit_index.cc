#include "projections/audit_index.h"

#include <algorithm>
#include <array>
#include <limits>
#include <stdexcept>
#include <utility>

#include "domain/webhook.h"
#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"
#include "projections/row_keys.h"

namespace mintmark {
namespace {

// Keys:  a account, number → entry                        c account → how many entries
//        s stream → its account, how many entries         o stream, NUL, number → its number in the account
// Numbers in keys are big-endian, others little-endian.

std::string entry_key(AccountId account, std::uint64_t number) {
  auto key = number_key('a', account.code());
  put_big_endian(key, number);
  return key;
}

std::string stream_key(std::string_view stream) {
  return std::string("s").append(stream);
}

std::string object_key(std::string_view stream, std::uint64_t number) {
  auto key = std::string("o").append(stream);
  key += '\0';
  put_big_endian(key, number);
  return key;
}

std::string number_value(std::uint64_t number) {
  std::string value;
  put_little_endian(value, number);
  return value;
}

struct StreamRow {
  AccountId account;
  std::uint64_t count = 0;
};

std::string encode(const StreamRow& row) {
  auto value = number_value(row.account.code());
  put_little_endian(value, row.count);
  return value;
}

StreamRow decode_stream(std::string_view value) {
  return {AccountId::from_code(static_cast<std::uint32_t>(get_little_endian(value))),
          get_little_endian(value.substr(8))};
}

// Position, time, a word with four numbers of 16 bits (the sizes of stream and actor id, type, actor kind),
// then stream, actor id and client ip. Nothing where a number is too large.
constexpr std::size_t entry_head_bytes = 24;
constexpr std::uint64_t word_part_max = std::numeric_limits<std::uint16_t>::max();

std::optional<std::string> encode(const Recorded& recorded) {
  const std::array<std::uint64_t, 4> parts = {
      recorded.stream().size(),
      recorded.actor().id().size(),
      static_cast<std::uint64_t>(recorded.event().kind_case()),
      static_cast<std::uint64_t>(recorded.actor().kind()),
  };
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i] > word_part_max) return std::nullopt;
    word |= parts[i] << (16 * i);
  }
  std::string value;
  value.reserve(entry_head_bytes + recorded.stream().size() + recorded.actor().id().size() +
                recorded.client_ip().size());
  put_little_endian(value, recorded.position());
  put_little_endian(value, static_cast<std::uint64_t>(recorded.recorded_at_us()));
  put_little_endian(value, word);
  return value.append(recorded.stream()).append(recorded.actor().id()).append(recorded.client_ip());
}

AuditEntry decode_entry(std::string_view value) {
  const auto word = value.size() < entry_head_bytes ? 0 : get_little_endian(value.substr(16));
  const std::size_t stream_bytes = word & word_part_max;
  const std::size_t actor_bytes = word >> 16 & word_part_max;
  if (value.size() < entry_head_bytes + stream_bytes + actor_bytes) {
    throw std::runtime_error("the audit index has a damaged row");
  }
  AuditEntry entry;
  entry.position = get_little_endian(value);
  entry.at_us = static_cast<std::int64_t>(get_little_endian(value.substr(8)));
  entry.type = static_cast<int>(word >> 32 & word_part_max);
  entry.actor_kind = static_cast<Actor::Kind>(word >> 48);
  entry.stream = value.substr(entry_head_bytes, stream_bytes);
  entry.actor_id = value.substr(entry_head_bytes + stream_bytes, actor_bytes);
  entry.client_ip = value.substr(entry_head_bytes + stream_bytes + actor_bytes);
  return entry;
}

constexpr std::string_view jobs_kind = "jobs";
constexpr std::string_view webhook_kind = "webhook";

// "token-SU-160-984-824": token and SU-160-984-824.
AuditObject split(std::string_view stream) {
  const auto end = std::min(stream.find('-'), stream.size());
  return {stream.substr(0, end), stream.substr(std::min(end + 1, stream.size()))};
}

// Streams whose account is in their name, and those whose account their first event tells.
bool names_its_account(std::string_view kind) {
  return kind == "account" || kind == jobs_kind;
}
bool is_an_accounts(std::string_view kind) {
  constexpr std::array<std::string_view, 5> kinds = {"extension", "session", "token", "user", webhook_kind};
  return names_its_account(kind) || std::ranges::find(kinds, kind) != kinds.end();
}

// The account that the first event of a stream tells; empty where it tells none.
std::string_view account_told_by(const Event& event) {
  if (event.has_token_created()) return event.token_created().account_id();
  if (event.has_session_opened()) return event.session_opened().account_id();
  if (event.has_user_added()) return event.user_added().account_id();
  if (event.has_webhook_created()) return event.webhook_created().account_id();
  if (event.has_extension_created()) return event.extension_created().account_id();
  return {};
}

Result<StreamRow> first_row(const Recorded& recorded) {
  const auto [kind, id] = split(recorded.stream());
  const auto account = AccountId::parse(names_its_account(kind) ? id : account_told_by(recorded.event()));
  if (!account) return cannot_apply("it does not tell whose it is");
  return StreamRow{*account};
}

// The row's value in the state that the iterator reads; it moves the iterator.
std::optional<std::string> value_of(rocksdb::Iterator& rows, const std::string& key) {
  rows.Seek(key);
  throw_unless_ok(rows.status());
  if (!rows.Valid() || rows.key() != slice(key)) return std::nullopt;
  return rows.value().ToString();
}

}  // namespace

AuditObject audit_object(std::string_view stream) {
  auto object = split(stream);
  if (object.kind == jobs_kind) object.id = {};
  if (const auto webhook = webhook_of_trigger(stream)) {
    object = {webhook_kind, object.id.substr(0, webhook->text().size())};
  }
  return object;
}

std::string object_stream(std::string_view stream) {
  const auto webhook = webhook_of_trigger(stream);
  return webhook ? stream_of(*webhook) : std::string(stream);
}

std::string audit_stream(std::string_view object_id) {
  struct Kind {
    std::string_view id_prefix;
    std::string_view kind;
  };
  constexpr std::array<Kind, 6> kinds = {{{"SU-", "token"},
                                          {"UR-", "user"},
                                          {"WH-", webhook_kind},
                                          {"EXT-", "extension"},
                                          {"VA-", "account"},
                                          {"PA-", "account"}}};
  const auto found = std::ranges::find_if(
      kinds, [object_id](const Kind& kind) { return object_id.starts_with(kind.id_prefix); });
  return std::string(found == kinds.end() ? "session" : found->kind).append("-").append(object_id);
}

Result<void> AuditIndex::apply_event(const StoredEvent& event, RowWriter& rows) {
  const auto& recorded = event.recorded;
  const auto stream = object_stream(recorded.stream());
  if (!is_an_accounts(split(stream).kind)) return {};
  const auto key = stream_key(stream);
  const bool begins = recorded.version() == 1 && stream == recorded.stream();
  const auto stored = begins ? std::nullopt : rows.get(key);
  auto row = stored ? Result<StreamRow>(decode_stream(*stored)) : first_row(recorded);
  if (!row) return std::unexpected(std::move(row.error()));
  const auto entry = encode(recorded);
  if (!entry) return cannot_apply("its envelope is too large");
  const auto count_key = number_key('c', row->account.code());
  const auto counted = rows.get(count_key);
  const auto number = (counted ? get_little_endian(*counted) : 0) + 1;
  ++row->count;
  rows.put(entry_key(row->account, number), *entry);
  rows.put(object_key(stream, row->count), number_value(number));
  rows.put(key, encode(*row));
  rows.put(count_key, number_value(number));
  if (changed_.empty() || changed_.back() != row->account) changed_.push_back(row->account);
  return {};
}

void AuditIndex::rows_written() {
  std::ranges::sort(changed_);
  const auto rest = std::ranges::unique(changed_);
  changed_.erase(rest.begin(), rest.end());
  feed_.notify(changed_);
  changed_.clear();
}

AuditTrail AuditIndex::trail(AccountId account) const {
  AuditTrail trail(view(), account);
  const auto counted = value_of(*trail.rows_, number_key('c', account.code()));
  if (counted) trail.count_ = get_little_endian(*counted);
  return trail;
}

AuditTrail AuditIndex::trail(AccountId account, std::string stream) const {
  AuditTrail trail(view(), account);
  const auto stored = value_of(*trail.rows_, stream_key(stream));
  const auto row = stored ? std::optional(decode_stream(*stored)) : std::nullopt;
  if (row && row->account == account) trail.count_ = row->count;
  trail.stream_ = std::move(stream);
  return trail;
}

std::string AuditTrail::row_key(std::uint64_t number) const {
  return stream_.empty() ? entry_key(account_, number) : object_key(stream_, number);
}

// Entries never change once they are written, so those that an object's numbers lead to may be read in
// whatever state.
bool AuditTrail::show(std::uint64_t number, const Visit& visit) {
  throw_unless_ok(rows_->status());
  if (!rows_->Valid() || rows_->key() != slice(row_key(number))) {
    throw std::runtime_error("the audit index lacks a row");
  }
  const auto value = mintmark::view(rows_->value());
  if (stream_.empty()) return visit(number, decode_entry(value));
  const auto entry = view_.get(entry_key(account_, get_little_endian(value)));
  if (!entry) throw std::runtime_error("the audit index lacks a row");
  return visit(number, decode_entry(*entry));
}

void AuditTrail::forward(std::uint64_t first, const Visit& visit) {
  if (first > count_) return;
  rows_->Seek(row_key(first));
  for (auto number = first; number <= count_ && show(number, visit); ++number) rows_->Next();
}

void AuditTrail::backward(std::uint64_t first, const Visit& visit) {
  first = std::min(first, count_);
  if (first == 0) return;
  rows_->Seek(row_key(first));
  for (auto number = first; number > 0 && show(number, visit); --number) rows_->Prev();
}

std::uint64_t AuditTrail::count_up_to(Position position) {
  std::uint64_t low = 0;  // that many are known to be up to it, and those from high + 1 on not to be
  std::uint64_t high = count_;
  while (low < high) {
    const auto middle = high - (high - low) / 2;
    bool is_up_to = false;
    forward(middle, [&](std::uint64_t, const AuditEntry& entry) {
      is_up_to = entry.position <= position;
      return false;
    });
    if (is_up_to) {
      low = middle;
    } else {
      high = middle - 1;
    }
  }
  return low;
}

}  // namespace mintmark
