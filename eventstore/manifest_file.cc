#include "eventstore/manifest_file.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <optional>

#include <boost/crc.hpp>
#include <fmt/format.h>

namespace mintmark {
namespace {

constexpr std::size_t log_block_bytes = 32UL * 1024;
constexpr std::size_t record_header_bytes = 7;
constexpr unsigned type_max = 4;  // whole, first, middle, last

using Crc32c = boost::crc_optimal<32, 0x1EDC6F41, 0xFFFFFFFF, 0xFFFFFFFF, true, true>;

// As RocksDB stores a checksum that is itself checked (util/crc32c.h).
std::uint32_t masked(std::uint32_t crc) {
  return std::rotr(crc, 15) + 0xA282EAD8U;
}

unsigned byte_at(std::string_view bytes, std::size_t i) {
  return static_cast<unsigned char>(bytes[i]);
}

// Bytes from `at` to the end of its block.
std::size_t left_in_block(std::size_t at) {
  return log_block_bytes - at % log_block_bytes;
}

// How long the record is that begins there; nothing where none does that is whole.
std::optional<std::size_t> record_bytes(std::string_view bytes, std::size_t at) {
  const auto left = std::min(bytes.size() - at, left_in_block(at));
  if (left < record_header_bytes) return std::nullopt;
  const auto record = bytes.substr(at, left);
  const auto size = record_header_bytes + (byte_at(record, 4) | byte_at(record, 5) << 8U);
  const auto type = byte_at(record, 6);
  if (type == 0 || type > type_max || size > left) return std::nullopt;
  std::uint32_t stored = 0;
  for (std::size_t i = 4; i-- > 0;) stored = stored << 8U | byte_at(record, i);
  Crc32c crc;
  crc.process_bytes(record.data() + record_header_bytes - 1, size - record_header_bytes + 1);
  return masked(crc.checksum()) == stored ? std::optional(size) : std::nullopt;
}

// Where the first record is that is not whole; the size of it all where there is none.
std::size_t whole_bytes(std::string_view bytes) {
  std::size_t at = 0;
  while (at < bytes.size()) {
    if (left_in_block(at) < record_header_bytes) {
      at = std::min(at + left_in_block(at), bytes.size());
      continue;
    }
    const auto size = record_bytes(bytes, at);
    if (!size) break;
    at += *size;
  }
  return at;
}

bool is_one_bit_from_whole(std::string bytes, std::size_t at) {
  for (auto i = at; i < bytes.size(); ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const auto flip = static_cast<char>(1U << bit);
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      const auto size = record_bytes(bytes, at);
      bytes[i] = static_cast<char>(bytes[i] ^ flip);
      if (size && at + *size == bytes.size()) return true;
    }
  }
  return false;
}

}  // namespace

std::string manifest_problem(std::string_view manifest) {
  const auto end = whole_bytes(manifest);
  if (end == manifest.size()) return "";
  for (auto at = end + 1; at < manifest.size(); ++at) {
    if (record_bytes(manifest, at))
      return fmt::format("its entry at byte {} is damaged, and others are behind it", end);
  }
  constexpr std::size_t tried_bytes_max = 4096;  // more is a torn write of many entries
  const auto rest = manifest.size() - end;
  if (rest <= tried_bytes_max && rest <= left_in_block(end) &&
      is_one_bit_from_whole(std::string(manifest), end))
    return fmt::format("a bit of its last entry, at byte {}, is flipped", end);
  return "";
}

rocksdb::Status check_manifest(rocksdb::Env& env, const std::string& folder) {
  std::string name;
  auto status = rocksdb::ReadFileToString(&env, folder + "/CURRENT", &name);
  if (status.IsNotFound() || status.IsPathNotFound()) return rocksdb::Status::OK();
  if (!status.ok()) return status;
  while (name.ends_with('\n')) name.pop_back();
  // Whatever else CURRENT says, RocksDB does not take.
  if (!name.starts_with("MANIFEST-") || name.find('/') != std::string::npos) return status;
  const auto path = folder + "/" + name;
  std::string manifest;
  status = rocksdb::ReadFileToString(&env, path, &manifest);
  if (!status.ok()) return status;
  const auto problem = manifest_problem(manifest);
  return problem.empty() ? status : rocksdb::Status::Corruption(path, problem);
}

}  // namespace mintmark
