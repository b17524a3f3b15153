#include "eventstore/manifest_file.h"

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>

#include <gtest/gtest.h>
#include <rocksdb/db.h>

#include "tests/support/log_folder.h"

namespace mintmark::testing::manifest_file_test {
namespace {

std::string manifest_in(const std::filesystem::path& folder) {
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with("MANIFEST")) return read_file(entry.path());
  }
  throw std::runtime_error("a database without a MANIFEST");
}

// Of a log that was opened twice.
std::string written_manifest() {
  LogFolder folder{1, TemporaryFolder::in_memory()};
  for (int opening = 0; opening < 2; ++opening) LogFolder::append_some(*folder.open(), 3);
  return manifest_in(folder.path() / "rocksdb");
}

std::string flipped_at(std::string bytes, std::size_t i) {
  bytes[i] = static_cast<char>(bytes[i] ^ (1 << (i % 8)));
  return bytes;
}

TEST(ManifestFile, AsItWasWrittenOrCutShortByACrashHasNoProblem) {
  const auto manifest = written_manifest();
  for (std::size_t size = 0; size <= manifest.size(); ++size)
    EXPECT_EQ(manifest_problem(manifest.substr(0, size)), "") << size;
}

TEST(ManifestFile, WithAnyBitFlippedHasOne) {
  const auto manifest = written_manifest();
  for (std::size_t i = 0; i < manifest.size(); ++i) {
    EXPECT_NE(manifest_problem(flipped_at(manifest, i)), "") << i;
  }
}

TEST(ManifestFile, OfSeveralBlocksIsReadToItsEnd) {
  constexpr std::size_t block_bytes = 32UL * 1024;
  const TemporaryFolder folder(TemporaryFolder::in_memory());
  rocksdb::Options options;
  options.create_if_missing = true;
  options.disable_auto_compactions = true;
  rocksdb::DB* opened = nullptr;
  ASSERT_TRUE(rocksdb::DB::Open(options, folder.path().string(), &opened).ok());
  const std::unique_ptr<rocksdb::DB> db(opened);
  // Each table that is written is an entry.
  while (manifest_in(folder.path()).size() < block_bytes + block_bytes / 8) {
    ASSERT_TRUE(db->Put(rocksdb::WriteOptions(), std::string(1000, 'k'), "").ok());
    ASSERT_TRUE(db->Flush(rocksdb::FlushOptions()).ok());
  }
  const auto manifest = manifest_in(folder.path());
  EXPECT_EQ(manifest_problem(manifest), "");
  for (const auto i : {block_bytes - 100, block_bytes, block_bytes + 5, manifest.size() - 1})
    EXPECT_NE(manifest_problem(flipped_at(manifest, i)), "") << i;
}

}  // namespace
}  // namespace mintmark::testing::manifest_file_test
