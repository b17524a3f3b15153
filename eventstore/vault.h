#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "eventstore/event_log.h"
#include "eventstore/key_file.h"
#include "eventstore/pepper.h"
#include "eventstore/random.h"

namespace mintmark {

using DataKey = std::array<std::uint8_t, 32>;

// Values that can be shown again and yet forgotten: each subject (a token's or a user's stream) has a data
// key; its values are sealed under that key in events, and the key itself lies in the log's vault, wrapped by
// the key-encryption key. Destroying the data key makes the values unreadable although the events stay.
//
// Sealing and wrapping: XChaCha20-Poly1305 (libsodium, IETF draft-irtf-cfrg-xchacha) with a random nonce; the
// associated data names the subject, and for a value also the stream version of its event, so that no sealed
// value or key opens in another's place. Thread-safe; get() blocks on disk, the rest does not block.
class Vault {
 public:
  // `log` and `random` must outlive the vault.
  Vault(EventLog& log, const KeyEncryptionKeys& keys, Random& random);
  Vault(EventLog& log, const KeyEncryptionKey& key, Random& random)
      : Vault(log, KeyEncryptionKeys{key}, random) {}

  // A new data key, and the write that stores it with the append that first needs it.
  std::pair<DataKey, VaultWrite> make(std::string_view subject);
  // The write that destroys the subject's data key.
  static VaultWrite destroy(std::string_view subject) { return {std::string(subject), ""}; }
  // Whether the key of an event's stream was destroyed with it.
  static bool is_destroyed_by(const Event& event);
  // Nothing where the subject has no key (any more). kUnavailable where it does not open under our
  // key-encryption key.
  Result<std::optional<DataKey>> get(std::string_view subject);

  Sealed seal(const DataKey& key, std::string_view subject, std::uint64_t version, std::string_view value);
  // Nothing where it was not sealed under this key for this subject and version.
  static std::optional<std::string> open(const DataKey& key, std::string_view subject, std::uint64_t version,
                                         const Sealed& sealed);

  // A fresh pepper for the log, under the subject of that number.
  std::pair<PepperKey, VaultWrite> make_pepper(std::uint32_t number);
  // All peppers, 1 to the first that is missing. kUnavailable where there is none or one that the log's
  // events name is missing, or where the key-encryption key is not the one that wrapped them.
  Result<Peppers> load_peppers();

  // What is wrong with a row of a log's vault; empty where nothing is: that it has not the form of a wrapped
  // key, or does not open under `keys`, where there are some.
  static std::string row_problem(const VaultRow& row, const std::optional<KeyEncryptionKeys>& keys);
  // The same of a row of this vault's log that was read a while ago: it may have been destroyed or wrapped
  // anew since. Blocks on disk.
  std::string row_problem(const VaultRow& row);

  // That every key of the log's vault opens under `keys`. kUnavailable, naming the first that does not.
  // Blocks for long; a key that is made meanwhile need not be looked at.
  Result<void> check_all(const KeyEncryptionKeys& keys) const;

  // Rotation of the key-encryption key, in three steps, by one thread (eventstore/key_rotation.h).
  //
  // From here on new keys are wrapped by keys.current, and keys wrapped by keys.previous open too. Blocks
  // until every write whose key was wrapped before is done with; false, after `patience`, where some are not.
  bool start_rotation(const KeyEncryptionKeys& keys, std::chrono::milliseconds patience);
  // Wraps every key of the log's vault by the current key-encryption key; how many it had to. Blocks for
  // long. kUnavailable where a key opens under neither, or the log takes no writes.
  Result<std::uint64_t> wrap_all_anew();
  // From here on only what the current key-encryption key wrapped opens.
  void end_rotation();
  // Whether there is a previous key-encryption key still.
  bool is_rotating() const;

 private:
  // Key-encryption keys as long as somebody wraps by them.
  struct Generation;

  std::shared_ptr<const Generation> generation() const;
  VaultWrite wrap(std::string_view subject, const DataKey& key);

  EventLog& log_;
  Random& random_;
  mutable std::mutex mutex_;
  std::shared_ptr<const Generation> generation_;  // guarded by mutex_
  std::vector<std::future<void>> draining_;       // ends of earlier generations; the rotating thread's own
};

}  // namespace mintmark
