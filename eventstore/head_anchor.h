#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

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
// One thread.
class HeadAnchor {
 public:
  // Makes an empty anchor file. Overwrites nothing: fails where there is one.
  static rocksdb::Status create(rocksdb::Env& env, const std::string& path);
  static rocksdb::Status open(rocksdb::Env& env, const std::string& path,
                              std::unique_ptr<HeadAnchor>& anchor);

  struct Head {
    EventId log_id;
    MerkleTree tree;
  };

  // The newest valid head; nothing where neither slot is valid, as after create().
  const std::optional<Head>& newest() const { return newest_; }

  // Replaces the older slot. Blocks until it is on disk. After a failure newest() is as before.
  rocksdb::Status write(const Head& head);

 private:
  explicit HeadAnchor(std::unique_ptr<rocksdb::RandomRWFile> file) : file_(std::move(file)) {}

  std::unique_ptr<rocksdb::RandomRWFile> file_;
  std::uint64_t sequence_ = 0;
  std::optional<Head> newest_;
};

}  // namespace mintmark
