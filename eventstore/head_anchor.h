#pragma once

#include <array>
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
// 32 BLAKE2b of all before it, zeros; integers little-endian. The valid slot with the higher sequence number
// counts.
//
// A slot with one flipped bit is none that a torn write leaves, which mixes two heads: the one bit that makes
// it fit its checksum again is found by trying, so its head is known all the same, and the flip is told as
// damage. With more than that nobody can tell damage from a torn write, whose head was never acknowledged:
// the other slot counts then, and that is told as a note.
// One thread, but for problem().
class HeadAnchor {
 public:
  struct Head {
    EventId log_id;
    MerkleTree tree;

    bool operator==(const Head&) const = default;
  };
  struct Contents {
    std::optional<Head> newest;  // nothing where neither slot is valid, as after create()
    std::uint64_t sequence = 0;  // its number, 0 without one
    std::string damage;          // a slot with a flipped bit, or that is gone; empty where there is none
    std::string note;            // a slot that a torn write or damage has left; empty where there is none
    std::array<std::string, 2> slots;
  };

  // Makes an empty anchor file. Overwrites nothing: fails where there is one.
  static rocksdb::Status create(rocksdb::Env& env, const std::string& path);
  static rocksdb::Status open(rocksdb::Env& env, const std::string& path,
                              std::unique_ptr<HeadAnchor>& anchor);

  // The newest head that was read or written; nothing where there is none.
  const std::optional<Head>& newest() const { return contents_.newest; }
  // What was found when it was opened.
  const std::string& damage() const { return contents_.damage; }
  const std::string& note() const { return contents_.note; }

  // Reads a file that may not be written to. A write() meanwhile may spoil one slot for it.
  static rocksdb::Status read(rocksdb::Env& env, const std::string& path, Contents& contents);

  // Replaces the older slot. Blocks until it is on disk. After a failure newest() is as before.
  rocksdb::Status write(const Head& head);

  // What is wrong with the file as it lies there now: it is gone, or a slot is not what was read or written
  // there last. Empty where nothing is. From any thread; a write() waits for it.
  std::string problem() const;

 private:
  HeadAnchor(rocksdb::Env& env, std::string path, std::unique_ptr<rocksdb::RandomRWFile> file)
      : env_(env), path_(std::move(path)), file_(std::move(file)) {}

  rocksdb::Env& env_;
  const std::string path_;
  const std::unique_ptr<rocksdb::RandomRWFile> file_;
  mutable std::mutex mutex_;  // held by write() and problem()
  Contents contents_;
};

}  // namespace mintmark
