#pragma once

#include <string>
#include <string_view>

#include <rocksdb/env.h>
#include <rocksdb/status.h>

namespace mintmark {

// RocksDB takes a MANIFEST, its list of tables, that ends in the middle of an entry for one that a crash cut
// short there, forgets what is listed behind, and deletes those tables. A flipped bit in an entry's length
// looks the same to it. So it is read before RocksDB does (check_table_files).

// What is wrong with these bytes of a MANIFEST beyond what a crash leaves; empty where nothing is. Entries
// are looked for behind the first that is not whole, which a crash never leaves; where that is the last, it
// is damaged if one flipped bit makes it whole, since a torn one lacks its end.
//
// The format is that of RocksDB's write-ahead logs (db/log_format.h): blocks of 32 KiB, in them records of 4
// bytes masked CRC-32C of what follows the length, 2 length, 1 type, and the payload; a block's last bytes
// that hold no header are zeros. Integers are little-endian.
std::string manifest_problem(std::string_view manifest);

// Corruption, with the file, where the MANIFEST that CURRENT in that folder names has such a problem; ok
// where there is no CURRENT. Blocks on disk.
rocksdb::Status check_manifest(rocksdb::Env& env, const std::string& folder);

}  // namespace mintmark
