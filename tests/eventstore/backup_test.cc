#include "eventstore/backup.h"

#include <filesystem>
#include <future>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/eventstore/backup_fixture.h"
#include "tests/support/log_tables.h"
#include "tests/support/long_form.h"

namespace mintmark::testing::backup_test {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
namespace fs = std::filesystem;

class Backup : public BackupFixture {};

TEST_F(Backup, RestoresTheSameLog) {
  for (std::uint64_t i = 1; i <= 40; ++i) append(i);
  const auto report = back_up();
  EXPECT_EQ(report.head, 120U);
  EXPECT_EQ(report.events, 120U);
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().messages.front();
  EXPECT_EQ(restored->root, log->tree().root());

  const auto verified = RocksDbLog::verify_stopped(target(), no_progress);
  ASSERT_TRUE(verified);
  EXPECT_EQ(verified->problem, "");
  EXPECT_EQ(verified->root, log->tree().root());
  const auto other = RocksDbLog::open(target());
  ASSERT_TRUE(other);
  EXPECT_EQ((*other)->log_id(), log->log_id());
  EXPECT_TRUE(stored_bytes(**other) == stored_bytes(*log));
  EXPECT_EQ((*other)->read_vault_after("", 1000), log->read_vault_after("", 1000));
  // Both go on alike: retries find what was stored, streams their versions, and new work its place.
  for (auto* each : {log.get(), other->get()}) {
    auto retry = append_request("stream-7", 0, 999, 2);
    retry.idempotency_key = idempotency_key("stream-7", "stream-7");
    EXPECT_EQ(append_and_wait(*each, std::move(retry)), (Committed{19, 21, true}));
    EXPECT_EQ(append_and_wait(*each, append_request("x", 0, 70)), (Committed{19, 21, true}))
        << "by its first event's id";
    EXPECT_EQ(append_and_wait(*each, append_request("stream-7", 1, 998)).error().actual_version, 2U);
    EXPECT_EQ(append_and_wait(*each, append_request("stream-7", 2, 998)), (Committed{121, 121, false}));
  }
  EXPECT_EQ((*other)->tree().root(), log->tree().root());
}

TEST_F(Backup, AddsWhatIsNewAndLeavesWhatIsThere) {
  append(1);
  back_up();
  const auto before = contents_of(events);
  EXPECT_EQ(back_up().events, 0U);
  EXPECT_EQ(contents_of(events), before) << "nothing new, nothing written";
  append(2);
  append(3);
  const auto report = back_up();
  EXPECT_EQ(report.events, 6U);
  EXPECT_EQ(report.segments, 1U);
  const auto after = contents_of(events);
  EXPECT_EQ(after.size(), 2U);
  for (const auto& [name, bytes] : before) EXPECT_EQ(after.at(name), bytes);
  ASSERT_TRUE(restore());
}

TEST_F(Backup, OfALogWithoutEventsHoldsNothing) {
  EXPECT_EQ(back_up().head, 0U);
  EXPECT_THAT(restore_refusal(), HasSubstr("there is no segment in it"));
}

// Twenty megabytes: more than a segment.
void append_much(RocksDbLog& log) {
  for (std::uint64_t i = 1; i <= 10; ++i) {
    auto request = append_request("large-" + std::to_string(i), 0, 10 * i, 2);
    for (auto& event : request.streams.front().events)
      event.event.mutable_account_opened()->set_name(std::string(1'000'000, 'x'));
    ASSERT_TRUE(append_and_wait(log, std::move(request)));
  }
}

TEST_F(Backup, SplitsWhatIsLargeIntoSegments) {
  append_much(*log);
  EXPECT_EQ(back_up().segments, 2U);
  const auto restored = restore();
  ASSERT_TRUE(restored) << restored.error().messages.front();
  EXPECT_EQ(restored->root, log->tree().root());
}

TEST_F(Backup, TakesNothingOfALogWhoseEventsWereChanged) {
  append_much(*log);
  log.reset();
  {
    LogTables tables(folder.path());
    Recorded recorded;
    ASSERT_TRUE(recorded.ParseFromString(tables.get("events", number_key(2))));
    recorded.mutable_event()->mutable_account_opened()->set_name("Another company");
    tables.put("events", number_key(2), recorded.SerializeAsString());
  }
  log = folder.open();
  const auto refused = backup_events(*log, events);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().messages.front(), HasSubstr("the log does not continue it"));
  EXPECT_FALSE(check_backup(events)) << "no segment was named";
}

TEST_F(Backup, RunsBesideWritersAndIsAPrefixOfTheLog) {
  append(1);
  std::vector<std::future<AppendResult>> answers;
  for (std::uint64_t i = 2; i <= 400; ++i) {
    answers.push_back(start_append(*log, append_request("s-" + std::to_string(i), 0, 10 * i, 3)));
    if (i % 100 == 0) back_up();
  }
  for (auto& answer : answers) EXPECT_TRUE(answer.get());
  const auto report = back_up();
  EXPECT_EQ(report.head, log->head());
  EXPECT_EQ(report.root, log->tree().root());
  ASSERT_TRUE(restore());
}

