#include "eventstore/tree_head.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "eventstore/files.h"
#include "eventstore/tree_head_journal.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing::tree_head_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

SigningSeed seed_of(std::uint8_t byte) {
  SigningSeed seed{};
  seed.fill(byte);
  return seed;
}

MerkleTree tree_of(std::size_t size) {
  MerkleTree tree;
  for (std::size_t i = 0; i < size; ++i) tree.append(std::to_string(i));
  return tree;
}

class TreeHeads : public ::testing::Test {
 protected:
  std::string note(std::size_t size) const { return sign_tree_head(signer, tree_of(size).head()); }
  struct Read {
    std::vector<TreeHead> heads;
    std::string problem;
    ErrorKind kind;
    std::string note;
  };
  Read read(const std::string& path) const {
    std::vector<TreeHead> heads;
    auto [problem, kind, note] = TreeHeadReader(path, signer.verifier()).read([&heads](const TreeHead& head) {
      heads.push_back(head);
      return true;
    });
    return {std::move(heads), std::move(problem), kind, std::move(note)};
  }
  // Of two files.
  Result<Read> read(const std::string& path, const std::string& further) const {
    TreeHeadReader own(path, signer.verifier());
    std::vector<TreeHead> heads;
    const auto found = read_tree_heads(own, further, [&heads](const TreeHead& head) {
      heads.push_back(head);
      return true;
    });
    if (!found) return std::unexpected(found.error());
    return Read{std::move(heads), found->problem, found->kind, found->note};
  }
  std::string refusal() const { return read(file.path()).problem; }

  NoteSigner signer{tree_head_origin(event_id(1)), seed_of(1)};
  TemporaryFolder folder;
  TreeHeadFile file{folder.file("tree-heads")};
};

