#include "eventstore/head_anchor.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <string_view>
#include <utility>

#include <fmt/format.h>

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

struct AnchorSlot {
  std::uint64_t sequence;
  HeadAnchor::Head head;
};

// How many bytes the slot's head says that it takes with its checksum; more than a slot has where it makes no
// sense.
std::size_t used_bytes(std::string_view slot) {
  const auto length = get_little_endian(slot.substr(32));
  if (length > slot_bytes - fixed_bytes - checksum_bytes) return slot_bytes + 1;
  return fixed_bytes + length + checksum_bytes;
}

std::optional<AnchorSlot> decode_slot(std::string_view slot) {
  if (slot.size() != slot_bytes || !slot.starts_with(magic)) return std::nullopt;
  const auto used = used_bytes(slot);
  if (used > slot_bytes) return std::nullopt;
  const auto body = slot.substr(0, used - checksum_bytes);
  if (slot.substr(body.size(), checksum_bytes) != checksum(body)) return std::nullopt;
  auto tree = MerkleTree::decode(body.substr(fixed_bytes));
  if (!tree) return std::nullopt;
  return AnchorSlot{get_little_endian(slot.substr(8)),
                    {EventId::from_bytes(slot.substr(16, 16)), std::move(*tree)}};
}

bool is_whole(std::string_view slot, const AnchorSlot& decoded) {
  return slot == encode_slot(decoded.sequence, decoded.head);
}

// The slot that a single flipped bit makes of this one; nothing where none makes it whole.
std::optional<AnchorSlot> decode_flipped_slot(std::string slot) {
  if (slot.size() != slot_bytes) return std::nullopt;
  if (auto decoded = decode_slot(slot)) {
    // Then it is one of the zeros at the end.
    const auto whole = encode_slot(decoded->sequence, decoded->head);
    int bits = 0;
    for (std::size_t i = 0; i < slot_bytes; ++i)
      bits += std::popcount(static_cast<unsigned>(static_cast<unsigned char>(slot[i] ^ whole[i])));
    return bits == 1 ? std::move(decoded) : std::nullopt;
  }
  const auto end = std::min(slot_bytes, used_bytes(slot));
  for (std::size_t i = 0; i < end; ++i) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      const auto flip = static_cast<char>(1U << bit);
      slot[i] = static_cast<char>(slot[i] ^ flip);
      auto decoded = decode_slot(slot);
      if (decoded && is_whole(slot, *decoded)) return decoded;
      slot[i] = static_cast<char>(slot[i] ^ flip);
    }
  }
  return std::nullopt;
}

bool is_blank(std::string_view slot) {
  return slot.size() == slot_bytes && slot.find_first_not_of('\0') == std::string_view::npos;
}

// What a slot holds; what is wrong with it goes into `contents`.
std::optional<AnchorSlot> take_slot(std::size_t number, HeadAnchor::Contents& contents) {
  const auto& bytes = contents.slots.at(number);
  auto decoded = decode_slot(bytes);
  if (decoded && is_whole(bytes, *decoded)) return decoded;
  if (auto mended = decode_flipped_slot(bytes)) {
    contents.damage =
        fmt::format("a bit of slot {} of the head anchor, which stands for position {}, is flipped", number,
                    mended->head.tree.size());
    return mended;
  }
  if (bytes.size() < slot_bytes) {
    contents.damage = fmt::format("slot {} of the head anchor is cut off", number);
  } else if (!is_blank(bytes)) {
    contents.note = fmt::format(
        "slot {} of the head anchor is not whole, which a crash in mid-write leaves, and damage too", number);
  }
  return decoded;
}

template <class File>
rocksdb::Status read_slots(File& file, HeadAnchor::Contents& contents) {
  for (std::size_t i = 0; i < contents.slots.size(); ++i) {
    std::string buffer(slot_bytes, '\0');
    rocksdb::Slice bytes;
    auto status = file.Read(i * slot_bytes, slot_bytes, &bytes, buffer.data());
    if (!status.ok()) return status;
    contents.slots.at(i) = bytes.ToString();
    auto slot = take_slot(i, contents);
    if (slot && (!contents.newest || slot->sequence > contents.sequence)) {
      contents.sequence = slot->sequence;
      contents.newest = std::move(slot->head);
    }
  }
  for (std::size_t i = 0; i < contents.slots.size(); ++i) {
    // Slot 1 is written first.
    const bool was_written = contents.sequence + i > 1;
    if (was_written && is_blank(contents.slots.at(i)))
      contents.damage = fmt::format("slot {} of the head anchor has lost what it held", i);
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
  status = read_slots(*opened->file_, opened->contents_);
  if (status.ok()) anchor = std::move(opened);
  return status;
}

rocksdb::Status HeadAnchor::read(rocksdb::Env& env, const std::string& path, Contents& contents) {
  std::unique_ptr<rocksdb::RandomAccessFile> file;
  const auto status = env.NewRandomAccessFile(path, &file, rocksdb::EnvOptions());
  contents = {};
  return status.ok() ? read_slots(*file, contents) : status;
}

rocksdb::Status HeadAnchor::write(const Head& head) {
  const std::scoped_lock lock(mutex_);
  const auto sequence = contents_.sequence + 1;
  auto slot = encode_slot(sequence, head);
  auto status = file_->Write(sequence % 2 * slot_bytes, slot);
  if (status.ok()) status = file_->Sync();
  if (!status.ok()) return status;
  contents_.sequence = sequence;
  contents_.newest = head;
  contents_.slots.at(sequence % 2) = std::move(slot);
  return status;
}

std::string HeadAnchor::problem() const {
  const std::scoped_lock lock(mutex_);
  Contents stored;
  const auto status = read(env_, path_, stored);
  if (!status.ok()) return "the head anchor cannot be read: " + status.ToString();
  if (stored.slots == contents_.slots) return "";
  if (!stored.newest) return "the head anchor is damaged";
  if (stored.newest != contents_.newest) return "the head anchor is not the one that was written last";
  return stored.damage.empty() ? "a slot of the head anchor is not what was written there last"
                               : stored.damage;
}

}  // namespace mintmark
