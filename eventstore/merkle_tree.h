#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "eventstore/event_log.h"

namespace mintmark {

using TreeHash = std::array<std::uint8_t, 32>;

// 64 lower-case hex characters.
std::string hex(const TreeHash& hash);

// RFC 6962, 2.1: SHA-256, of a leaf behind a zero byte, of an inner node behind a one byte.
TreeHash hash_leaf(std::string_view bytes);
TreeHash hash_node(const TreeHash& left, const TreeHash& right);

// What a tree of that size stands for.
struct TreeHead {
  Position size = 0;
  TreeHash root{};

  bool operator==(const TreeHead&) const = default;
};

// Told of one head after another; answers whether it wants more of them.
using TreeHeadVisitor = std::function<bool(const TreeHead& head)>;

// The Merkle tree over the stored bytes of the events, leaf i being position i + 1 (RFC 6962, 2.1). Keeps the
// frontier alone: the roots of the complete subtrees from left to right, at most 64 hashes, from which the
// root follows and the tree grows. Not thread-safe; never blocks.
class MerkleTree {
 public:
  MerkleTree() = default;
  // `frontier` as frontier() gave it, for a tree of `size` leaves; its length must fit: one hash for each bit
  // set in `size`.
  MerkleTree(Position size, std::vector<TreeHash> frontier);

  // Adds a leaf. What becomes complete with it goes behind `nodes`: the leaf's own hash, then that of each
  // subtree that ends with it, from the lowest up.
  void append(std::string_view leaf_bytes, std::string* nodes = nullptr);

  Position size() const { return size_; }
  const std::vector<TreeHash>& frontier() const { return frontier_; }
  TreeHash root() const;
  TreeHead head() const { return {size_, root()}; }

  bool operator==(const MerkleTree&) const = default;

  // 8 bytes of size, little-endian, then the frontier; decode gives nothing where that is not what it finds.
  std::string encode() const;
  static std::optional<MerkleTree> decode(std::string_view bytes);

 private:
  Position size_ = 0;
  std::vector<TreeHash> frontier_;
};

}  // namespace mintmark
