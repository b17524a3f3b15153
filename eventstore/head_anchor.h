#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include <rocksdb/env.h>

#include "eventstore/event_id.h"
#include "eventstore/merkle_tree.h"

namespace mintmark {

// Where it lies in a log's folder.
inline std::string anchor_path(const std::string& log_path) {
  return log_path + "/anchor";
}

// How far the log is known to be durable, apart from the log: RocksDB drops acknowledged writes silently
// where its write-ahead log is damaged or gone, and the anchor is how we notice (DESIGN.md, "What RocksDB
// does not promise").
//
// The file has two slots of 4096 bytes, written in turn, so that a torn write spoils at most the slot that is
// not yet needed: 8 bytes "MMANCHR1", 8 sequence number, 16 log id, 8 length n, n bytes MerkleTree::encode,
// 32 BLAKE2b of all before it; integers little-endian. The valid slot with the higher sequence number counts.
// One thread, but for problem().
class HeadAnchor {
 public:
  // Makes an empty anchor file. Overwrites nothing: fails where there is one.
  static rocksdb::Status create(rocksdb::Env& env, const std::string& path);
  static rocksdb::Status open(rocksdb::Env& env, const std::string& path,
                              std::unique_ptr<HeadAnchor>& anchor);

  struct Head {
    EventId log_id;
    MerkleTree tree;

    bool operator==(const Head&) const = default;
  };

  // The newest valid head; nothing where neither slot is valid, as after create().
  const std::optional<Head>& newest() const { return newest_; }

  // Reads newest() out of a file that may not be written to. A write() meanwhile may spoil one slot for it.
  static rocksdb::Status read(rocksdb::Env& env, const std::string& path, std::optional<Head>& newest);

  // Replaces the older slot. Blocks until it is on disk. After a failure newest() is as before.
  rocksdb::Status write(const Head& head);

  // What is wrong with the file as it lies there now: it is gone, or its newest head is not newest(). Empty
  // where nothing is. From any thread; a write() waits for it.
  std::string problem() const;

 private:
  HeadAnchor(rocksdb::Env& env, std::string path, std::unique_ptr<rocksdb::RandomRWFile> file)
      : env_(env), path_(std::move(path)), file_(std::move(file)) {}

  rocksdb::Env& env_;
  const std::string path_;
  const std::unique_ptr<rocksdb::RandomRWFile> file_;
  mutable std::mutex mutex_;  // held by write() and problem()
  std::uint64_t sequence_ = 0;
  std::optional<Head> newest_;
};

}  // namespace mintmark
