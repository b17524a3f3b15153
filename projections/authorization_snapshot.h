#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <filesystem>
#include <functional>
#include <string>

#include "eventstore/event_id.h"
#include "projections/authorization_changes.h"
#include "projections/token_table.h"

// The authorization index in a file, so that a restart does not replay the log. Format version 4, all numbers
// little-endian; where it says "text" there is a length before the bytes:
//
//   magic       8 bytes  "MMAUTHIX"
//   version     u32      4
//   reserved    u32      0
//   log id      16 bytes
//   checkpoint  u64
//   tokens      u64      how many follow; then, likewise:
//   deleted     u64
//   parked      u64
//   each token:          token id u32, account code u32, expiry u32 (seconds since 1970, 0 never), pepper u8,
//                        extension u8, state u8, more u8, digest 16 bytes, name text with a u16 length;
//                        if more & 1, permissions u64; if more & 2, of the renewed key: expiry u32, pepper
//                        u8, digest 16 bytes; in TokenTable's order, so that loading writes memory in order
//   each deleted id:     u32, ascending
//   each parked stream:  stream text (u32 length), position u64, reason text (u32 length); ascending by
//   stream hash        32 bytes BLAKE2b-256 of everything before it
//
// Equal content gives equal bytes. The hash finds damage, not forgery: the file is as trusted as the log.
namespace mintmark {

struct LoadedAuthorization {
  Position checkpoint = 0;
  std::array<TokenTable, 2> copies;
  AuthorizationHistory history;
};

// What a snapshot begins with, and all of it but the tokens.
struct SnapshotContent {
  EventId log_id;
  Position checkpoint = 0;
  std::uint64_t tokens = 0;
  AuthorizationHistory history;
};

// The token in the form above.
void append_token(const TokenRecord& record, std::string& bytes);

// Writes path + ".new", syncs it, renames it to `path` and syncs the directory. Calls append_part(bytes),
// which appends the next part's tokens, TokenTable::part_count times. Throws std::system_error.
void save_authorization_snapshot(const std::filesystem::path& path, const SnapshotContent& content,
                                 const std::function<void(std::string& bytes)>& append_part);

// Fails, with the reason, where the file cannot be read, is damaged, belongs to another log or has another
// format version; no content makes it crash or take more memory than a sound file of that size would.
std::expected<LoadedAuthorization, std::string> load_authorization_snapshot(const std::filesystem::path& path,
                                                                            EventId log_id);

// BLAKE2b-256, in hex, of what a snapshot holds behind its header.
std::string authorization_fingerprint(const TokenTable& table, const AuthorizationHistory& history);

}  // namespace mintmark
