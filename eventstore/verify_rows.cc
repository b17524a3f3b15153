#include "eventstore/verify_rows.h"

#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

namespace mintmark {
namespace {

constexpr std::size_t rows_at_a_time = 1024;

using Family = RocksDbTables::Family;

// Reads all rows of a family; false where it was to stop.
class RowReading {
 public:
  RowReading(RocksDbTables& tables, const std::function<bool(double rows)>& hold)
      : tables_(tables), hold_(hold) {}

  // Up to the first row that `problem_of` says something of; that.
  std::string read(Family family, const std::function<std::string(const RocksDbTables::Row&)>& problem_of) {
    std::string after;
    while (goes_on_) {
      const auto rows = tables_.read_rows(family, after, rows_at_a_time);
      for (const auto& row : rows) {
        if (auto problem = problem_of(row); !problem.empty()) return problem;
      }
      if (rows.size() < rows_at_a_time) break;
      after = rows.back().key;
      done_ += static_cast<double>(rows.size());
      goes_on_ = hold_(done_);
    }
    return "";
  }
  bool goes_on() const { return goes_on_; }

 private:
  RocksDbTables& tables_;
  const std::function<bool(double rows)>& hold_;
  double done_ = 0;
  bool goes_on_ = true;
};

// The event of that position, where there is one.
std::optional<Recorded> event_at(RocksDbTables& tables, Position position) {
  auto events = tables.read(position - 1, position, 1);
  if (events.empty()) return std::nullopt;
  return std::move(events.front().recorded);
}

// The positions that a row's value begins with; nothing where they are none.
std::optional<Committed> range_of(const RocksDbTables::Row& row) {
  const auto range = RocksDbTables::decode_range(row.value);
  return range && range->first > 0 && range->first <= range->last ? range : std::nullopt;
}

// Whether there are events up to the range's end; those behind `head` came meanwhile.
bool is_there(RocksDbTables& tables, const Committed& range, Position head) {
  return range.last <= head || range.last <= tables.last_position();
}

std::string wrong_append(const Committed& range) {
  return fmt::format("the append of positions {} to {} is not that of its first event", range.first,
                     range.last);
}

std::string wrong_key(const Committed& range) {
  return fmt::format("positions {} to {} were not appended under their idempotency key", range.first,
                     range.last);
}

}  // namespace

void RowCheck::add(const Recorded& recorded) {
  ++head_;
  // No two appends have the same one.
  const auto& key_hash = recorded.idempotency_key_hash();
  if (!key_hash.empty() && key_hash != last_key_hash_) ++idempotent_appends_;
  last_key_hash_ = key_hash;
}

std::string RowCheck::problem(RocksDbTables& tables, const VerifyOptions& options,
                              const std::function<bool(double rows)>& hold) const {
  RowReading reading(tables, hold);
  Position appended = 0;
  auto problem = reading.read(Family::kAppends, [&](const RocksDbTables::Row& row) -> std::string {
    const auto range = range_of(row);
    if (!range || row.key.size() != sizeof(EventId::bytes) || row.value.size() != RocksDbTables::range_bytes)
      return "a row of its appends does not decode";
    if (!is_there(tables, *range, head_)) return wrong_append(*range);
    const auto event = event_at(tables, range->first);
    if (!event || event->event_id() != row.key) return wrong_append(*range);
    if (range->last <= head_) appended += range->last - range->first + 1;
    return "";
  });
  if (!problem.empty() || !reading.goes_on()) return problem;
  if (appended != head_)
    return fmt::format("its appends are of {} events, and there are {}", appended, head_);
  std::uint64_t keys = 0;
  problem = reading.read(Family::kIdempotency, [&](const RocksDbTables::Row& row) -> std::string {
    const auto range = range_of(row);
    if (!range) return "a row of its idempotency keys does not decode";
    if (!is_there(tables, *range, head_)) return wrong_key(*range);
    const auto event = event_at(tables, range->first);
    if (!event || event->event_id().size() != sizeof(EventId::bytes) ||
        event->idempotency_key_hash() != row.key ||
        event->request_hash() != std::string_view(row.value).substr(RocksDbTables::range_bytes))
      return wrong_key(*range);
    const auto append = tables.append_of(EventId::from_bytes(event->event_id()));
    if (!append || append->first != range->first || append->last != range->last) return wrong_key(*range);
    if (range->last <= head_) ++keys;
    return "";
  });
  if (!problem.empty() || !reading.goes_on()) return problem;
  if (keys != idempotent_appends_)
    return fmt::format("it has {} idempotency keys, and {} appends were made under one", keys,
                       idempotent_appends_);
  if (!options.vault_problem) return "";
  return reading.read(Family::kVault, [&](const RocksDbTables::Row& row) {
    return options.vault_problem({row.key, row.value});
  });
}

}  // namespace mintmark
