#include "eventstore/head_anchor.h"

#include <array>
#include <cstddef>
#include <utility>

#include "eventstore/bytes.h"
#include "eventstore/checksum.h"

namespace mintmark {
namespace {

constexpr std::size_t slot_bytes = 4096;
constexpr std::string_view magic = "MMANCHR1";
constexpr std::size_t fixed_bytes = 8 + 8 + 16 + 8;

std::string encode_slot(std::uint64_t sequence, const HeadAnchor::Head& head) {
  std::string slot(magic);
  put_little_endian(slot, sequence);
  slot.append(head.log_id.view());
  const auto tree = head.tree.encode();
  put_little_endian(slot, tree.size());
  slot += tree;
  slot += checksum(slot);
  slot.resize(slot_bytes, '\0');
  return slot;
}

std::optional<std::pair<std::uint64_t, HeadAnchor::Head>> decode_slot(std::string_view slot) {
  if (slot.size() != slot_bytes || !slot.starts_with(magic)) return std::nullopt;
  const auto sequence = get_little_endian(slot.substr(8));
  const auto log_id = EventId::from_bytes(slot.substr(16, 16));
  const auto length = get_little_endian(slot.substr(32));
  if (length > slot_bytes - fixed_bytes - checksum_bytes) return std::nullopt;
  const auto body = slot.substr(0, fixed_bytes + length);
  if (slot.substr(body.size(), checksum_bytes) != checksum(body)) return std::nullopt;
  auto tree = MerkleTree::decode(slot.substr(fixed_bytes, length));
  if (!tree) return std::nullopt;
  return std::pair(sequence, HeadAnchor::Head{log_id, std::move(*tree)});
}

// The newest valid one of both slots; leaves `newest` alone where neither is.
template <class File>
rocksdb::Status read_slots(File& file, std::uint64_t& sequence, std::optional<HeadAnchor::Head>& newest) {
  std::string buffer(slot_bytes, '\0');
  for (std::size_t i = 0; i < 2; ++i) {
    rocksdb::Slice bytes;
    auto status = file.Read(i * slot_bytes, slot_bytes, &bytes, buffer.data());
    if (!status.ok()) return status;
    auto slot = decode_slot({bytes.data(), bytes.size()});
    if (slot && (!newest || slot->first > sequence)) {
      sequence = slot->first;
      newest = std::move(slot->second);
    }
  }
  return rocksdb::Status::OK();
}

}  // namespace

rocksdb::Status HeadAnchor::create(rocksdb::Env& env, const std::string& path) {
  if (env.FileExists(path).ok()) return rocksdb::Status::IOError(path, "exists already");
  return rocksdb::WriteStringToFile(&env, std::string(2 * slot_bytes, '\0'), path, true);
}

rocksdb::Status HeadAnchor::open(rocksdb::Env& env, const std::string& path,
                                 std::unique_ptr<HeadAnchor>& anchor) {
  std::unique_ptr<rocksdb::RandomRWFile> file;
  auto status = env.NewRandomRWFile(path, &file, rocksdb::EnvOptions());
  if (!status.ok()) return status;
  std::unique_ptr<HeadAnchor> opened(new HeadAnchor(env, path, std::move(file)));
  status = read_slots(*opened->file_, opened->sequence_, opened->newest_);
  if (status.ok()) anchor = std::move(opened);
  return status;
}

rocksdb::Status HeadAnchor::read(rocksdb::Env& env, const std::string& path, std::optional<Head>& newest) {
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  const auto status = env.NewRandomAccessFile(path, &file, rocksdb::EnvOptions());
  std::uint64_t sequence = 0;
  return status.ok() ? read_slots(*file, sequence, newest) : status;
}

rocksdb::Status HeadAnchor::write(const Head& head) {
  const std::scoped_lock lock(mutex_);
  const auto sequence = sequence_ + 1;
  const auto slot = encode_slot(sequence, head);
  auto status = file_->Write(sequence % 2 * slot_bytes, slot);
  if (status.ok()) status = file_->Sync();
  if (!status.ok()) return status;
  sequence_ = sequence;
  newest_ = head;
  return status;
}

std::string HeadAnchor::problem() const {
  const std::scoped_lock lock(mutex_);
  std::optional<Head> stored;
  const auto status = read(env_, path_, stored);
  if (!status.ok()) return "the head anchor cannot be read: " + status.ToString();
  if (stored == newest_) return "";
  return stored ? "the head anchor is not the one that was written last" : "the head anchor is damaged";
}

}  // namespace mintmark
