#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <rocksdb/db.h>
#include <rocksdb/write_batch.h>

#include "domain/schema.h"
#include "eventstore/commit_batch.h"
#include "eventstore/event_log.h"
#include "eventstore/merkle_tree.h"
#include "eventstore/space_listener.h"

namespace mintmark {

// Where they lie in a log's folder.
inline std::string tables_path(const std::string& log_path) {
  return log_path + "/rocksdb";
}

// How the log lies in RocksDB: its column families, keys and values. Integers in keys are big-endian, 8
// bytes.
//
//   default      "format" → "3"; "schema" → event_schema in decimal; "log_id" → 16 bytes; "tree" →
//                MerkleTree::encode
//   events       position → the stored bytes of a Recorded
//   streams      stream, NUL, version → position
//   heads        stream → newest version
//   appends      id of an append's first event → its first and last position
//   idempotency  hash of the key → first and last position, then the request's hash
//   vault        subject → wrapped data key
//   nodes        number of a tree node → its hash and those of the nodes behind it, up to the next row
//                (numbers: eventstore/merkle_proof.h), at most 128
//
// Every family but events and nodes also has a row NUL → number of the newest write, the same in all of them:
// where RocksDB has lost a file of one family alone, as with a MANIFEST that was cut off, it differs. Events
// and nodes have the tree to tell how many of them there are. Format 1 had no such rows, formats 1 and 2 no
// nodes; eventstore/upgrade.h adds both.
//
// Thread-safe but for write(), which one thread calls. Everything blocks on disk; reads throw
// std::runtime_error where RocksDB fails, CorruptLog where what it holds makes no sense.
class RocksDbTables final : public LogLookup {
 public:
  enum class Mode { kCreate, kWrite, kReadOnly };

  // kCreate makes the tables and fails where there are some; kReadOnly touches nothing on disk.
  static rocksdb::Status open(rocksdb::Env& env, const std::string& path, Mode mode,
                              std::unique_ptr<RocksDbTables>& tables);
  ~RocksDbTables() override;

  static constexpr std::string_view known_format = "3";
  static bool is_earlier_format(std::string_view format) { return format == "1" || format == "2"; }
  static bool knows_format(std::string_view format) {
    return format == known_format || is_earlier_format(format);
  }
  struct Meta {
    std::string format;  // where it is none of them, the other members are empty
    EventId log_id;
    MerkleTree tree;
    std::uint64_t schema = event_schema;  // domain/schema.h
  };
  // Nothing where a member is missing or malformed.
  std::optional<Meta> meta();
  rocksdb::Status write_meta(const Meta& meta);
  // Whether every family has the newest write, as its format lets it tell.
  bool families_agree(const Meta& meta);

  // A table's file in the folder that has rows which are not in the tables, as where the MANIFEST has lost
  // its end: RocksDB takes that for what a crash left, and deletes the file once it opens for writing. Empty
  // where there is none. What a crash does leave has no such rows. Of the current format.
  std::string find_lost_file();

  // The position of the last event in the table, 0 without one.
  Position last_position();

  // One atomic, synced write; `tree` is the one behind the batch, `nodes` what MerkleTree::append gave of it.
  rocksdb::Status write(const CommitBatch& batch, const MerkleTree& tree, std::string_view nodes);
  // The same of nodes alone, and not synced.
  rocksdb::Status write_nodes(const MerkleTree& tree, std::string_view nodes);

  // The node of that number. Throws CorruptLog where there is none.
  TreeHash node(std::uint64_t number);
  // The hashes of the row that begins with that number. Throws CorruptLog where none does.
  std::string read_nodes(std::uint64_t first);

  // Events behind `after` up to and including `last`, at most `limit`.
  std::vector<StoredEvent> read(Position after, Position last, std::size_t limit);
  std::vector<StoredEvent> read_stream(std::string_view stream, std::uint64_t after_version, Position last);
  std::vector<VaultRow> read_vault_after(std::string_view subject, std::size_t limit);

  enum class Family { kAppends, kIdempotency, kVault };
  struct Row {
    std::string key;
    std::string value;
  };
  // Rows of a family behind that key, in the order of keys, at most `limit`; not the one that names a write.
  std::vector<Row> read_rows(Family family, std::string_view after, std::size_t limit);
  // The positions that the value of an append or an idempotency key begins with; nothing where it is too
  // short.
  static constexpr std::size_t range_bytes = 16;
  static std::optional<Committed> decode_range(std::string_view value);

  // Rewrites the vault's table and drops the write-ahead logs that there are, so that no file holds what the
  // vault's rows were before. Takes at most as much disk as the vault has. Blocks for long.
  rocksdb::Status rewrite_vault();
  // Whether a file may hold such rows: some were destroyed or replaced since that was done, or it was not
  // done since the tables were opened.
  bool has_former_vault_rows() const { return former_vault_rows_; }
  std::uint64_t vault_bytes();
  // Whether nothing may be written now: see eventstore/space_listener.h.
  bool waits_for_space() const { return space_->waits_for_space(); }
  // Bytes that are in no table's file yet: as much of the disk they will take.
  std::uint64_t bytes_in_memory() {
    std::uint64_t bytes = 0;
    db_->GetAggregatedIntProperty(rocksdb::DB::Properties::kCurSizeAllMemTables, &bytes);
    return bytes;
  }

  // Reads every file that there is at the beginning, and is still needed when its turn comes, and checks the
  // checksum of every block; throws where one is wrong. go_on() is told behind each file which part of all
  // their bytes is done, up to 1, and ends it where it answers false.
  void verify_checksums(const std::function<bool(double done)>& go_on);
  // What is wrong with how the event stands in its stream; empty where nothing is: the stream's table has it
  // at its position, its predecessor earlier, and the stream's newest version is not older.
  std::string stream_problem(const Recorded& recorded);

  std::uint64_t stream_version(std::string_view stream) override;
  std::optional<EventLog::EarlierUse> idempotency_key(std::string_view key_hash) override;
  std::optional<Committed> append_of(const EventId& first_event) override;
  std::optional<std::string> vault_row(std::string_view subject) override;

 private:
  enum Table : std::size_t {
    kMeta,
    kEvents,
    kStreams,
    kHeads,
    kAppends,
    kIdempotency,
    kVault,
    kNodes,  // missing in a log of an earlier format that was opened for reading
    kTables
  };
  static constexpr std::array numbered_tables = {kMeta, kStreams, kHeads, kAppends, kIdempotency, kVault};

  // No stream, subject, id or hash is a single NUL.
  static constexpr std::string_view write_number_key{"\0", 1};

  RocksDbTables() = default;
  // How many nodes there are, by their last row.
  std::uint64_t count_nodes();
  // The rows of the newest nodes of the tree, into a batch.
  rocksdb::Status put_nodes(rocksdb::WriteBatch& batch, const MerkleTree& tree, std::string_view nodes);
  // The row of every family that names the write at hand, into its batch.
  rocksdb::Status put_write_number(rocksdb::WriteBatch& batch);
  std::optional<std::string> get(Table table, std::string_view key);
  void verify_file(const rocksdb::LiveFileMetaData& file);
  // Whether the tables have what the file has.
  bool has_rows_of(const std::string& file);

  std::shared_ptr<const SpaceListener> space_;
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  std::optional<std::uint64_t> writes_;  // number of the newest, once it is needed
  std::atomic<bool> former_vault_rows_ = true;
};

}  // namespace mintmark
