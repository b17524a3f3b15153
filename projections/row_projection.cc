#include "projections/row_projection.h"

#include <ranges>
#include <stdexcept>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "eventstore/bytes.h"
#include "eventstore/crash_point.h"
#include "eventstore/rocksdb_strings.h"

namespace mintmark {
namespace {

constexpr std::string_view checkpoint_key("\0checkpoint", 11);
constexpr std::string_view parked_prefix("\0parked/", 8);

std::string parked_key(std::string_view stream) {
  return std::string(parked_prefix).append(stream);
}

// The position, then the reason. Earlier versions wrote the reason alone: no reason begins with a NUL byte,
// and every position's first byte is one.
std::string parked_value(const ParkedStream& parked) {
  std::string value;
  put_big_endian(value, parked.position);
  return value + parked.reason;
}

ParkedStream read_parked(std::string_view key, std::string_view value) {
  ParkedStream parked{std::string(key.substr(parked_prefix.size())), 0, ""};
  if (value.size() >= sizeof(Position) && value.front() == '\0') {
    parked.position = get_big_endian(value.substr(0, sizeof(Position)));
    value.remove_prefix(sizeof(Position));
  }
  parked.reason = value;
  return parked;
}

ParkedStreams load_parked(const View& view) {
  ParkedStreams all;
  const auto it = view.rows();
  for (it->Seek(slice(parked_prefix)); it->Valid() && it->key().starts_with(slice(parked_prefix));
       it->Next()) {
    auto parked = read_parked(mintmark::view(it->key()), mintmark::view(it->value()));
    all.emplace(parked.stream, parked);
  }
  throw_unless_ok(it->status());
  return all;
}

}  // namespace

const RowWriter::Value* RowWriter::change_of(std::string_view key) const {
  for (const auto& [changed, value] : event_ | std::views::reverse) {
    if (changed == key) return &value;
  }
  const auto kept = kept_.find(key);
  return kept == kept_.end() ? nullptr : &kept->second;
}

std::optional<std::string> RowWriter::get(std::string_view key) const {
  if (const auto* const changed = change_of(key)) return *changed;
  return view_.get(key);
}

void RowWriter::put(std::string_view key, std::string_view value) {
  event_.emplace_back(key, value);
}

void RowWriter::erase(std::string_view key) {
  event_.emplace_back(key, std::nullopt);
}

void RowWriter::keep() {
  for (auto& [key, value] : event_) kept_.insert_or_assign(std::move(key), std::move(value));
  event_.clear();
}

void RowWriter::move_to(rocksdb::WriteBatch& batch) {
  for (const auto& [key, value] : kept_) {
    throw_unless_ok(value ? batch.Put(view_.family(), slice(key), slice(*value))
                          : batch.Delete(view_.family(), slice(key)));
  }
  kept_.clear();
}

RowProjection::RowProjection(View view) : view_(view), checkpoint_(0), parked_(load_parked(view)) {
  if (const auto stored = view_.get(checkpoint_key)) checkpoint_ = get_big_endian(*stored);
}

Position RowProjection::checkpoint_of(rocksdb::Iterator& rows) {
  rows.Seek(slice(checkpoint_key));
  throw_unless_ok(rows.status());
  if (!rows.Valid() || rows.key() != slice(checkpoint_key)) return 0;
  return get_big_endian(mintmark::view(rows.value()));
}

std::size_t RowProjection::parked_streams() const {
  const std::scoped_lock lock(parked_mutex_);
  return parked_.size();
}

std::vector<ParkedStream> RowProjection::parked(std::size_t limit) const {
  const std::scoped_lock lock(parked_mutex_);
  return first_of(parked_, limit);
}

void RowProjection::refuse_parked(const Recorded&, RowWriter&) {}

void RowProjection::apply(std::span<const StoredEvent> events) {
  RowProjection* const self = this;
  apply_together({&self, 1}, events);
}

void RowProjection::apply_together(std::span<RowProjection* const> projections,
                                   std::span<const StoredEvent> events) {
  rocksdb::WriteBatch batch;
  std::vector<std::optional<Staged>> staged;
  staged.reserve(projections.size());
  for (auto* projection : projections) staged.push_back(projection->stage(events, batch));
  if (batch.Count() == 0) return;
  crash_point("rows due");
  try {
    projections.front()->view_.write(batch);
  } catch (const ViewsFull&) {
    for (auto* projection : projections) projection->rows_dropped();
    throw;
  }
  for (std::size_t i = 0; i < projections.size(); ++i) {
    if (staged[i]) projections[i]->publish(std::move(*staged[i]));
  }
}

std::optional<RowProjection::Staged> RowProjection::stage(std::span<const StoredEvent> events,
                                                          rocksdb::WriteBatch& batch) {
  RowWriter rows(view_);
  Staged staged{checkpoint()};
  for (const auto& event : events) {
    if (event.recorded.position() <= staged.position) continue;
    if (event.recorded.position() != staged.position + 1) {
      throw std::logic_error(
          fmt::format("{}: events after position {} were left out", name(), staged.position));
    }
    apply_or_park(event, rows, staged.parked);
    ++staged.position;
  }
  if (staged.position == checkpoint()) return std::nullopt;
  std::string value;
  put_big_endian(value, staged.position);
  rows.put(checkpoint_key, value);
  rows.keep();
  rows.move_to(batch);
  return staged;
}

void RowProjection::publish(Staged staged) {
  rows_written();
  if (!staged.parked.empty()) {
    const std::scoped_lock lock(parked_mutex_);
    parked_.merge(staged.parked);
  }
  checkpoint_.store(staged.position, std::memory_order_release);
}

void RowProjection::apply_or_park(const StoredEvent& event, RowWriter& rows, ParkedStreams& parked) {
  const auto& stream = event.recorded.stream();
  // Only this thread changes parked_, so it may read it without the lock.
  if (parked_.contains(stream) || parked.contains(stream)) return;
  const auto applied = take_in([&] { return apply_event(event, rows); });
  if (!applied) {
    rows.undo();
    const auto reason = fmt::format("{}", fmt::join(applied.error().messages, " "));
    const ParkedStream entry{stream, event.recorded.position(), reason};
    spdlog::critical("{}: cannot apply the event at position {}; stream {} is parked: {}", name(),
                     entry.position, stream, reason);
    refuse_parked(event.recorded, rows);
    rows.put(parked_key(stream), parked_value(entry));
    parked.emplace(stream, entry);
  }
  rows.keep();
}

}  // namespace mintmark
