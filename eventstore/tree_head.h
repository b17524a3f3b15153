#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/error.h"
#include "eventstore/event_id.h"
#include "eventstore/files.h"
#include "eventstore/merkle_proof.h"
#include "eventstore/merkle_tree.h"
#include "eventstore/signed_note.h"

// Signed tree heads in the form of C2SP tlog-checkpoint (https://c2sp.org/tlog-checkpoint): a signed note of
// three lines, the log's origin, its size and the base64 of its root. Whoever keeps one can tell later
// whether the log still begins with the events that it stood for.
namespace mintmark {

// The name under which a log's tree heads are signed: "mintmark/" and the log's id.
std::string tree_head_origin(const EventId& log_id);

// That a log's tree heads can be checked with that key; kInvalid where its name is not tree_head_origin().
Result<void> check_tree_head_key(const NoteVerifier& key, const EventId& log_id);

// The signed note of a tree head, under the signer's name as the origin.
std::string sign_tree_head(const NoteSigner& signer, const TreeHead& head);

// The head in a note that this key signed for the origin of its name; nothing where it is not that.
std::optional<TreeHead> open_tree_head(const NoteVerifier& verifier, std::string_view note);

// A file of signed tree heads, each followed by an empty line; it is only ever appended to and may lie on
// another machine's disk. One thread, but for read(). Blocks on disk.
class TreeHeadFile {
 public:
  explicit TreeHeadFile(std::string path) : path_(std::move(path)) {}

  const std::string& path() const { return path_; }

  // Makes an empty file where there is none, and makes its name durable. kUnavailable where it cannot.
  Result<void> begin();

  // Appends a note, made by sign_tree_head, and returns once it is on disk. Makes the file where there is
  // none; takes away what an append that was cut short left at the end, and nothing else. Where that cannot
  // be taken away, as from a file that may only be appended to, it is ended with an empty line.
  Result<void> append(std::string_view note);

  // What has become of the file where it no longer holds what this object appended last, at the place where
  // it did; empty where it does, where nothing was appended, and where the file cannot be read.
  std::string loss() const;

 private:
  std::string path_;
  std::string last_;              // that was appended
  std::uint64_t last_place_ = 0;  // in the file
};

// Reads a file of tree heads as it was at the moment when the object was made: what is appended later is
// passed over, and so is what an append that was cut short has left at the end. Any thread; blocks on disk.
class TreeHeadReader {
 public:
  TreeHeadReader(std::string path, const NoteVerifier& verifier);

  const std::string& path() const { return path_; }
  const NoteVerifier& verifier() const { return verifier_; }

  struct Findings {
    std::string problem;  // with the file; empty where there is none
    // Of the problem: kInvalid, which names the line, where a note is not one of this key; kUnavailable where
    // the file cannot be read to its end.
    ErrorKind kind = ErrorKind::kInvalid;
    // Of a note that was cut short, behind which others follow, which names the line: see
    // TreeHeadFile::append. Empty where there is none.
    std::string note;
  };
  // Tells all heads of this key in the file, in its order, whatever stands between them; none where there is
  // no file. However long that is, 128 KiB of it are in memory at most. Once.
  Findings read(const TreeHeadVisitor& visit);

 private:
  const std::string path_;
  const NoteVerifier verifier_;
  Descriptor file_;
  int error_ = 0;          // why there is no file_
  std::uint64_t end_ = 0;  // of what is read
};

// What is wrong with a log of this tree, whose nodes these are, if that head was signed for it: it is past
// its end, or of no tree that this one begins with. Empty where it is its own. Throws what `node_at` does.
std::string tree_head_problem(const TreeHead& head, const TreeHead& tree, const NodeAt& node_at);

}  // namespace mintmark
