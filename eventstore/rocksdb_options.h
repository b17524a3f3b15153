#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

#include <rocksdb/options.h>

// How RocksDB is to keep the log's tables (eventstore/rocksdb_tables.h).
namespace mintmark {

inline constexpr std::size_t block_cache_bytes = 128UL * 1024 * 1024;
inline constexpr std::size_t write_buffer_bytes = 32UL * 1024 * 1024;  // of each family
inline constexpr std::size_t write_ahead_bytes_max = 4 * write_buffer_bytes;
inline constexpr std::string_view nodes_family = "nodes";

rocksdb::Options database_options(rocksdb::Env& env);

// Of the family of that name; all of them share the cache.
rocksdb::ColumnFamilyOptions family_options(std::string_view name,
                                            const std::shared_ptr<rocksdb::Cache>& cache);

}  // namespace mintmark
