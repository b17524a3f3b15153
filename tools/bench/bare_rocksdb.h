#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/env.h>
#include <rocksdb/write_batch.h>

#include "eventstore/bytes.h"
#include "eventstore/commit_batch.h"
#include "eventstore/head_anchor.h"
#include "eventstore/merkle_proof.h"
#include "eventstore/merkle_tree.h"
#include "tools/bench/token_requests.h"

// What the log's own appends are measured against.
namespace mintmark {

using SteadyClock = std::chrono::steady_clock;

inline constexpr std::size_t bare_batch_events = 64;

inline double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

inline void check(const rocksdb::Status& status) {
  if (!status.ok()) throw std::runtime_error(status.ToString());
}

// Nothing is stored yet: encodes events without a log.
class EmptyLookup final : public LogLookup {
 public:
  std::uint64_t stream_version(std::string_view) override { return 0; }
  std::optional<EventLog::EarlierUse> idempotency_key(std::string_view) override { return std::nullopt; }
  std::optional<Committed> append_of(const EventId&) override { return std::nullopt; }
  std::optional<std::string> vault_row(std::string_view) override { return std::nullopt; }
};

// Writes anchors on a thread of its own, the newest tree only, as the committer does.
class AnchorThread {
 public:
  explicit AnchorThread(const std::string& path) {
    check(HeadAnchor::create(*rocksdb::Env::Default(), path));
    check(HeadAnchor::open(*rocksdb::Env::Default(), path, anchor_));
  }
  void hand_over(const MerkleTree& tree) {
    {
      const std::scoped_lock lock(mutex_);
      newest_ = tree;
    }
    changed_.notify_all();
  }
  void wait_for(Position position) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return anchored_ >= position; });
  }

 private:
  void run(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (changed_.wait(lock, stop, [this] { return newest_.size() > anchored_; })) {
      const auto tree = newest_;
      lock.unlock();
      check(anchor_->write({EventId{}, tree}));
      lock.lock();
      anchored_ = tree.size();
      changed_.notify_all();
    }
  }

  std::unique_ptr<HeadAnchor> anchor_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  MerkleTree newest_;
  Position anchored_ = 0;
  std::jthread thread_{[this](const std::stop_token& stop) { run(stop); }};
};

// RocksDB alone: one thread, the rows that the log would write, 64 appends a synced batch.
class BareRocksDb {
 public:
  explicit BareRocksDb(const std::string& path) : anchor_(path + "-anchor") {
    rocksdb::Options options;
    options.create_if_missing = true;
    options.create_missing_column_families = true;
    rocksdb::ColumnFamilyOptions family;
    family.write_buffer_size = 32UL * 1024 * 1024;
    std::vector<rocksdb::ColumnFamilyDescriptor> families;
    for (const auto* name :
         {"default", "events", "streams", "heads", "appends", "idempotency", "vault", "nodes"})
      families.emplace_back(name, family);
    rocksdb::DB* db = nullptr;
    check(rocksdb::DB::Open(options, path, families, &families_, &db));
    db_.reset(db);
  }
  ~BareRocksDb() {
    for (auto* family : families_) db_->DestroyColumnFamilyHandle(family);
  }
  BareRocksDb(const BareRocksDb&) = delete;
  BareRocksDb& operator=(const BareRocksDb&) = delete;

  // Appends a second; encoding is not counted, hashing and anchoring are where asked for.
  double run(TokenRequests& requests, double seconds, bool with_tree_and_anchor) {
    double busy = 0;
    std::size_t appends = 0;
    while (busy < seconds) {
      CommitBatch batch(lookup_, head_);
      for (std::size_t i = 0; i < bare_batch_events; ++i) {
        if (!batch.add(requests.next())) throw std::runtime_error("the batch refused an append");
      }
      head_ = batch.head();
      const auto start = SteadyClock::now();
      write(batch, with_tree_and_anchor);
      busy += seconds_since(start);
      appends += bare_batch_events;
    }
    const auto start = SteadyClock::now();
    if (with_tree_and_anchor) anchor_.wait_for(tree_.size());
    return static_cast<double>(appends) / (busy + seconds_since(start));
  }

 private:
  void write(const CommitBatch& batch, bool with_tree_and_anchor) {
    rocksdb::WriteBatch writes;
    std::string nodes;
    const auto first_node = node_count(tree_.size());
    const auto key_of = [](std::uint64_t number) {
      std::string key;
      put_big_endian(key, number);
      return key;
    };
    for (const auto& event : batch.events()) {
      check(writes.Put(families_[1], key_of(event.position), event.bytes));
      check(writes.Put(families_[2], event.stream + '\0' + key_of(event.version), key_of(event.position)));
      if (with_tree_and_anchor) tree_.append(event.bytes, &nodes);
    }
    for (const auto& [stream, version] : batch.stream_versions())
      check(writes.Put(families_[3], stream, key_of(version)));
    for (const auto& [id, committed] : batch.appends()) {
      const rocksdb::Slice key(id.view().data(), id.view().size());
      check(writes.Put(families_[4], key, key_of(committed.first) + key_of(committed.last)));
    }
    for (const auto& [hash, use] : batch.idempotency_keys()) {
      const auto positions = key_of(use.committed.first) + key_of(use.committed.last);
      check(writes.Put(families_[5], hash, positions + use.request_hash));
    }
    for (const auto& write : batch.vault_writes())
      check(writes.Put(families_[6], write.subject, write.wrapped_key));
    if (with_tree_and_anchor) {
      check(writes.Put(families_[0], "tree", tree_.encode()));
      check(writes.Put(families_[7], key_of(first_node), nodes));
    }
    rocksdb::WriteOptions options;
    options.sync = true;
    check(db_->Write(options, &writes));
    if (with_tree_and_anchor) anchor_.hand_over(tree_);
  }

  AnchorThread anchor_;
  EmptyLookup lookup_;
  MerkleTree tree_;
  Position head_ = 0;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
};

}  // namespace mintmark
