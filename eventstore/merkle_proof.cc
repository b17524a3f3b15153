#include "eventstore/merkle_proof.h"

#include <algorithm>

namespace mintmark {
namespace {

// The largest power of two smaller than the size of a tree of two leaves or more: where the RFC splits it.
Position split_of(Position size) {
  return std::bit_floor(size - 1);
}

// The root of the leaves from `begin` to `end`, a subtree of every tree that is large enough.
TreeHash root_of(Position begin, Position end, const NodeAt& node_at) {
  const auto size = end - begin;
  if (std::has_single_bit(size)) {
    // The subtree's own node is complete with its last leaf, behind that leaf's lower ones.
    return node_at(node_count(end - 1) + static_cast<std::uint64_t>(std::countr_zero(size)));
  }
  const auto middle = begin + split_of(size);
  const auto left = root_of(begin, middle, node_at);
  return hash_node(left, root_of(middle, end, node_at));
}

// A subtree that a proof has come down to.
struct Subtree {
  Position begin;
  Position end;

  // Goes on into the half that the position is in; the root of the other one joins the proof.
  void descend_to(Position position, const NodeAt& node_at, std::vector<TreeHash>& proof) {
    const auto middle = begin + split_of(end - begin);
    if (position <= middle) {
      proof.push_back(root_of(middle, end, node_at));
      end = middle;
    } else {
      proof.push_back(root_of(begin, middle, node_at));
      begin = middle;
    }
  }
};

// A step of the verifying algorithms of RFC 9162: climbs from a node (`first`, its index on its level)
// towards the root; `last` is the index of its level's last node.
struct Climb {
  std::uint64_t first;
  std::uint64_t last;

  // Whether the next hash of the proof stands to the left of the node at hand.
  bool sibling_is_left() const { return (first & 1) != 0 || first == last; }
  void up() {
    first >>= 1;
    last >>= 1;
  }
  // A last node without a right sibling stands for itself on the levels above.
  void skip_levels_without_sibling() {
    while ((first & 1) == 0 && first != 0) up();
  }
};

}  // namespace

std::vector<TreeHash> consistency_proof(Position first, Position second, const NodeAt& node_at) {
  std::vector<TreeHash> proof;
  Subtree at{0, second};
  while (at.end != first) at.descend_to(first, node_at, proof);
  // Where the first tree is one node of the second, its root is known to who checks.
  if (at.begin != 0) proof.push_back(root_of(at.begin, at.end, node_at));
  std::ranges::reverse(proof);
  return proof;
}

bool is_consistent(const TreeHead& first, const TreeHead& second, const std::vector<TreeHash>& proof) {
  if (first.size > second.size) return false;
  if (first.size == second.size) return proof.empty() && first.root == second.root;
  if (first.size == 0) return proof.empty() && first.root == MerkleTree().root();
  Climb climb{first.size - 1, second.size - 1};
  while ((climb.first & 1) != 0) climb.up();
  auto next = proof.begin();
  const bool is_whole_subtree = std::has_single_bit(first.size);
  if (!is_whole_subtree && next == proof.end()) return false;
  auto first_root = is_whole_subtree ? first.root : *next++;
  auto second_root = first_root;
  for (; next != proof.end(); ++next) {
    if (climb.last == 0) return false;
    if (climb.sibling_is_left()) {
      first_root = hash_node(*next, first_root);
      second_root = hash_node(*next, second_root);
      climb.skip_levels_without_sibling();
    } else {
      second_root = hash_node(second_root, *next);
    }
    climb.up();
  }
  return climb.last == 0 && first_root == first.root && second_root == second.root;
}

std::vector<TreeHash> inclusion_proof(Position position, Position size, const NodeAt& node_at) {
  std::vector<TreeHash> proof;
  Subtree at{0, size};
  while (at.end - at.begin > 1) at.descend_to(position, node_at, proof);
  std::ranges::reverse(proof);
  return proof;
}

bool is_included(const TreeHash& leaf_hash, Position position, const TreeHead& tree,
                 const std::vector<TreeHash>& proof) {
  if (position == 0 || position > tree.size) return false;
  Climb climb{position - 1, tree.size - 1};
  auto root = leaf_hash;
  for (const auto& sibling : proof) {
    if (climb.last == 0) return false;
    if (climb.sibling_is_left()) {
      root = hash_node(sibling, root);
      climb.skip_levels_without_sibling();
    } else {
      root = hash_node(root, sibling);
    }
    climb.up();
  }
  return climb.last == 0 && root == tree.root;
}

}  // namespace mintmark
