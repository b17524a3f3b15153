#include "eventstore/key_file.h"

#include <filesystem>
#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/file_size_limit.h"
#include "tests/support/log_folder.h"
#include "tests/support/scripted_random.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::testing::key_file_test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class KeyFile : public ::testing::Test {
 protected:
  void write(const std::string& text) {
    write_file(path, text);
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write);
  }
  std::string refusal() {
    const auto key = read_key_file(path);
    EXPECT_FALSE(key);
    return key ? "" : key.error().messages.front();
  }

  TemporaryFolder folder;
  const std::string path = folder.file("kek");
  SeededRandom random{1};
};

TEST_F(KeyFile, ReadsTheKeyThatWasMade) {
  const auto made = create_key_file(path, random);
  ASSERT_TRUE(made);
  const auto read = read_key_file(path);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->current, *made);
  EXPECT_FALSE(read->previous);
  EXPECT_NE(*made, KeyEncryptionKey{});
}

TEST_F(KeyFile, IsSixtyFourHexCharactersAndANewlineForItsOwnerAlone) {
  ASSERT_TRUE(create_key_file(path, random));
  const auto text = read_file(path);
  ASSERT_EQ(text.size(), 65U);
  EXPECT_EQ(text.back(), '\n');
  EXPECT_EQ(text.find_first_not_of("0123456789abcdef"), 64U);
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST_F(KeyFile, IsNeverReplaced) {
  ASSERT_TRUE(create_key_file(path, random));
  const auto text = read_file(path);
  const auto again = create_key_file(path, random);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(again.error().messages.front(), HasSubstr("File exists"));
  EXPECT_EQ(read_file(path), text);
}

TEST_F(KeyFile, CanBeNamedWithoutAFolder) {
  const auto before = fs::current_path();
  fs::current_path(folder.path());
  const auto made = create_key_file("kek", random);
  fs::current_path(before);
  EXPECT_TRUE(made) << made.error().messages.front();
  EXPECT_TRUE(read_key_file(path));
}

TEST_F(KeyFile, IsNotMadeWhereItsFolderIsMissing) {
  EXPECT_FALSE(create_key_file(folder.file("missing/kek"), random));
}

TEST_F(KeyFile, ThatIsMissingIsRefusedWithItsName) {
  EXPECT_THAT(refusal(), HasSubstr(path));
  EXPECT_THAT(refusal(), HasSubstr("No such file"));
}

TEST_F(KeyFile, ThatOthersMayReadOrWriteIsRefused) {
  ASSERT_TRUE(create_key_file(path, random));
  for (const auto extra : {fs::perms::group_read, fs::perms::group_write, fs::perms::group_exec,
                           fs::perms::others_read, fs::perms::others_write, fs::perms::others_exec}) {
    fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write | extra);
    EXPECT_THAT(refusal(), HasSubstr("chmod 600"));
  }
  fs::permissions(path, fs::perms::owner_read);
  EXPECT_TRUE(read_key_file(path));
}

TEST_F(KeyFile, OfAnyOtherFormIsRefusedWithoutShowingIt) {
  const std::string hex(64, 'a');
  for (const auto& text : {std::string(), std::string("\n"), hex, hex + "\n\n", hex + " \n", hex + "\r\n",
                           hex.substr(1) + "\n", hex.substr(2) + "\n", hex + "a\n", hex + "aa\n", hex + "x",
                           std::string(64, 'g') + "\n", " " + hex.substr(1) + "\n", std::string(65, '\0'),
                           hex.substr(0, 63) + "-\n", std::string(100'000, 'a'), hex + "\n" + hex,
                           hex + "\n" + hex.substr(1) + "g\n", hex + "\n" + hex + "\n" + hex + "\n"}) {
    write(text);
    const auto message = refusal();
    EXPECT_THAT(message, HasSubstr("64 hex characters and a newline")) << text.substr(0, 70);
    EXPECT_EQ(message.find("aaaaaaaa"), std::string::npos);
  }
  write(hex + "\n");
  EXPECT_TRUE(read_key_file(path));
}

TEST_F(KeyFile, HoldsTwoKeysWhileTheyAreRotated) {
  const auto first = create_key_file(path, random);
  ASSERT_TRUE(first);
  KeyEncryptionKey second{};
  second.fill(2);
  ASSERT_TRUE(replace_key_file(path, {second, *first}));
  auto read = read_key_file(path);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->current, second);
  EXPECT_EQ(read->previous, *first);
  EXPECT_EQ(fs::status(path).permissions(), fs::perms::owner_read | fs::perms::owner_write);
  write_file(path + ".new", "what a killed rotation left");
  ASSERT_TRUE(replace_key_file(path, {second}));
  read = read_key_file(path);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->current, second);
  EXPECT_FALSE(read->previous);
  EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(KeyFile, StaysAsItIsWhereItCannotBeReplaced) {
  KeyEncryptionKey key{};
  const auto missing = folder.file("missing/kek");
  const auto replaced = replace_key_file(missing, {key});
  ASSERT_FALSE(replaced);
  EXPECT_THAT(replaced.error().messages.front(), HasSubstr("No such file"));
  fs::create_directories(path + "/in the way");
  EXPECT_FALSE(replace_key_file(path, {key}));
  EXPECT_TRUE(fs::exists(path + "/in the way"));
  EXPECT_FALSE(fs::exists(path + ".new")) << "a key that nothing uses";
}

TEST_F(KeyFile, IsMadeBesideWhatAKilledMakingLeft) {
  write_file(path + ".new", "");
  const auto made = create_key_file(path, random);
  ASSERT_TRUE(made) << made.error().messages.front();
  EXPECT_EQ(read_key_file(path)->current, *made);
  EXPECT_FALSE(fs::exists(path + ".new"));
}

TEST_F(KeyFile, HasItsNameOnlyOnceItIsWhole) {
  const auto make_limited = [&] {
    const FileSizeLimit limit(10);
    return create_key_file(path, random);
  };
  EXPECT_FALSE(make_limited());
  EXPECT_TRUE(fs::is_empty(folder.path()));
  EXPECT_TRUE(create_key_file(path, random));
}

}  // namespace
}  // namespace mintmark::testing::key_file_test