TEST_F(TreeHeads, HaveTheFormOfCheckpoints) {
  const auto text = note(5);
  EXPECT_THAT(text, ::testing::StartsWith("mintmark/00000000-0000-7000-0000-000000000001\n5\n"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 5);
  EXPECT_EQ(open_tree_head(signer.verifier(), text), tree_of(5).head());
  EXPECT_EQ(open_tree_head(signer.verifier(), note(0)), tree_of(0).head());
}

TEST_F(TreeHeads, OfAnotherLogOrFormAreNoneOfOurs) {
  const NoteSigner other(tree_head_origin(event_id(2)), seed_of(1));
  EXPECT_FALSE(open_tree_head(signer.verifier(), sign_tree_head(other, tree_of(5).head())));
  const auto signed_as_ours = [&](const std::string& text) {
    return open_tree_head(signer.verifier(), signer.sign(text)).has_value();
  };
  const auto name = signer.verifier().name();
  const auto root = base64(std::string(32, 'r'));
  EXPECT_TRUE(signed_as_ours(name + "\n5\n" + root + "\n"));
  EXPECT_TRUE(signed_as_ours(name + "\n5\n" + root + "\nan extension\n"));
  EXPECT_FALSE(signed_as_ours("another origin\n5\n" + root + "\n"));
  EXPECT_FALSE(signed_as_ours(name + "\n05\n" + root + "\n"));
  EXPECT_FALSE(signed_as_ours(name + "\n-5\n" + root + "\n"));
  EXPECT_FALSE(signed_as_ours(name + "\n5 \n" + root + "\n"));
  EXPECT_FALSE(signed_as_ours(name + "\n5\n" + base64(std::string(31, 'r')) + "\n"));
  EXPECT_FALSE(signed_as_ours(name + "\n5\n"));
}

TEST_F(TreeHeads, AreReadInTheOrderThatTheyWereAppendedIn) {
  EXPECT_THAT(read(file.path()).heads, IsEmpty()) << "no file is no head";
  for (const std::size_t size : {0U, 3U, 7U}) ASSERT_TRUE(file.append(note(size)));
  EXPECT_THAT(read(file.path()).heads, ElementsAre(tree_of(0).head(), tree_of(3).head(), tree_of(7).head()));
}

TEST_F(TreeHeads, SurviveAnAppendThatWasCutShort) {
  ASSERT_TRUE(file.append(note(3)));
  const auto first = read_file(file.path());
  ASSERT_TRUE(file.append(note(5)));
  const auto both = read_file(file.path());
  for (auto length = first.size(); length < both.size(); ++length) {
    write_file(file.path(), both.substr(0, length));
    EXPECT_THAT(read(file.path()).heads, ElementsAre(tree_of(3).head())) << length;
    ASSERT_TRUE(file.append(note(7)));
    EXPECT_THAT(read(file.path()).heads, ElementsAre(tree_of(3).head(), tree_of(7).head())) << length;
  }
}

TEST_F(TreeHeads, NameTheLineOfOneThatWasTamperedWith) {
  ASSERT_TRUE(file.append(note(3)));
  const auto lines = std::ranges::count(read_file(file.path()), '\n');
  ASSERT_TRUE(file.append(note(5)));
  auto bytes = read_file(file.path());
  bytes[bytes.rfind("\n5\n") + 1] = '4';
  write_file(file.path(), bytes);
  EXPECT_THAT(refusal(), HasSubstr("the one at line " + std::to_string(lines + 1) + " was not signed by "));
}

TEST_F(TreeHeads, ThatAreValidAreReadWhateverStandsBetweenThem) {
  for (const std::string garbage : {"x\n", "x\n\n", "\n", "\n\n", "x\n\ny\n\nz\n\n", "x"}) {
    SCOPED_TRACE(garbage);
    for (std::size_t place = 0; place < 3; ++place) {
      std::string bytes;
      for (std::size_t i = 0; i < 3; ++i) {
        if (i == place) bytes += garbage.back() == '\n' ? garbage : garbage + "\n";
        bytes += note(3 + i) + "\n";
      }
      write_file(file.path(), bytes);
      const auto found = read(file.path());
      EXPECT_THAT(found.heads, ElementsAre(tree_of(3).head(), tree_of(4).head(), tree_of(5).head())) << place;
      EXPECT_THAT(found.problem, HasSubstr("was not signed by ")) << place;
      EXPECT_EQ(found.kind, ErrorKind::kInvalid);
    }
  }
}

TEST_F(TreeHeads, AreNeverTakenAwayByAnAppend) {
  for (const std::string garbage : {"x", "x\n", "x\n\n", "x\n\ny", "\n"}) {
    for (const bool in_front : {true, false}) {
      SCOPED_TRACE(garbage + (in_front ? " in front" : " behind"));
      write_file(file.path(), in_front ? garbage + "\n" + note(3) + "\n" : note(3) + "\n" + garbage);
      const auto before = read_file(file.path());
      ASSERT_TRUE(file.append(note(5)));
      EXPECT_TRUE(read_file(file.path()).starts_with(before));
      EXPECT_THAT(read(file.path()).heads, ElementsAre(tree_of(3).head(), tree_of(5).head()));
    }
  }
}

TEST_F(TreeHeads, ThatCannotBeReadAreNotTakenForNone) {
  write_file(folder.file("a file"), "");
  for (const auto& [path, why] : {std::pair(folder.path().string(), "Is a directory"),
                                  std::pair(folder.file("a file/tree-heads"), "Not a directory")}) {
    const auto found = read(path);
    EXPECT_THAT(found.problem, HasSubstr(why));
    EXPECT_EQ(found.kind, ErrorKind::kUnavailable);
    const auto heads = read(path, "");
    ASSERT_FALSE(heads);
    EXPECT_EQ(heads.error().kind, ErrorKind::kUnavailable);
    EXPECT_FALSE(read(file.path(), path));
  }
}

TEST_F(TreeHeads, OfTwoFilesAreReadTogetherWhateverStandsInOneOfThem) {
  ASSERT_TRUE(file.append(note(3)));
  EXPECT_THAT(read(file.path(), file.path())->heads, ElementsAre(tree_of(3).head()))
      << "the same file is not two";
  const auto further = folder.file("further");
  EXPECT_THAT(read(file.path(), further).error().messages.front(), HasSubstr("There is no file "));
  write_file(further, "a line of nobody's\n\n" + note(5) + "\n");
  for (const auto& [first, second] : {std::pair(file.path(), further), std::pair(further, file.path())}) {
    const auto both = read(first, second);
    ASSERT_TRUE(both);
    EXPECT_THAT(both->heads, ::testing::UnorderedElementsAre(tree_of(3).head(), tree_of(5).head()));
    EXPECT_THAT(both->problem, HasSubstr("further cannot be used: the one at line 1 was not signed by "));
  }
}

TEST_F(TreeHeads, BeginWithAnEmptyFileThatIsLeftAloneOnceThereIsOne) {
  ASSERT_TRUE(file.begin());
  EXPECT_EQ(read_file(file.path()), "");
  EXPECT_EQ(refusal(), "");
  ASSERT_TRUE(file.append(note(3)));
  ASSERT_TRUE(file.begin());
  EXPECT_THAT(read(file.path()).heads, ElementsAre(tree_of(3).head()));
  EXPECT_FALSE(TreeHeadFile(folder.file("missing/tree-heads")).begin());
}

TEST_F(TreeHeads, AreCheckedWithAKeyOfTheirOwnLogAlone) {
  EXPECT_TRUE(check_tree_head_key(signer.verifier(), event_id(1)));
  const auto foreign = check_tree_head_key(signer.verifier(), event_id(2));
  ASSERT_FALSE(foreign);
  EXPECT_EQ(foreign.error().kind, ErrorKind::kInvalid);
}

TEST_F(TreeHeads, CannotBeKeptWhereNothingCanBeWritten) {
  TreeHeadFile nowhere(folder.file("missing/tree-heads"));
  const auto appended = nowhere.append(note(3));
  ASSERT_FALSE(appended);
  EXPECT_THAT(appended.error().messages.front(), HasSubstr("missing/tree-heads"));
}

// In many parts, with garbage between that is longer than each.
TEST_F(TreeHeads, AreAllReadFromALongFile) {
  std::string bytes;
  std::vector<TreeHead> heads;
  for (std::size_t size = 1; size < 500; ++size) {
    heads.push_back({size, TreeHash{1}});
    bytes += sign_tree_head(signer, heads.back()) + "\n";
    if (size % 100 == 0) bytes += std::string(size * 300, size % 200 == 0 ? 'x' : '\n') + "\n";
  }
  write_file(file.path(), bytes);
  const auto found = read(file.path());
  EXPECT_TRUE(found.heads == heads);
  EXPECT_THAT(found.problem, HasSubstr("the one at line 601 was not signed by ")) << "behind 100 of 6 lines";
}

TEST_F(TreeHeads, AreToldUntilNoMoreAreWanted) {
  for (const std::size_t size : {1U, 2U, 3U}) ASSERT_TRUE(file.append(note(size)));
  std::vector<Position> told;
  TreeHeadReader(file.path(), signer.verifier()).read([&](const TreeHead& head) {
    told.push_back(head.size);
    return head.size < 2;
  });
  EXPECT_THAT(told, ElementsAre(1, 2));
}

TEST_F(TreeHeads, ThatAreAppendedMeanwhileAreNotRead) {
  ASSERT_TRUE(file.append(note(1)));
  std::vector<Position> told;
  const auto found = TreeHeadReader(file.path(), signer.verifier()).read([&](const TreeHead& head) {
    told.push_back(head.size);
    EXPECT_TRUE(file.append(note(2)));
    return true;
  });
  EXPECT_THAT(told, ElementsAre(1));
  EXPECT_EQ(found.problem, "");
}

TEST_F(TreeHeads, InAPipeAreNotTakenForNone) {
  const auto path = folder.file("pipe");
  ASSERT_EQ(::mkfifo(path.c_str(), 0600), 0);
  const Descriptor both(::open(path.c_str(), O_RDWR | O_CLOEXEC));  // or opening it to read waits
  EXPECT_THAT(read(path).problem, HasSubstr("cannot be used: Illegal seek"));
}

// A file that may only be appended to cannot be cut, as one that is sealed against that.
class TreeHeadsThatOnlyGrow : public TreeHeads {
 protected:
  void begin_with(const std::string& bytes) {
    sealed = std::make_unique<Descriptor>(::memfd_create("tree-heads", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    ASSERT_TRUE(write_all(sealed->fd(), bytes));
    ASSERT_EQ(::fcntl(sealed->fd(), F_ADD_SEALS, F_SEAL_SHRINK), 0);
    file = TreeHeadFile("/proc/self/fd/" + std::to_string(sealed->fd()));
  }

  std::unique_ptr<Descriptor> sealed;
};

TEST_F(TreeHeadsThatOnlyGrow, GoOnBehindAnAppendThatWasCutShortAndTellOfIt) {
  const auto first = note(3) + "\n";
  const auto second = note(5) + "\n";
  for (std::size_t length = 0; length < second.size(); ++length) {
    SCOPED_TRACE(length);
    begin_with(first + second.substr(0, length));
    ASSERT_TRUE(file.append(note(7)));
    EXPECT_EQ(file.loss(), "");
    ASSERT_TRUE(file.append(note(8)));
    const auto found = read(file.path());
    std::vector<TreeHead> heads{tree_of(3).head(), tree_of(7).head(), tree_of(8).head()};
    // All of it but what ends it.
    const bool is_whole = length + 2 >= second.size();
    if (is_whole) heads.insert(heads.begin() + 1, tree_of(5).head());
    EXPECT_EQ(found.heads, heads);
    EXPECT_EQ(found.problem, "");
    if (length == 0 || is_whole) {
      EXPECT_EQ(found.note, "");
    } else {
      EXPECT_THAT(found.note, HasSubstr("the tree head at line 7 of /proc/self/fd/"));
    }
  }
}

TEST_F(TreeHeadsThatOnlyGrow, AreNotCutShortWhereTheyWereChanged) {
  const auto whole = note(5);
  const auto last_line = whole.rfind("\n\n") + 2;
  const std::vector<std::string> changed{
      whole.substr(0, whole.size() - 5) + "AAA=\n",  // another signature of the right length
      whole.substr(0, last_line) + "x\n",
      whole.substr(0, last_line - 10) + "?\n",
      whole.substr(0, last_line) + whole.substr(last_line, 20) + "\nmore\n",
      "x" + whole.substr(0, 20),
  };
  for (const auto& bytes : changed) {
    SCOPED_TRACE(bytes);
    write_file(file.path(), bytes + "\n" + note(7) + "\n");
    const auto found = read(file.path());
    EXPECT_THAT(found.heads, ElementsAre(tree_of(7).head()));
    EXPECT_THAT(found.problem, HasSubstr("the one at line 1 was not signed by "));
  }
}

}  // namespace
}  // namespace mintmark::testing::tree_head_test
