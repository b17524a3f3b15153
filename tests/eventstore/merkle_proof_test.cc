#include "eventstore/merkle_proof.h"

#include <bit>
#include <cstring>
#include <set>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace mintmark::merkle_proof_test {
namespace {

using Proof = std::vector<TreeHash>;
using Leaves = std::span<const std::string>;

// RFC 6962, 2.1, word for word: the tree's hash, the audit path and the consistency proof of a list.
TreeHash recursive_root(Leaves leaves) {
  if (leaves.size() == 1) return hash_leaf(leaves[0]);
  const auto k = std::bit_floor(leaves.size() - 1);
  return hash_node(recursive_root(leaves.first(k)), recursive_root(leaves.subspan(k)));
}

Proof recursive_path(std::size_t m, Leaves leaves) {
  if (leaves.size() == 1) return {};
  const auto k = std::bit_floor(leaves.size() - 1);
  auto path = m < k ? recursive_path(m, leaves.first(k)) : recursive_path(m - k, leaves.subspan(k));
  path.push_back(recursive_root(m < k ? leaves.subspan(k) : leaves.first(k)));
  return path;
}

Proof recursive_subproof(std::size_t m, Leaves leaves, bool known) {
  if (m == leaves.size()) return known ? Proof() : Proof{recursive_root(leaves)};
  const auto k = std::bit_floor(leaves.size() - 1);
  auto proof = m <= k ? recursive_subproof(m, leaves.first(k), known)
                      : recursive_subproof(m - k, leaves.subspan(k), false);
  proof.push_back(recursive_root(m <= k ? leaves.subspan(k) : leaves.first(k)));
  return proof;
}

std::vector<std::string> hex_of(const Proof& proof) {
  std::vector<std::string> texts;
  for (const auto& hash : proof) texts.push_back(hex(hash));
  return texts;
}

// A tree with all of its nodes, and the heads that it had.
class GrownTree {
 public:
  explicit GrownTree(Leaves leaves) {
    heads_.push_back(tree_.head());
    for (const auto& leaf : leaves) {
      tree_.append(leaf, &nodes_);
      heads_.push_back(tree_.head());
      EXPECT_EQ(nodes_.size() / sizeof(TreeHash), node_count(tree_.size()));
    }
  }
  const TreeHead& head(Position size) const { return heads_.at(size); }
  NodeAt node_at() const {
    return [this](std::uint64_t number) {
      read_.insert(number);
      TreeHash hash;
      std::memcpy(hash.data(), nodes_.data() + number * hash.size(), hash.size());
      return hash;
    };
  }
  // How many nodes were read since the last call.
  std::size_t take_reads() const {
    const auto count = read_.size();
    read_.clear();
    return count;
  }

