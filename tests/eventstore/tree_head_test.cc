#include "eventstore/tree_head.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <stop_token>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
  std::string refusal() const { return file.read(signer.verifier()).problem; }

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
  EXPECT_THAT(file.read(signer.verifier()).heads, IsEmpty()) << "no file is no head";
  for (const std::size_t size : {0U, 3U, 7U}) ASSERT_TRUE(file.append(note(size)));
  EXPECT_THAT(file.read(signer.verifier()).heads,
              ElementsAre(tree_of(0).head(), tree_of(3).head(), tree_of(7).head()));
}

TEST_F(TreeHeads, SurviveAnAppendThatWasCutShort) {
  ASSERT_TRUE(file.append(note(3)));
  const auto first = read_file(file.path());
  ASSERT_TRUE(file.append(note(5)));
  const auto both = read_file(file.path());
  for (auto length = first.size(); length < both.size(); ++length) {
    write_file(file.path(), both.substr(0, length));
    EXPECT_THAT(file.read(signer.verifier()).heads, ElementsAre(tree_of(3).head())) << length;
    ASSERT_TRUE(file.append(note(7)));
    EXPECT_THAT(file.read(signer.verifier()).heads, ElementsAre(tree_of(3).head(), tree_of(7).head()))
        << length;
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
      const auto read = file.read(signer.verifier());
      EXPECT_THAT(read.heads, ElementsAre(tree_of(3).head(), tree_of(4).head(), tree_of(5).head())) << place;
      EXPECT_THAT(read.problem, HasSubstr("was not signed by ")) << place;
      EXPECT_EQ(read.kind, ErrorKind::kInvalid);
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
      EXPECT_THAT(file.read(signer.verifier()).heads, ElementsAre(tree_of(3).head(), tree_of(5).head()));
    }
  }
}

TEST_F(TreeHeads, ThatCannotBeReadAreNotTakenForNone) {
  write_file(folder.file("a file"), "");
  for (const auto& [path, why] : {std::pair(folder.path().string(), "Is a directory"),
                                  std::pair(folder.file("a file/tree-heads"), "Not a directory")}) {
    const auto read = TreeHeadFile(path).read(signer.verifier());
    EXPECT_THAT(read.problem, HasSubstr(why));
    EXPECT_EQ(read.kind, ErrorKind::kUnavailable);
    const auto heads = read_tree_heads(signer.verifier(), path, "");
    ASSERT_FALSE(heads);
    EXPECT_EQ(heads.error().kind, ErrorKind::kUnavailable);
    EXPECT_FALSE(read_tree_heads(signer.verifier(), file.path(), path));
  }
}

