#pragma once

#include <cstddef>
#include <stdexcept>
#include <string_view>

namespace mintmark::testing {

// Where the properties of a table of RocksDB's end, without their trailer: eventstore/table_files.cc tells of
// the form. The table is small.
inline std::size_t end_of_properties(std::string_view table) {
  constexpr std::size_t footer_bytes = 53;
  constexpr std::size_t trailer_bytes = 5;
  const auto byte = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<unsigned char>(table.at(table.size() - footer_bytes + i)));
  };
  if (byte(1) < 0x80 || byte(2) >= 0x80) throw std::invalid_argument("no table of 128 bytes to 16 KiB");
  const auto metaindex = (byte(1) & 0x7FU) | byte(2) << 7U;
  return metaindex - trailer_bytes;
}

}  // namespace mintmark::testing
