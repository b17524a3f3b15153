#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/snapshot.h>
#include <rocksdb/write_batch.h>

#include "domain/error.h"
#include "eventstore/disk_space.h"
#include "eventstore/event_id.h"

namespace mintmark {

// The rows of one generation of one projection. Thread-safe. Reads block on disk and throw std::runtime_error
// where RocksDB fails; so does write().
class View {
 public:
  View(rocksdb::DB& db, rocksdb::ColumnFamilyHandle& family) : db_(&db), family_(&family) {}

  std::optional<std::string> get(std::string_view key) const;
  // Whether a row whose key begins so has this value; looks through those rows alone.
  bool has_value(std::string_view key_prefix, std::string_view value) const;
  // The rows in key order, on a state of them that does not change under the reader.
  std::unique_ptr<rocksdb::Iterator> rows() const;
  // Atomic; survives a crash of the process, but not of the machine: what is lost comes back from the log.
  void write(rocksdb::WriteBatch& batch);

  rocksdb::DB& db() const { return *db_; }
  rocksdb::ColumnFamilyHandle* family() const { return family_; }

 private:
  rocksdb::DB* db_;
  rocksdb::ColumnFamilyHandle* family_;
};

// One state of a view's rows, which does not change for as long as this lives; for one thread. Reads block on
// disk and throw std::runtime_error where RocksDB fails.
class ViewSnapshot {
 public:
  explicit ViewSnapshot(const View& view);

  std::optional<std::string> get(std::string_view key) const;
  // The rows in key order. The iterator must not outlive this.
  std::unique_ptr<rocksdb::Iterator> rows() const;
  // Calls visit(value) for each key that has a row, in the order of the keys. Many at once cost a fraction of
  // what looking each up costs. The value lives until visit returns.
  void get_all(std::span<const std::string> keys, const std::function<void(std::string_view)>& visit) const;

 private:
  View view_;
  rocksdb::ManagedSnapshot snapshot_;
  rocksdb::ReadOptions options_;
};

// The disk has no space for what was to be written to the views.
class ViewsFull : public DiskFull {
 public:
  using DiskFull::DiskFull;
};

// Throws std::runtime_error with what the status says, unless it is ok.
void throw_unless_ok(const rocksdb::Status& status);

// Where projections keep their rows: one RocksDB for all, a column family "<projection>.<generation>" each. A
// rebuild fills the next generation beside the live one; promote() swaps them.
class ViewStore {
 public:
  // Makes the store where there is none, on the disk of `env` (null: the system's). Fails where it is damaged
  // or in use: it may be deleted then, and comes back from the log.
  static Result<std::unique_ptr<ViewStore>> open(const std::string& path, rocksdb::Env* env = nullptr);
  ~ViewStore();

  // Makes the store that log's for good. Fails where it is another's.
  Result<void> bind(EventId log_id);

  // The generation in use, made empty where there is none.
  View live(std::string_view projection);
  // The next generation: what an interrupted rebuild by that version of the program left, or a new, empty
  // one. Another version may have made other rows of the same events.
  View building(std::string_view projection, std::string_view program_version = "");
  // Makes the next generation the live one and deletes the old one's rows. Views of the old one must be gone.
  void promote(std::string_view projection);

 private:
  ViewStore() = default;
  std::uint64_t live_generation(std::string_view projection);
  View family(std::string_view projection, std::uint64_t generation);
  void drop(rocksdb::ColumnFamilyHandle* handle);
  // What a promotion that was cut short has left.
  void drop_old_generations();

  std::unique_ptr<rocksdb::DB> db_;
  rocksdb::ColumnFamilyOptions family_options_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;  // the first is "default": see view_store.cc
};

}  // namespace mintmark
