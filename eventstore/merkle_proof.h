#pragma once

#include <bit>
#include <cstdint>
#include <functional>
#include <vector>

#include "eventstore/merkle_tree.h"

// Proofs out of the stored nodes of a log's tree (RFC 6962, 2.1), in time and memory that grow with the
// logarithm of its size.
namespace mintmark {

// How many nodes a tree of that size has complete. Nodes are numbered from 0 as MerkleTree::append gives
// them, so a number stands for the same subtree however far the tree grows.
constexpr std::uint64_t node_count(Position size) {
  return 2 * size - static_cast<std::uint64_t>(std::popcount(size));
}

// The node of that number; what it throws goes to the caller of the proof.
using NodeAt = std::function<TreeHash(std::uint64_t number)>;

// The hashes that lead from the root of the first `first` leaves to that of the first `second` (RFC 6962,
// 2.1.2). 0 < first <= second.
std::vector<TreeHash> consistency_proof(Position first, Position second, const NodeAt& node_at);
// Whether the proof shows that the second tree begins with the leaves of the first (RFC 9162, 2.1.4.2). Every
// tree begins with the empty one.
bool is_consistent(const TreeHead& first, const TreeHead& second, const std::vector<TreeHash>& proof);

// The hashes that lead from the leaf at a position, 1 for the first, to the root of the first `size` (RFC
// 6962, 2.1.1). 0 < position <= size.
std::vector<TreeHash> inclusion_proof(Position position, Position size, const NodeAt& node_at);
// Whether the proof shows that the tree has a leaf of that hash at the position (RFC 9162, 2.1.3.2).
bool is_included(const TreeHash& leaf_hash, Position position, const TreeHead& tree,
                 const std::vector<TreeHash>& proof);

}  // namespace mintmark
