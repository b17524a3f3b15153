#pragma once

#include <atomic>
#include <memory>

#include <rocksdb/db.h>
#include <rocksdb/listener.h>

namespace mintmark {

// Tells whether a database waits for space: where what RocksDB does in the background, writing a table, has
// met a full disk, it refuses writes until it has recovered, which it does by itself some seconds after there
// is space again. Thread-safe.
class SpaceListener final : public rocksdb::EventListener {
 public:
  // One of its own for the database that is opened with these options.
  static std::shared_ptr<const SpaceListener> add_to(rocksdb::DBOptions& options) {
    auto added = std::make_shared<SpaceListener>();
    options.listeners.push_back(added);
    return added;
  }

  bool waits_for_space() const { return waits_.load(std::memory_order_acquire); }

  void OnBackgroundError(rocksdb::BackgroundErrorReason /*reason*/, rocksdb::Status* error) override {
    if (error->IsNoSpace()) waits_.store(true, std::memory_order_release);
  }
  void OnErrorRecoveryEnd(const rocksdb::BackgroundErrorRecoveryInfo& info) override {
    if (info.new_bg_error.ok()) waits_.store(false, std::memory_order_release);
  }

 private:
  std::atomic<bool> waits_ = false;
};

}  // namespace mintmark