TEST_F(TreeHeads, OfTwoFilesAreReadTogetherWhateverStandsInOneOfThem) {
  ASSERT_TRUE(file.append(note(3)));
  EXPECT_THAT(read_tree_heads(signer.verifier(), file.path(), file.path())->heads,
              ElementsAre(tree_of(3).head()))
      << "the same file is not two";
  const auto further = folder.file("further");
  EXPECT_THAT(read_tree_heads(signer.verifier(), file.path(), further).error().messages.front(),
              HasSubstr("There is no file "));
  write_file(further, "a line of nobody's\n\n" + note(5) + "\n");
  for (const auto& [first, second] : {std::pair(file.path(), further), std::pair(further, file.path())}) {
    const auto both = read_tree_heads(signer.verifier(), first, second);
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
  EXPECT_THAT(file.read(signer.verifier()).heads, ElementsAre(tree_of(3).head()));
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

// What a log's tree heads prove about it.
class SignedLog : public ::testing::Test {
 protected:
  SignedLog() {
    const auto log = folder.open();
    heads.push_back(log->tree().head());
    for (int i = 0; i < 4; ++i) {
      LogFolder::append_some(*log, 3);
      heads.push_back(log->tree().head());
    }
  }
  std::string problem(std::vector<TreeHead> tree_heads) {
    VerifyOptions options;
    options.tree_heads = std::move(tree_heads);
    const auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
    EXPECT_TRUE(report);
    const auto log = folder.open();
    EXPECT_EQ(log->verify([](Position, Position) {}, options).problem, report->problem);
    return report->problem;
  }

  LogFolder folder;
  std::vector<TreeHead> heads;  // at positions 0, 3, 6, 9 and 12
};

TEST_F(SignedLog, BeginsWithAllOfItsHeads) {
  EXPECT_EQ(heads.back().size, 12U);
  EXPECT_EQ(problem(heads), "");
  std::ranges::reverse(heads);
  EXPECT_EQ(problem(heads), "") << "whatever their order";
}

TEST_F(SignedLog, IsFoundOutWhereAHeadWasAnother) {
  for (std::size_t i = 0; i < heads.size(); ++i) {
    auto other = heads;
    other[i].root[31] ^= 1;
    EXPECT_EQ(problem(other),
              "its root at position " + std::to_string(3 * i) + " is not that of a signed tree head");
  }
}

TEST_F(SignedLog, RolledBackToYesterdaysCopyIsFoundOut) {
  // A copy is whole and agrees with its own anchor: nothing in it can tell.
  LogFolder yesterday;
  yesterday.become_copy_of(folder);
  LogFolder::append_some(*folder.open(), 5);
  const auto today = folder.open()->tree().head();
  folder.become_copy_of(yesterday);
  EXPECT_EQ(folder.refusal(), "");
  EXPECT_EQ(problem(heads), "");
  EXPECT_EQ(problem({today}), "it ends at position 12, but a tree head of position 17 was signed");
  // Nor does it help to go on from there.
  LogFolder::append_some(*folder.open(), 1);
  for (std::uint64_t number = 100; number < 104; ++number) {
    ASSERT_TRUE(
        append_and_wait(*folder.open(), append_request("other-" + std::to_string(number), 0, number)));
  }
  EXPECT_EQ(problem({today}), "its root at position 17 is not that of a signed tree head");
}

TEST_F(SignedLog, ThatWasRestoredIsHeldToWhatWasSignedUpToItsEnd) {
  LogFolder backup;
  backup.become_copy_of(folder);
  LogFolder::append_some(*folder.open(), 5);
  auto signed_heads = heads;
  signed_heads.push_back(folder.open()->tree().head());
  folder.become_copy_of(backup);
  VerifyOptions options{.tree_heads = signed_heads, .is_restored = true};
  auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
  ASSERT_TRUE(report);
  EXPECT_EQ(report->problem, "");
  EXPECT_EQ(report->tree_heads, heads.size());
  EXPECT_EQ(report->signed_and_lost, 5U);
  EXPECT_EQ(folder.open()->verify([](Position, Position) {}, options).signed_and_lost, 5U);
  options.tree_heads[2].root[31] ^= 1;
  report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
  EXPECT_EQ(report->problem, "its root at position 6 is not that of a signed tree head");
  options = {.tree_heads = heads, .is_restored = true};
  report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
  EXPECT_EQ(report->signed_and_lost, 0U);
}

TEST_F(SignedLog, PacedVerificationChecksTheSameAndStops) {
  auto wrong = heads;
  wrong[2].root[0] ^= 1;
  VerifyOptions options;
  options.events_per_second = 1'000'000;
  options.tree_heads = wrong;
  const auto log = folder.open();
  EXPECT_EQ(log->verify([](Position, Position) {}, options).problem,
            "its root at position 6 is not that of a signed tree head");
  options.tree_heads = heads;
  EXPECT_EQ(log->verify([](Position, Position) {}, options).problem, "");
  // At this pace it would take minutes.
  for (std::uint64_t i = 0; i < 40; ++i) {
    ASSERT_TRUE(append_and_wait(*log, append_request("many-" + std::to_string(i), 0, 1000 + 100 * i, 64)));
  }
  std::stop_source stop;
  options.events_per_second = 10;
  options.stop = stop.get_token();
  Position reached = 0;
  const std::jthread stopping([&stop] { stop.request_stop(); });
  EXPECT_EQ(log->verify([&](Position done, Position) { reached = done; }, options).problem, "");
  EXPECT_LT(reached, log->head());
}

TEST_F(SignedLog, PacedVerificationTakesItsTimeForFilesAndForEvents) {
  const auto log = folder.open();
  ASSERT_EQ(log->head(), 12U);
  VerifyOptions options;
  options.events_per_second = 120;
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(log->verify([](Position, Position) {}, options).problem, "");
  EXPECT_GE(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(200)) << "a tenth each";
}

}  // namespace
}  // namespace mintmark::testing::tree_head_test
