#include "eventstore/merkle_tree.h"

#include <bit>
#include <span>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <openssl/evp.h>

namespace mintmark::merkle_tree_test {
namespace {

TreeHash sha256(const std::string& bytes) {
  TreeHash hash{};
  unsigned int length = 0;
  EXPECT_EQ(EVP_Digest(bytes.data(), bytes.size(), hash.data(), &length, EVP_sha256(), nullptr), 1);
  EXPECT_EQ(length, hash.size());
  return hash;
}

std::string bytes_of(const TreeHash& hash) {
  return {reinterpret_cast<const char*>(hash.data()), hash.size()};
}

// RFC 6962, 2.1, word for word: k is the largest power of two smaller than n.
TreeHash recursive_root(std::span<const std::string> leaves) {
  if (leaves.empty()) return sha256("");
  if (leaves.size() == 1) return sha256(std::string(1, '\0') + leaves[0]);
  const auto k = std::bit_floor(leaves.size() - 1);
  return sha256('\1' + bytes_of(recursive_root(leaves.first(k))) +
                bytes_of(recursive_root(leaves.subspan(k))));
}

MerkleTree tree_of(std::span<const std::string> leaves) {
  MerkleTree tree;
  for (const auto& leaf : leaves) tree.append(leaf);
  return tree;
}

std::vector<std::string> some_leaves(std::size_t count) {
  std::vector<std::string> leaves;
  for (std::size_t i = 0; i < count; ++i)
    leaves.push_back("leaf " + std::to_string(i) + std::string(i % 70, 'x'));
  return leaves;
}

TEST(MerkleTreeRoot, OfNoLeavesIsTheHashOfNothing) {
  EXPECT_EQ(hex(MerkleTree().root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

// The leaves and roots of the test data of Google's Certificate Transparency code, the RFC's authors'.
TEST(MerkleTreeRoot, IsThatOfThePublishedVectors) {
  using std::string;
  const std::vector<string> leaves = {"",
                                      string("\x00", 1),
                                      "\x10",
                                      "\x20\x21",
                                      "\x30\x31",
                                      "\x40\x41\x42\x43",
                                      "\x50\x51\x52\x53\x54\x55\x56\x57",
                                      "\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f"};
  const std::vector<string> roots = {"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
                                     "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
                                     "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
                                     "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
                                     "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
                                     "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
                                     "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
                                     "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"};
  MerkleTree tree;
  for (std::size_t i = 0; i < leaves.size(); ++i) {
    tree.append(leaves[i]);
    EXPECT_EQ(hex(tree.root()), roots[i]) << i;
  }
}

TEST(MerkleTreeRoot, IsTheRecursiveDefinitionsForEverySize) {
  const auto leaves = some_leaves(200);
  MerkleTree tree;
  for (std::size_t size = 0; size <= leaves.size(); ++size) {
    EXPECT_EQ(hex(tree.root()), hex(recursive_root(std::span(leaves).first(size)))) << size;
    EXPECT_EQ(tree.size(), size);
    EXPECT_EQ(tree.frontier().size(), static_cast<std::size_t>(std::popcount(size)));
    if (size < leaves.size()) tree.append(leaves[size]);
  }
}

TEST(MerkleTreeRoot, ChangesWithEveryLeaf) {
  auto leaves = some_leaves(13);
  const auto root = tree_of(leaves).root();
  for (auto& leaf : leaves) {
    const auto original = leaf;
    leaf += '!';
    EXPECT_NE(tree_of(leaves).root(), root);
    leaf = original;
  }
  std::swap(leaves[3], leaves[4]);
  EXPECT_NE(tree_of(leaves).root(), root);
}

TEST(MerkleTreeRoot, ALeafIsNotMistakenForANode) {
  const auto leaves = some_leaves(2);
  const auto nodes = bytes_of(tree_of(std::span(leaves).first(1)).root()) +
                     bytes_of(tree_of(std::span(leaves).last(1)).root());
  EXPECT_NE(tree_of(std::vector{nodes}).root(), tree_of(leaves).root());
}

TEST(MerkleTreeBytes, DecodeToTheSameTreeThatGrowsOn) {
  const auto leaves = some_leaves(70);
  for (std::size_t size = 0; size < leaves.size(); ++size) {
    const auto tree = tree_of(std::span(leaves).first(size));
    auto decoded = MerkleTree::decode(tree.encode());
    ASSERT_TRUE(decoded) << size;
    EXPECT_EQ(*decoded, tree);
    for (auto i = size; i < leaves.size(); ++i) decoded->append(leaves[i]);
    EXPECT_EQ(decoded->root(), tree_of(leaves).root());
  }
}

TEST(MerkleTreeBytes, OfAnotherLengthThanTheSizeSaysAreRefused) {
  EXPECT_FALSE(MerkleTree::decode(""));
  EXPECT_FALSE(MerkleTree::decode(std::string(7, '\0')));
  EXPECT_TRUE(MerkleTree::decode(std::string(8, '\0')));
  EXPECT_FALSE(MerkleTree::decode(std::string(9, '\0')));
  const auto bytes = tree_of(some_leaves(5)).encode();
  for (std::size_t length = 0; length < bytes.size(); ++length)
    EXPECT_FALSE(MerkleTree::decode(bytes.substr(0, length))) << length;
  EXPECT_FALSE(MerkleTree::decode(bytes + '\0'));
  auto other_size = bytes;
  other_size[0] = 7;
  EXPECT_FALSE(MerkleTree::decode(other_size));
}

}  // namespace
}  // namespace mintmark::merkle_tree_test
