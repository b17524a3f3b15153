#pragma once

#include <cstdint>
#include <string>

#include <rocksdb/env.h>
#include <rocksdb/status.h>

namespace mintmark {

// RocksDB's own, which all our databases have: BlockBasedTableOptions::format_version.
inline constexpr std::uint32_t table_format = 5;

// RocksDB looks into a table before any checksum of its own has told that it is whole: at the footer's form,
// in which it reads all blocks, and at the table's properties, whose checksum comes after them. A flipped bit
// there ends Debian's build, which keeps its assertions, instead of refusing the table. So whoever opens a
// database of ours asks before.
//
// Corruption, with the file, where a table (*.sst) is in another form there than RocksDB 7.8 writes
// (table/format.cc, table/block_based/block.cc). Blocks on disk.
rocksdb::Status check_table_file(rocksdb::Env& env, const std::string& path);

// The same of every table in that folder, and Corruption where its MANIFEST is damaged
// (eventstore/manifest_file.h); ok where there is no such folder.
rocksdb::Status check_table_files(rocksdb::Env& env, const std::string& folder);

}  // namespace mintmark
