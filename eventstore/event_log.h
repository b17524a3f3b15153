#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/time.h"
#include "eventstore/event_id.h"

// The log: everything that happened, in one order, and nothing else is a source of truth. Implementations
// (RocksDB here, memory for tests, later PostgreSQL) pass one conformance suite,
// tests/eventstore/conformance.h.
namespace mintmark {

// 1 for the first event, then 2, 3, … without a gap, in commit order. 0 stands before the first event.
using Position = std::uint64_t;

struct NewEvent {
  EventId id;
  Event event;
};

// Events for one stream, to be appended only if its newest version is expected_version (0: no event yet).
struct StreamAppend {
  std::string stream;
  std::uint64_t expected_version = 0;
  std::vector<NewEvent> events;
};

// A client's promise that requests with one key are one request. request_hash tells whether they are.
struct IdempotencyKey {
  std::string key_hash;      // SHA-256 of account, actor and key
  std::string request_hash;  // keyed hash of method, path and body, which may hold what must not be guessed
};

// A subject's wrapped data key, as the vault holds it (eventstore/vault.h).
struct VaultRow {
  std::string subject;
  std::string wrapped_key;

  bool operator==(const VaultRow&) const = default;
};

// A change to the vault that happens if and only if the append does.
struct VaultWrite {
  std::string subject;
  std::string wrapped_key;  // empty: the subject's data key is destroyed
  // Not empty: only where the vault holds this now, else nothing. So wrapping a key anew never brings back
  // one that was destroyed meanwhile.
  std::string replaces = {};
  // Held as long as the write is under way: what wrapped the key must stay known until then.
  std::shared_ptr<const void> wrapped_under = {};
};

// The envelope's part that its caller knows; see Recorded in domain/events.proto.
struct Metadata {
  Actor actor;
  Time recorded_at;
  std::string request_id;
  std::string correlation_id;
  std::string causation_id;
  std::string client_ip;
};

// Appends to several streams are one: all or nothing. That goes beyond DESIGN.md's single-stream seam,
// because a user and the claim on an e-mail address must come into being together. Without streams it may
// only wrap keys of the vault anew: nothing has happened then, and no event is stored.
struct AppendRequest {
  std::vector<StreamAppend> streams;
  Metadata metadata;
  std::optional<IdempotencyKey> idempotency_key;
  std::vector<VaultWrite> vault_writes;
  bool frees_space = false;  // deletions may use the disk reserve that other work may not
};

struct Committed {
  Position first = 0;
  Position last = 0;
  // The append had happened before, under the same idempotency key or the same event ids.
  bool repeated = false;

  bool operator==(const Committed&) const = default;
};

struct AppendError {
  enum class Kind {
    kConflict,   // a stream is not at its expected version
    kKeyReused,  // the idempotency key came with another request before
    kBusy,       // the queue is full; nothing was written
    kDiskFull,   // too little free disk; nothing was written
    kUnknown,    // a write or sync failed; retry with the same event ids or idempotency key to learn more
    kInvalid,    // the request breaks a limit; nothing was written
  };
  Kind kind;
  std::string message;
  std::uint64_t actual_version = 0;  // of the stream in conflict
};

using AppendResult = std::expected<Committed, AppendError>;
using AppendDone = std::move_only_function<void(AppendResult)>;

// A stored event: its envelope, and the very bytes that the log holds.
struct StoredEvent {
  std::string bytes;
  Recorded recorded;
};

// Thread-safe unless said otherwise.
class EventLog {
 public:
  virtual ~EventLog() = default;

  // Does not block. Calls `done` once, from a thread of the log or from this call; `done` must not block.
  // When it gets Committed, the events are durable and head() has reached them.
  virtual void append(AppendRequest request, AppendDone done) = 0;

  // Up to `limit` events behind `after`, in order; fewer only at the head. Blocks on disk. Throws
  // CorruptLog where stored bytes do not decode.
  virtual std::vector<StoredEvent> read(Position after, std::size_t limit) = 0;

  // All events of a stream from the version behind `after_version`, oldest first. Blocks on disk.
  virtual std::vector<StoredEvent> read_stream(std::string_view stream, std::uint64_t after_version) = 0;

  // The newest durable version of a stream, 0 where there is none. Blocks on disk.
  virtual std::uint64_t version_of(std::string_view stream) = 0;

  // What the idempotency key was used for before: the request's hash and its positions. Blocks on disk.
  struct EarlierUse {
    std::string request_hash;
    Committed committed;
  };
  virtual std::optional<EarlierUse> find_idempotency_key(std::string_view key_hash) = 0;

  // The subject's wrapped data key; nothing where there never was one or it is destroyed. Blocks on disk.
  virtual std::optional<std::string> read_vault(std::string_view subject) = 0;

  // The vault's rows behind that subject in the order of subjects, `limit` of them where there are so many.
  // Blocks on disk.
  virtual std::vector<VaultRow> read_vault_after(std::string_view subject, std::size_t limit) = 0;

  // The newest durable position.
  virtual Position head() const = 0;

  // Blocks until head() is past `after` or `stop` is requested; answers whether it is past.
  virtual bool wait_past(Position after, std::stop_token stop) = 0;

  // Tells this log from every other, also from a copy's original that has gone on: a UUID.
  virtual EventId log_id() const = 0;
};

// Blocks until the append's outcome is known; never call it where append() must not block.
AppendResult append_and_wait(EventLog& log, AppendRequest request);

// Thrown where the stored log contradicts itself. what() names the position.
class CorruptLog : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Reads on from a position and waits at the head: read plus tail, in order, each event once. One thread.
class Follower {
 public:
  Follower(EventLog& log, Position after) : log_(log), after_(after) {}

  // Blocks until there is at least one event; empty only when `stop` is requested. `limit` is at least 1.
  std::vector<StoredEvent> next(std::size_t limit, std::stop_token stop);
  Position after() const { return after_; }

 private:
  EventLog& log_;
  Position after_;
};

}  // namespace mintmark
