#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "domain/error.h"
#include "projections/projection.h"
#include "projections/view_store.h"

namespace mintmark {

// Rows as the events of a batch change them, in memory until they are moved to what is written. Reads see the
// changes made so far.
class RowWriter {
 public:
  explicit RowWriter(View view) : view_(view) {}

  // Block on disk and throw as View does.
  std::optional<std::string> get(std::string_view key) const;
  void put(std::string_view key, std::string_view value);
  void erase(std::string_view key);

  // What one event changed: it stays, or is as if it had never been.
  void keep();
  void undo() { event_.clear(); }

  // Adds all that was kept.
  void move_to(rocksdb::WriteBatch& batch);

 private:
  struct Hash : std::hash<std::string_view> {
    using is_transparent = void;
  };
  using Value = std::optional<std::string>;  // nothing: the row is erased

  // The newest change of the key, if there is any.
  const Value* change_of(std::string_view key) const;

  View view_;
  std::vector<std::pair<std::string, Value>> event_;  // a handful: searched from its end
  boost::unordered_flat_map<std::string, Value, Hash, std::equal_to<>> kept_;
};

// Why an event cannot be applied.
inline std::unexpected<Error> cannot_apply(std::string_view why) {
  return fail(ErrorKind::kInvalid, std::string(why));
}

// A projection that keeps rows in a View. Rows, checkpoint and parked streams change in one atomic write.
// Keys that begin with a NUL byte are its own; a projection's begin with a letter.
class RowProjection : public Projection {
 public:
  Position checkpoint() const override { return checkpoint_.load(std::memory_order_acquire); }
  void apply(std::span<const StoredEvent> events) override;
  // The same for several of one store, in one atomic write; readers see it in the order of the projections.
  static void apply_together(std::span<RowProjection* const> projections,
                             std::span<const StoredEvent> events);
  // Whether both keep their rows in one store.
  bool shares_store_with(const RowProjection& other) const { return &view_.db() == &other.view_.db(); }
  std::size_t parked_streams() const override;
  std::vector<ParkedStream> parked(std::size_t limit) const override;

 protected:
  explicit RowProjection(View view);
  const View& view() const { return view_; }
  // The checkpoint in the state of the rows that the iterator reads; it moves the iterator.
  static Position checkpoint_of(rocksdb::Iterator& rows);

  // What one event does to the rows; kinds that do not concern the projection do nothing. A failure says why
  // it cannot be applied; then its changes are undone and its stream is parked. Called by take_in().
  virtual Result<void> apply_event(const StoredEvent& event, RowWriter& rows) = 0;
  // Called where an event parks its stream: what must not be let in on the strength of rows that cannot
  // follow their stream any more is refused here.
  virtual void refuse_parked(const Recorded& recorded, RowWriter& rows);
  // Called when the rows of a batch are written, before anybody is told of its positions.
  virtual void rows_written() {}
  // Called where they cannot be written for want of space: the same events come again.
  virtual void rows_dropped() {}

 private:
  // What events have done that is not written yet.
  struct Staged {
    Position position = 0;
    ParkedStreams parked = {};
  };
  // Adds it to `batch`; nothing where the events are behind the checkpoint.
  std::optional<Staged> stage(std::span<const StoredEvent> events, rocksdb::WriteBatch& batch);
  // Once that is written.
  void publish(Staged staged);
  // Adds to `parked` what the event parks.
  void apply_or_park(const StoredEvent& event, RowWriter& rows, ParkedStreams& parked);

  View view_;
  std::atomic<Position> checkpoint_;
  mutable std::mutex parked_mutex_;
  ParkedStreams parked_;  // guarded by parked_mutex_; changed by the projector's thread alone
};

}  // namespace mintmark
