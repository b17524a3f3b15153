#include "projections/row_projection.h"

#include <stdexcept>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "eventstore/bytes.h"
#include "eventstore/rocksdb_strings.h"

namespace mintmark {
namespace {

constexpr std::string_view checkpoint_key("\0checkpoint", 11);
constexpr std::string_view parked_prefix("\0parked/", 8);

void throw_unless_ok(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error("the views cannot be used: " + status.ToString());
}

std::string parked_key(std::string_view stream) {
  return std::string(parked_prefix).append(stream);
}

std::size_t count_parked(const View& view) {
  std::size_t count = 0;
  const auto it = view.rows();
  for (it->Seek(slice(parked_prefix)); it->Valid() && it->key().starts_with(slice(parked_prefix)); it->Next())
    ++count;
  return count;
}

}  // namespace

std::optional<std::string> RowWriter::get(std::string_view key) {
  std::string value;
  const auto status =
      batch_.GetFromBatchAndDB(&view_.db(), rocksdb::ReadOptions(), view_.family(), slice(key), &value);
  if (status.IsNotFound()) return std::nullopt;
  throw_unless_ok(status);
  return value;
}

void RowWriter::put(std::string_view key, std::string_view value) {
  throw_unless_ok(batch_.Put(view_.family(), slice(key), slice(value)));
}

void RowWriter::erase(std::string_view key) {
  throw_unless_ok(batch_.Delete(view_.family(), slice(key)));
}

RowProjection::RowProjection(View view) : view_(view), checkpoint_(0), parked_(count_parked(view)) {
  if (const auto stored = view_.get(checkpoint_key)) checkpoint_ = get_big_endian(*stored);
}

Position RowProjection::checkpoint_of(rocksdb::Iterator& rows) {
  rows.Seek(slice(checkpoint_key));
  throw_unless_ok(rows.status());
  if (!rows.Valid() || rows.key() != slice(checkpoint_key)) return 0;
  return get_big_endian(mintmark::view(rows.value()));
}

void RowProjection::apply(std::span<const StoredEvent> events) {
  // Overwriting keys in the index keeps one entry a key, so that reads of the batch stay cheap.
  rocksdb::WriteBatchWithIndex batch(rocksdb::BytewiseComparator(), 0, true);
  Position position = checkpoint();
  std::size_t parked = parked_streams();
  for (const auto& event : events) {
    if (event.recorded.position() <= position) continue;
    if (event.recorded.position() != position + 1) {
      throw std::logic_error(fmt::format("{}: events after position {} were left out", name(), position));
    }
    apply_or_park(event, batch, parked);
    ++position;
  }
  if (position == checkpoint()) return;
  std::string value;
  put_big_endian(value, position);
  RowWriter(view_, batch).put(checkpoint_key, value);
  view_.write(batch);
  rows_written();
  parked_.store(parked, std::memory_order_relaxed);
  checkpoint_.store(position, std::memory_order_release);
}

void RowProjection::apply_or_park(const StoredEvent& event, rocksdb::WriteBatchWithIndex& batch,
                                  std::size_t& parked) {
  const auto& stream = event.recorded.stream();
  RowWriter rows(view_, batch);
  if (parked > 0 && rows.get(parked_key(stream))) return;
  batch.SetSavePoint();
  const auto applied = apply_event(event, rows);
  if (applied) {
    throw_unless_ok(batch.PopSavePoint());
    return;
  }
  throw_unless_ok(batch.RollbackToSavePoint());
  const auto reason = fmt::format("{}", fmt::join(applied.error().messages, " "));
  spdlog::critical("{}: cannot apply the event at position {}; stream {} is parked: {}", name(),
                   event.recorded.position(), stream, reason);
  rows.put(parked_key(stream), reason);
  ++parked;
}

}  // namespace mintmark
