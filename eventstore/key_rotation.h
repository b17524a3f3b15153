#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "eventstore/clock.h"
#include "eventstore/event_log.h"
#include "eventstore/pepper.h"
#include "eventstore/random.h"
#include "eventstore/vault.h"

namespace mintmark {

// The stream of the peppers' events.
inline constexpr std::string_view pepper_stream = "peppers";

// Makes the pepper behind `newest` the log's, with the event that says so. Blocks. kUnavailable where the log
// does not take it.
Result<PepperKey> append_pepper(EventLog& log, Vault& vault, std::uint32_t newest, Metadata metadata,
                                Random& random);

// Replaces the keys that everything else rests on, while all of it is in use. Thread-safe.
//
//   1. a new key-encryption key goes to the key file, before the one that it replaces;
//   2. every data key of the vault is wrapped anew by it;
//   3. the vault is rewritten on disk, so that nothing there opens under the old one;
//   4. the old one leaves the key file;
//   5. a new pepper is added, for the digests of secrets from here on. Older digests keep theirs, so every
//      token stays valid.
//
// A rotation that was cut short, by a crash also, goes on where it was when it is run again.
class KeyRotation {
 public:
  struct Options {
    std::string key_path;
    std::chrono::milliseconds patience = std::chrono::seconds(30);  // for writes that are under way
    // Takes from the disk what the old key opens; nothing where the vault is on none.
    std::function<Result<void>()> rewrite_vault = {};
  };

  // All must outlive it.
  KeyRotation(EventLog& log, Vault& vault, Peppers& peppers, const Clock& clock, Random& random,
              Options options)
      : log_(log),
        vault_(vault),
        peppers_(peppers),
        clock_(clock),
        random_(random),
        options_(std::move(options)) {}

  struct Report {
    std::uint64_t wrapped_anew = 0;
    std::uint32_t pepper = 0;  // the new one's number
  };

  // Blocks for long. kUnavailable where there are as many peppers as there can be, or a key does not open
  // under the key file, and then nothing is changed; or the key file cannot be replaced, the log takes no
  // writes, the vault cannot be rewritten or a key of it does not open: then what was done is kept, and every
  // key works still.
  Result<Report> run(const Actor& actor);

  // No rotation runs while this is held. Blocks until the one under way is over.
  [[nodiscard]] std::unique_lock<std::mutex> pause() { return std::unique_lock(running_); }

 private:
  EventLog& log_;
  Vault& vault_;
  Peppers& peppers_;
  const Clock& clock_;
  Random& random_;
  const Options options_;
  std::mutex running_;
};

}  // namespace mintmark