// FLIP_STRIDE=1 flips one in every byte.
TEST_F(Backup, WithAFlippedBitAnywhereIsRefusedAndLeavesNoLog) {
  const auto stride = number_from_environment("FLIP_STRIDE", 67);
  append(1);
  back_up();
  append(2);
  back_up();
  std::vector<std::string> files = {vault};
  for (const auto& [name, bytes] : contents_of(events)) files.push_back((fs::path(events) / name).string());
  ASSERT_EQ(files.size(), 3U);
  for (const auto& file : files) {
    const auto whole = read_file(file);
    for (std::size_t offset = 0; offset < whole.size(); offset += stride) {
      auto flipped = whole;
      flipped[offset] = static_cast<char>(flipped[offset] ^ (1 << (offset % 8)));
      write_file(file, flipped);
      EXPECT_THAT(restore_refusal(), HasSubstr(file)) << offset;
    }
    write_file(file, whole.substr(0, whole.size() - 1));
    EXPECT_THAT(restore_refusal(), HasSubstr(file));
    write_file(file, whole);
  }
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(Backup, WithoutOneOfItsSegmentsIsRefused) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    append(i);
    back_up();
  }
  const auto middle = events + "/events-00000000000000000004-00000000000000000006";
  const auto bytes = read_file(middle);
  fs::remove(middle);
  EXPECT_THAT(restore_refusal(), HasSubstr("from position 4 on is missing"));
  EXPECT_FALSE(backup_events(*log, events));
  write_file(middle, bytes);
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(Backup, GoesOnAfterARunThatWasCutShort) {
  append(1);
  back_up();
  append(2);
  const auto unfinished = events + "/events-00000000000000000004-00000000000000000005.new";
  write_file(unfinished, "half a segment, which the next run ends elsewhere");
  EXPECT_EQ(back_up().events, 3U);
  EXPECT_FALSE(std::filesystem::exists(unfinished));
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(Backup, RefusesALogThatIsNotItsOwn) {
  append(1);
  back_up();
  LogFolder stranger(2);
  const auto strange = stranger.open();
  LogFolder::append_some(*strange, 9);
  EXPECT_THAT(backup_events(*strange, events).error().messages.front(), HasSubstr("another log"));
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(Backup, RefusesALogThatWasRolledBack) {
  append(1);
  log.reset();
  LogFolder earlier;
  earlier.become_copy_of(folder);
  log = folder.open();
  append(2);
  back_up();
  const auto files = contents_of(events);
  log.reset();
  folder.become_copy_of(earlier);
  log = folder.open();
  const auto shorter = backup_events(*log, events);
  ASSERT_FALSE(shorter);
  EXPECT_EQ(shorter.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(shorter.error().messages.front(), ContainsRegex("reaches position 6, but the log ends at 3"));
  append(3);
  append(4);
  EXPECT_THAT(backup_events(*log, events).error().messages.front(),
              HasSubstr("the log does not begin with its 6 events"));
  EXPECT_EQ(contents_of(events), files);
}

TEST_F(Backup, NeverOverwritesALog) {
  append(1);
  back_up();
  ASSERT_TRUE(restore());
  const auto before = contents_of(target().path);
  EXPECT_FALSE(restore_log(target(), events, vault, no_progress));
  EXPECT_EQ(contents_of(target().path), before);
}

TEST_F(Backup, BringsNoDestroyedKeyBack) {
  append(1);
  auto request = append_request("token-1", 0, 50);
  request.vault_writes.push_back({"token-1", "wrapped key of token-1"});
  ASSERT_TRUE(append_and_wait(*log, std::move(request)));
  back_up();
  const auto older_vault = read_file(vault);
  AppendRequest deletion = append_request("token-1", 1, 60);
  deletion.streams.front().events.front().event.mutable_token_deleted();
  deletion.vault_writes.push_back({"token-1", ""});
  ASSERT_TRUE(append_and_wait(*log, std::move(deletion)));
  back_up();
  EXPECT_EQ(read_file(vault).find("wrapped key of token-1"), std::string::npos)
      << "the backup of the vault forgets with it";
  for (const auto& [name, bytes] : contents_of(events))
    EXPECT_EQ(bytes.find("wrapped key"), std::string::npos) << "no key of the vault is in the events' backup";

  write_file(vault, older_vault);
  ASSERT_TRUE(restore());
  const auto other = RocksDbLog::open(target());
  ASSERT_TRUE(other);
  EXPECT_EQ((*other)->read_vault("token-1"), std::nullopt);
  EXPECT_EQ((*other)->read_vault("stream-1"), "wrapped key of stream-1");
}

TEST_F(Backup, SaysWhereItCannotBeWritten) {
  append(1);
  write_file(work.file("a file"), "");
  EXPECT_THAT(backup_events(*log, work.file("a file")).error().messages.front(), HasSubstr("a file"));
  EXPECT_THAT(backup_vault(*log, work.file("missing/vault")).error().messages.front(),
              HasSubstr("missing/vault"));
}

}  // namespace
}  // namespace mintmark::testing::backup_test
