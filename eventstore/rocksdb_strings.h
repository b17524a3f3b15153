#pragma once

#include <string_view>

#include <rocksdb/slice.h>

// RocksDB's string view is a type of its own.
namespace mintmark {

inline std::string_view view(const rocksdb::Slice& slice) {
  return {slice.data(), slice.size()};
}

inline rocksdb::Slice slice(std::string_view text) {
  return {text.data(), text.size()};
}

}  // namespace mintmark
