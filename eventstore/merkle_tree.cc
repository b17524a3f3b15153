#include "eventstore/merkle_tree.h"

#include <bit>
#include <cassert>
#include <cstring>
#include <utility>

#include <fmt/format.h>
#include <openssl/sha.h>

#include "eventstore/bytes.h"

namespace mintmark {
namespace {

constexpr std::uint8_t leaf_prefix = 0;
constexpr std::uint8_t node_prefix = 1;

void put_hash(std::string& out, const TreeHash& hash) {
  out.append(reinterpret_cast<const char*>(hash.data()), hash.size());
}

}  // namespace

TreeHash hash_leaf(std::string_view bytes) {
  // One buffer: SHA-256's one-shot form is a third faster here than init, update, update, final.
  thread_local std::string buffer;
  buffer.assign(1, static_cast<char>(leaf_prefix)).append(bytes);
  TreeHash hash;
  SHA256(reinterpret_cast<const unsigned char*>(buffer.data()), buffer.size(), hash.data());
  return hash;
}

TreeHash hash_node(const TreeHash& left, const TreeHash& right) {
  std::array<std::uint8_t, 1 + 2 * sizeof(TreeHash)> buffer{node_prefix};
  std::memcpy(buffer.data() + 1, left.data(), left.size());
  std::memcpy(buffer.data() + 1 + left.size(), right.data(), right.size());
  TreeHash hash;
  SHA256(buffer.data(), buffer.size(), hash.data());
  return hash;
}

std::string hex(const TreeHash& hash) {
  std::string text;
  for (const auto byte : hash) text += fmt::format("{:02x}", byte);
  return text;
}

MerkleTree::MerkleTree(Position size, std::vector<TreeHash> frontier)
    : size_(size), frontier_(std::move(frontier)) {
  assert(static_cast<std::size_t>(std::popcount(size_)) == frontier_.size());
}

void MerkleTree::append(std::string_view leaf_bytes, std::string* nodes) {
  TreeHash hash = hash_leaf(leaf_bytes);
  if (nodes) put_hash(*nodes, hash);
  // Each trailing one bit of the size is a complete subtree as tall as the one that has just grown: merge.
  for (Position rest = size_; rest & 1; rest >>= 1) {
    hash = hash_node(frontier_.back(), hash);
    if (nodes) put_hash(*nodes, hash);
    frontier_.pop_back();
  }
  frontier_.push_back(hash);
  ++size_;
}

TreeHash MerkleTree::root() const {
  TreeHash hash;
  if (frontier_.empty()) {
    SHA256(nullptr, 0, hash.data());  // RFC 6962: the hash of an empty list is the hash of an empty string
    return hash;
  }
  hash = frontier_.back();
  for (std::size_t i = frontier_.size() - 1; i-- > 0;) hash = hash_node(frontier_[i], hash);
  return hash;
}

std::string MerkleTree::encode() const {
  std::string bytes;
  put_little_endian(bytes, size_);
  for (const auto& hash : frontier_) put_hash(bytes, hash);
  return bytes;
}

std::optional<MerkleTree> MerkleTree::decode(std::string_view bytes) {
  if (bytes.size() < 8) return std::nullopt;
  const Position size = get_little_endian(bytes);
  bytes.remove_prefix(8);
  const auto count = static_cast<std::size_t>(std::popcount(size));
  if (bytes.size() != count * sizeof(TreeHash)) return std::nullopt;
  std::vector<TreeHash> frontier(count);
  for (auto& hash : frontier) {
    std::memcpy(hash.data(), bytes.data(), hash.size());
    bytes.remove_prefix(hash.size());
  }
  return MerkleTree(size, std::move(frontier));
}

}  // namespace mintmark
