#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "domain/error.h"
#include "eventstore/random.h"

namespace mintmark {

// The key-encryption key: 32 random bytes that wrap every data key in the vault. Whoever has this file and
// the data folder has every secret; whoever has lost it has none.
using KeyEncryptionKey = std::array<std::uint8_t, 32>;

// Makes the file, 64 lower-case hex characters and a newline, readable by its owner alone. Fails where it
// exists. Blocks until it is on disk.
Result<KeyEncryptionKey> create_key_file(const std::string& path, Random& random);

// What a key file holds. While keys are being rotated it has two lines: the new key, then the one that still
// wraps what has not been wrapped anew.
struct KeyEncryptionKeys {
  KeyEncryptionKey current{};
  std::optional<KeyEncryptionKey> previous = std::nullopt;
};

// Fails where the file is missing, readable by others or not of that form.
Result<KeyEncryptionKeys> read_key_file(const std::string& path);

// Replaces the file's content: a crash leaves the old or the new one, whole. Blocks until it is on disk.
// Fails where the folder cannot be written to, and the file is as it was.
Result<void> replace_key_file(const std::string& path, const KeyEncryptionKeys& keys);

}  // namespace mintmark
