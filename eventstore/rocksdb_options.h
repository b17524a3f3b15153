#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include <rocksdb/options.h>

// How RocksDB is to keep the log's tables (eventstore/rocksdb_tables.h).
namespace mintmark {

inline constexpr std::size_t block_cache_bytes = 128UL * 1024 * 1024;
// For tables that are opened for reading alone. They are read from one end to the other: what is looked up
// beside that, mostly indexes, is what a larger one would hold more of.
inline constexpr std::size_t reading_block_cache_bytes = 16UL * 1024 * 1024;
inline constexpr std::size_t write_buffer_bytes = 32UL * 1024 * 1024;  // of each family
inline constexpr std::size_t write_ahead_bytes_max = 4 * write_buffer_bytes;
inline constexpr std::string_view nodes_family = "nodes";

rocksdb::Options database_options(rocksdb::Env& env);

// Of the family of that name; all of them share the cache. Indexes are in it, of whatever the tables' size.
// The filters of those that appends probe are beside it, some 10 bits a key; `reading`, which asks for what
// is there, has none.
rocksdb::ColumnFamilyOptions family_options(std::string_view name,
                                            const std::shared_ptr<rocksdb::Cache>& cache, bool reading);

}  // namespace mintmark
