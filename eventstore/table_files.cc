#include "eventstore/table_files.h"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "eventstore/manifest_file.h"
#include "eventstore/rocksdb_strings.h"

namespace mintmark {
namespace {

// A table that was written to its end ends with a footer: 1 byte kind of checksum; offset and size of the
// metaindex block, then those of the index block, all varints; zeros; 4 bytes form, little-endian; the magic
// number. The properties lie in front of the metaindex block. A block ends with 4 bytes, whose highest bit
// says that its entries are hashed too, and has a trailer of 5.
constexpr std::size_t footer_bytes = 53;
constexpr std::string_view table_magic = "\xF7\xCF\xF4\x85\xB7\x41\xE2\x88";
constexpr std::size_t form_bytes = 4;
constexpr std::size_t block_end_bytes = 4;
constexpr std::size_t block_trailer_bytes = 5;
constexpr unsigned char hashed = 0x80;

rocksdb::Status read(const rocksdb::RandomAccessFile& file, std::uint64_t offset, std::size_t size,
                     std::string& bytes) {
  bytes.resize(size);
  rocksdb::Slice read;
  auto status = file.Read(offset, size, &read, bytes.data());
  bytes = read.ToString();
  return status;
}

std::uint32_t form_of(std::string_view footer) {
  const auto bytes = footer.substr(footer_bytes - table_magic.size() - form_bytes, form_bytes);
  std::uint32_t form = 0;
  for (std::size_t i = form_bytes; i-- > 0;) form = form << 8U | static_cast<unsigned char>(bytes[i]);
  return form;
}

// LEB128; nothing where it does not end.
std::optional<std::uint64_t> read_varint(std::string_view bytes) {
  std::uint64_t value = 0;
  for (unsigned i = 0; i < std::min<std::size_t>(bytes.size(), 9); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    value |= static_cast<std::uint64_t>(byte & 0x7FU) << (7 * i);
    if (byte < 0x80U) return value;
  }
  return std::nullopt;
}

}  // namespace

// What else is wrong, RocksDB itself finds by its checksums.
rocksdb::Status check_table_file(rocksdb::Env& env, const std::string& path) {
  std::uint64_t size = 0;
  auto status = env.GetFileSize(path, &size);
  if (!status.ok() || size < footer_bytes) return status;
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  status = env.NewRandomAccessFile(path, &file, rocksdb::EnvOptions());
  std::string footer;
  if (status.ok()) status = read(*file, size - footer_bytes, footer_bytes, footer);
  // One that a crash cut short is none of the database's, or RocksDB misses it.
  if (!status.ok() || footer.size() < footer_bytes || !footer.ends_with(table_magic)) return status;
  if (form_of(footer) != table_format)
    return rocksdb::Status::Corruption(path, "its footer names a form that no table of ours has");

  const auto metaindex = read_varint(std::string_view(footer).substr(1));
  constexpr auto behind = block_end_bytes + block_trailer_bytes;
  if (!metaindex || *metaindex < behind || *metaindex > size) return status;
  std::string end;
  status = read(*file, *metaindex - behind, block_end_bytes, end);
  if (!status.ok() || end.size() < block_end_bytes) return status;
  if ((static_cast<unsigned char>(end.back()) & hashed) == 0) return status;
  return rocksdb::Status::Corruption(path, "its properties are in a form that no table of ours has");
}

rocksdb::Status check_table_files(rocksdb::Env& env, const std::string& folder) {
  std::vector<std::string> names;
  auto status = env.GetChildren(folder, &names);
  if (status.IsNotFound()) return rocksdb::Status::OK();
  if (status.ok()) status = check_manifest(env, folder);
  for (const auto& name : names) {
    if (!status.ok()) break;
    if (name.ends_with(".sst")) status = check_table_file(env, fmt::format("{}/{}", folder, name));
  }
  return status;
}

}  // namespace mintmark
