#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "domain/error.h"
#include "eventstore/key_file.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/tree_head.h"

namespace mintmark {

// The signing key of a log's tree heads, an Ed25519 seed in a file of a key file's form. Makes the file where
// there is none; but where the tree heads' file exists already it fails then, since they were signed with a
// key that is gone.
Result<SigningSeed> open_tree_head_key(const std::string& key_path, const std::string& tree_heads_path,
                                       Random& random);

// Signs the tree heads of an open log and keeps them in a file. Thread-safe.
class TreeHeadJournal {
 public:
  // `log` must outlive it.
  TreeHeadJournal(RocksDbLog& log, const SigningSeed& seed, std::string path)
      : log_(log), signer_(tree_head_origin(log.log_id()), seed), file_(std::move(path)) {}

  const NoteVerifier& verifier() const { return signer_.verifier(); }

  struct Published {
    TreeHead head;
    std::string note;
  };
  // Signs the tree head of all that is durable, appends it to the file and returns it. Blocks on disk.
  Result<Published> publish();
  // The same where the log has grown since the last one of this object, or that has vanished from the file;
  // nothing elsewhere.
  Result<void> publish_if_grown();
  // What became of the file, each time once, where it lost or changed what this object had appended last.
  // What is signed then goes on in what there is of it, or in a new one.
  std::string take_loss();

  // The position of the newest one of this object, 0 before the first. Waits for one that is being published.
  Position published() const {
    const std::scoped_lock lock(mutex_);
    return published_;
  }

  // Those in the file that this log's key signed. Others may publish meanwhile.
  TreeHeadReader::Findings read_own(const TreeHeadVisitor& visit) const;
  // The same, and those in another file where `further_path` is not empty. Fails as read_tree_heads().
  Result<TreeHeadReader::Findings> read(const std::string& further_path, const TreeHeadVisitor& visit) const;

  // As TreeHeadFile::begin.
  Result<void> begin();

 private:
  TreeHeadReader reader() const;
  void look_for_loss();
  Result<Published> publish_locked();

  RocksDbLog& log_;
  const NoteSigner signer_;
  mutable std::mutex mutex_;
  TreeHeadFile file_;       // guarded by mutex_
  Position published_ = 0;  // guarded by mutex_
  bool is_lost_ = false;    // what was published last; guarded by mutex_
  std::string loss_;        // that nobody has taken yet; guarded by mutex_
};

// All heads in a file, and those of the same key in another where `further_path` is not empty and not the
// same file, and what stands in one of them that is none. kUnavailable where one cannot be read, or the
// further one does not exist.
Result<TreeHeadReader::Findings> read_tree_heads(TreeHeadReader& own, const std::string& further_path,
                                                 const TreeHeadVisitor& visit);

}  // namespace mintmark
