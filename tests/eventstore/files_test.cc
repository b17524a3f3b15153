#include "eventstore/files.h"

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <filesystem>
#include <string>
#include <system_error>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eventstore/key_file.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/log_folder.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::files_test {
namespace {

using ::mintmark::testing::read_file;
using ::mintmark::testing::TemporaryFolder;
using ::mintmark::testing::write_file;

std::atomic<int> interruptions = 0;

// Sends one thread a signal that interrupts its system calls, over and over, while the object lives.
class Interruptions {
 public:
  explicit Interruptions(pthread_t thread) {
    interruptions = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { ++interruptions; };  // without SA_RESTART: calls end with EINTR
    ::sigaction(SIGUSR1, &action, &before_);
    sender_ = std::jthread([thread](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        ::pthread_kill(thread, SIGUSR1);
        std::this_thread::yield();
      }
    });
  }
  ~Interruptions() {
    sender_.request_stop();
    sender_.join();
    ::sigaction(SIGUSR1, &before_, nullptr);
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;

 private:
  struct sigaction before_{};
  std::jthread sender_;
};

struct Pipe {
  Pipe() { EXPECT_EQ(::pipe2(ends.data(), O_CLOEXEC), 0); }
  std::array<int, 2> ends{};
};

std::string pattern(std::size_t size) {
  std::string bytes(size, '\0');
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<char>(i * 7 + i / 251);
  return bytes;
}

void await_empty(int fd) {
  for (int unread = 1; unread > 0; std::this_thread::yield()) ASSERT_EQ(::ioctl(fd, FIONREAD, &unread), 0);
}

// A pipe takes 64 KiB at a time, so every write is short, and a signal interrupts what waits.
TEST(Files, WritesGoOnWhereTheyAreShortOrInterrupted) {
  const Pipe pipe;
  const Descriptor from(pipe.ends[0]);
  const auto sent = pattern(4UL * 1024 * 1024);
  std::atomic<bool> written = false;
  std::thread writer([&] {
    const Descriptor to(pipe.ends[1]);
    written = write_all(to.fd(), sent);
  });
  std::string received(sent.size(), '\0');
  {
    const Interruptions interrupted(writer.native_handle());
    while (interruptions == 0) std::this_thread::yield();
    EXPECT_EQ(read_up_to(from.fd(), received.data(), received.size()),
              static_cast<std::ptrdiff_t>(received.size()));
  }
  writer.join();
  EXPECT_TRUE(written);
  EXPECT_EQ(received, sent);
}

TEST(Files, ReadsGoOnWhereTheyAreShortOrInterrupted) {
  const Pipe pipe;
  const Descriptor from(pipe.ends[0]);
  const auto sent = pattern(3000);
  std::string received(sent.size() + 1, '\0');
  std::ptrdiff_t count = -2;
  std::thread reader([&] { count = read_up_to(from.fd(), received.data(), received.size()); });
  {
    const Descriptor to(pipe.ends[1]);
    const Interruptions interrupted(reader.native_handle());
    for (std::size_t i = 0; i < sent.size(); i += 1000) {
      const auto before = interruptions.load();
      ASSERT_TRUE(write_all(to.fd(), std::string_view(sent).substr(i, 1000)));
      await_empty(from.fd());
      while (interruptions == before) std::this_thread::yield();
    }
  }
  reader.join();
  ASSERT_EQ(count, static_cast<std::ptrdiff_t>(sent.size()));
  received.resize(sent.size());
  EXPECT_EQ(received, sent);
}

TEST(Files, AKeyThatArrivesInPiecesIsRead) {
  const TemporaryFolder folder;
  const auto path = folder.file("key");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  std::thread writer([&] {
    const Descriptor to(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    ASSERT_TRUE(write_all(to.fd(), std::string(20, 'a')));
    await_empty(to.fd());
    ASSERT_TRUE(write_all(to.fd(), std::string(44, 'b') + "\n"));
  });
  const auto key = read_key_file(path);
  writer.join();
  ASSERT_TRUE(key) << key.error().messages.front();
  EXPECT_EQ(key->current.front(), 0xAA);
  EXPECT_EQ(key->current.back(), 0xBB);
}

TEST(Files, AFileThatCannotBeReplacedWholeStaysAsItWas) {
  const TemporaryFolder folder;
  const auto path = folder.file("file");
  write_file(path, "old");
  bool replaced = true;
  std::string why;
  {
    const testing::FileSizeLimit limit(1000);
    replaced = replace_file(path, pattern(5000), 0600);
    why = system_message();
  }
  EXPECT_FALSE(replaced);
  EXPECT_NE(why, "");
  EXPECT_EQ(read_file(path), "old");
  EXPECT_FALSE(std::filesystem::exists(path + ".new"));
  EXPECT_TRUE(replace_file(path, pattern(5000), 0600));
  EXPECT_EQ(read_file(path), pattern(5000));
}

// Without a descriptor nothing can be opened, and nothing is half done.
TEST(Files, WithoutADescriptorEverythingStaysAsItWas) {
  const TemporaryFolder folder;
  const auto path = folder.file("file");
  ASSERT_TRUE(replace_file(path, "old", 0600));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const bool replaced = replace_file(path, "new", 0600);
  const auto why = system_message();
  const auto key = read_key_file(path);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_FALSE(replaced);
  EXPECT_EQ(why, std::error_code(EMFILE, std::generic_category()).message());
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().messages.front().find(why), std::string::npos) << key.error().messages.front();
  EXPECT_EQ(read_file(path), "old");
}

TEST(Files, AFileIsReadWholeOrNotAtAll) {
  const TemporaryFolder folder;
  const auto path = folder.file("file");
  for (const std::size_t size : {0U, 1U, 65535U, 65536U, 65537U, 300'000U}) {
    write_file(path, pattern(size));
    EXPECT_EQ(read_whole_file(path), pattern(size)) << size;
  }
  EXPECT_EQ(read_whole_file(folder.file("missing")), std::nullopt);
  EXPECT_EQ(read_whole_file(folder.path().string()), std::nullopt) << "a folder opens, and every read fails";
  EXPECT_EQ(read_whole_file("/proc/self/mem"), std::nullopt) << "its first byte cannot be read";
}

TEST(Files, FoldersAreMadeWithThoseAboveThem) {
  const TemporaryFolder folder;
  EXPECT_FALSE(make_folders(folder.file("a/b/c")));
  EXPECT_TRUE(std::filesystem::is_directory(folder.file("a/b/c")));
  EXPECT_FALSE(make_folders(folder.file("a/b/c"))) << "it is there already";
  EXPECT_FALSE(make_folders(folder.file("a/d/")));
  EXPECT_TRUE(std::filesystem::is_directory(folder.file("a/d")));
  write_file(folder.file("a/file"), "");
  EXPECT_TRUE(make_folders(folder.file("a/file")));
  EXPECT_TRUE(make_folders(folder.file("a/file/e")));
}

TEST(Files, AFolderIsRenamedOrStaysWhereItWas) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder.file("old/inside"));
  ASSERT_TRUE(rename_durably(folder.file("old"), folder.file("new")));
  EXPECT_TRUE(std::filesystem::exists(folder.file("new/inside")));
  EXPECT_FALSE(rename_durably(folder.file("old"), folder.file("newer")));
  std::filesystem::create_directories(folder.file("full/of things"));
  EXPECT_FALSE(rename_durably(folder.file("new"), folder.file("full")));
  EXPECT_TRUE(std::filesystem::exists(folder.file("new/inside")));
}

}  // namespace
}  // namespace mintmark::files_test
