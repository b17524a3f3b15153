#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include <rocksdb/env.h>

#include "eventstore/head_anchor.h"
#include "eventstore/merkle_tree.h"
#include "tests/fuzz/require.h"

// A tree or an anchor file of any bytes is one or refused; what is read can be written and read again.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mintmark;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  if (auto tree = MerkleTree::decode(bytes)) {
    testing::require(tree->encode() == bytes, "a tree is its bytes");
    tree->root();
    if (tree->size() < UINT64_MAX) tree->append("leaf");
    testing::require(MerkleTree::decode(tree->encode()) == *tree, "a tree that has grown is read back");
  }
  static const std::unique_ptr<rocksdb::Env> env(rocksdb::NewMemEnv(rocksdb::Env::Default()));
  const std::string path = "/anchor";
  testing::require(rocksdb::WriteStringToFile(env.get(), std::string(bytes), path).ok(),
                   "the file is written");
  std::unique_ptr<HeadAnchor> anchor;
  if (!HeadAnchor::open(*env, path, anchor).ok()) return 0;
  const auto head = anchor->newest();
  if (!head) return 0;
  testing::require(anchor->write(*head).ok(), "what was read can be written");
  return 0;
}
