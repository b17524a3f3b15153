#include "tests/support/log_folder.h"

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <rocksdb/file_system.h>

#include "tests/support/event_builders.h"

namespace mintmark::testing {

namespace fs = std::filesystem;

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  return std::move(bytes).str();
}

void write_file(const fs::path& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes;
  if (!file.flush()) throw std::runtime_error("cannot write " + path.string());
}

TreeHeadSource source_of(std::vector<TreeHead> heads) {
  return [heads = std::move(heads)](const TreeHeadVisitor& visit) {
    for (const auto& head : heads)
      if (!visit(head)) break;
    return true;
  };
}

std::map<std::string, std::string> contents_of(const fs::path& folder) {
  std::map<std::string, std::string> contents;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const auto name = entry.path().filename().string();
    if (!entry.is_regular_file() || name == "LOCK" || name == "lock") continue;
    contents[entry.path().lexically_relative(folder).string()] = read_file(entry.path());
  }
  return contents;
}

rocksdb::Env& env_in_memory() {
  class InMemory final : public rocksdb::FileSystemWrapper {
   public:
    InMemory() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
    const char* Name() const override { return "InMemory"; }
    rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* result,
                                      rocksdb::IODebugContext* context) override {
      auto without = options;
      without.allow_fallocate = false;
      return target()->NewWritableFile(path, without, result, context);
    }
  };
  static const auto env = rocksdb::NewCompositeEnv(std::make_shared<InMemory>());
  return *env;
}

LogFolder::LogFolder(std::uint64_t log_number, const fs::path& parent)
    : folder_(parent), env_(parent == TemporaryFolder::in_memory() ? &env_in_memory() : nullptr) {
  const auto created = RocksDbLog::create(options(), event_id(log_number));
  if (!created) throw std::runtime_error(created.error().messages.front());
}

RocksDbLog::Options LogFolder::options() const {
  RocksDbLog::Options options;
  options.path = path().string();
  options.env = env_;
  return options;
}

std::unique_ptr<RocksDbLog> LogFolder::open() {
  return open(options());
}

std::unique_ptr<RocksDbLog> LogFolder::open(RocksDbLog::Options options) {
  options.path = path().string();
  auto log = RocksDbLog::open(std::move(options));
  if (!log) throw std::runtime_error(log.error().messages.front());
  return std::move(*log);
}

std::string LogFolder::refusal() const {
  const auto log = RocksDbLog::open(options());
  return log ? "" : log.error().messages.front();
}

void LogFolder::append_some(RocksDbLog& log, std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    const auto number = log.head() + 1;
    const auto result = append_and_wait(log, append_request(fmt::format("stream-{}", number), 0, number));
    ASSERT_TRUE(result) << result.error().message;
    ASSERT_EQ(result->last, number);
  }
}

fs::path LogFolder::wal() const {
  fs::path newest;
  for (const auto& entry : fs::directory_iterator(path() / "rocksdb")) {
    if (entry.path().extension() == ".log" && entry.path() > newest) newest = entry.path();
  }
  return newest;
}

void LogFolder::become_copy_of(const LogFolder& other) {
  for (const auto& entry : fs::directory_iterator(path())) fs::remove_all(entry.path());
  fs::copy(other.path(), path(), fs::copy_options::recursive);
}

}  // namespace mintmark::testing