 private:
  MerkleTree tree_;
  std::string nodes_;
  std::vector<TreeHead> heads_;
  mutable std::set<std::uint64_t> read_;
};

std::vector<std::string> some_leaves(std::size_t count) {
  std::vector<std::string> leaves;
  for (std::size_t i = 0; i < count; ++i) leaves.push_back("leaf " + std::to_string(i));
  return leaves;
}

// That the check takes the proof and no other: one hash changed, left out or too many.
template <typename Check>
void expect_taken_as_it_is_alone(const Proof& proof, const Check& check) {
  EXPECT_TRUE(check(proof));
  for (std::size_t i = 0; i < proof.size(); ++i) {
    auto other = proof;
    other[i][7] ^= 1;
    EXPECT_FALSE(check(other)) << i;
    other = proof;
    other.erase(other.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(check(other)) << i;
  }
  auto longer = proof;
  longer.push_back(TreeHash{});
  EXPECT_FALSE(check(longer));
}

class MerkleProof : public ::testing::Test {
 protected:
  const std::vector<std::string> leaves = some_leaves(35);
  const GrownTree tree{leaves};
};

TEST_F(MerkleProof, OfConsistencyIsTheRecursiveDefinitionsForEverySize) {
  for (Position second = 1; second <= leaves.size(); ++second) {
    for (Position first = 1; first <= second; ++first) {
      SCOPED_TRACE(::testing::Message() << first << " of " << second);
      const auto proof = consistency_proof(first, second, tree.node_at());
      EXPECT_EQ(hex_of(proof), hex_of(recursive_subproof(first, Leaves(leaves).first(second), true)));
      expect_taken_as_it_is_alone(proof, [&](const Proof& given) {
        return is_consistent(tree.head(first), tree.head(second), given);
      });
    }
  }
}

TEST_F(MerkleProof, OfConsistencyFitsNoOtherTree) {
  for (const Position second : {2U, 7U, 8U, 33U, 35U}) {
    for (Position first = 1; first < second; ++first) {
      SCOPED_TRACE(::testing::Message() << first << " of " << second);
      const auto proof = consistency_proof(first, second, tree.node_at());
      auto head = tree.head(first);
      head.root[0] ^= 1;
      EXPECT_FALSE(is_consistent(head, tree.head(second), proof));
      head = tree.head(second);
      head.root[0] ^= 1;
      EXPECT_FALSE(is_consistent(tree.head(first), head, proof));
      EXPECT_FALSE(is_consistent(tree.head(second), tree.head(first), proof)) << "no tree shrinks";
    }
  }
}

TEST_F(MerkleProof, EveryTreeBeginsWithTheEmptyOne) {
  EXPECT_TRUE(is_consistent(tree.head(0), tree.head(0), {}));
  EXPECT_TRUE(is_consistent(tree.head(0), tree.head(5), {}));
  EXPECT_FALSE(is_consistent(TreeHead{}, tree.head(5), {})) << "whose root is the hash of nothing";
}

TEST_F(MerkleProof, OfInclusionIsTheRecursiveDefinitionsForEverySize) {
  for (Position size = 1; size <= leaves.size(); ++size) {
    for (Position position = 1; position <= size; ++position) {
      SCOPED_TRACE(::testing::Message() << position << " of " << size);
      const auto proof = inclusion_proof(position, size, tree.node_at());
      EXPECT_EQ(hex_of(proof), hex_of(recursive_path(position - 1, Leaves(leaves).first(size))));
      expect_taken_as_it_is_alone(proof, [&](const Proof& given) {
        return is_included(hash_leaf(leaves[position - 1]), position, tree.head(size), given);
      });
      EXPECT_FALSE(is_included(hash_leaf("another"), position, tree.head(size), proof));
      for (Position other = 0; other <= size + 1; ++other) {
        if (other == position) continue;
        EXPECT_FALSE(is_included(hash_leaf(leaves[position - 1]), other, tree.head(size), proof)) << other;
      }
    }
  }
}

TEST(MerkleProofVectors, AreThoseThatWerePublished) {
  // The test data of Google's Certificate Transparency code, the RFC's authors'.
  using std::string;
  const std::vector<string> leaves = {"",
                                      string("\x00", 1),
                                      "\x10",
                                      "\x20\x21",
                                      "\x30\x31",
                                      "\x40\x41\x42\x43",
                                      "\x50\x51\x52\x53\x54\x55\x56\x57",
                                      "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
  const GrownTree tree(leaves);
  const string leaf_2 = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7";
  const string leaves_1_2 = "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125";
  const string leaves_3_4 = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e";
  const string leaves_5_to_8 = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4";
  const string leaf_5 = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b";
  const string leaves_5_6 = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a";
  const string leaves_7_8 = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0";
  const string leaves_1_to_4 = "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7";
  using Texts = std::vector<string>;
  EXPECT_EQ(hex_of(consistency_proof(1, 1, tree.node_at())), Texts());
  EXPECT_EQ(hex_of(consistency_proof(1, 8, tree.node_at())), (Texts{leaf_2, leaves_3_4, leaves_5_to_8}));
  EXPECT_EQ(hex_of(consistency_proof(6, 8, tree.node_at())), (Texts{leaves_5_6, leaves_7_8, leaves_1_to_4}));
  EXPECT_EQ(hex_of(consistency_proof(2, 5, tree.node_at())), (Texts{leaves_3_4, leaf_5}));
  EXPECT_EQ(hex_of(inclusion_proof(1, 8, tree.node_at())), (Texts{leaf_2, leaves_3_4, leaves_5_to_8}));
  EXPECT_EQ(hex_of(inclusion_proof(6, 8, tree.node_at())), (Texts{leaf_5, leaves_7_8, leaves_1_to_4}));
  EXPECT_EQ(hex_of(inclusion_proof(3, 3, tree.node_at())), Texts{leaves_1_2});
}

TEST(MerkleProofCost, GrowsWithTheLogarithmOfTheTree) {
  const auto leaves = some_leaves(20'000);
  const GrownTree tree(leaves);
  for (Position first = 1; first < leaves.size(); first += 613) {
    const auto proof = consistency_proof(first, leaves.size(), tree.node_at());
    EXPECT_LE(tree.take_reads(), 2 * std::bit_width(leaves.size()));
    EXPECT_TRUE(is_consistent(tree.head(first), tree.head(leaves.size()), proof));
    inclusion_proof(first, leaves.size(), tree.node_at());
    EXPECT_LE(tree.take_reads(), 2 * std::bit_width(leaves.size()));
  }
}

}  // namespace
}  // namespace mintmark::merkle_proof_test
