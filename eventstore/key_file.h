#pragma once

#include <array>
#include <cstdint>
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

// Fails where the file is missing, readable by others or not of that form.
Result<KeyEncryptionKey> read_key_file(const std::string& path);

}  // namespace mintmark
