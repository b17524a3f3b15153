#include <filesystem>
#include <future>
#include <stop_token>
#include <string>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/file.h>

#include "eventstore/files.h"
#include "eventstore/rocksdb_options.h"
#include "tests/eventstore/backup_fixture.h"
#include "tests/support/file_size_limit.h"
#include "tests/support/small_disk.h"

// What stands in the way of a backup, and what it must not bring back.
namespace mintmark::testing::backup_fault_test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class BackupFault : public BackupFixture {};

// Every event that destroys the data key of its stream, as worker and api write them.
std::vector<Event> destroying_events() {
  std::vector<Event> events(4);
  events[0].mutable_token_deleted();
  events[1].mutable_user_erased();
  events[2].mutable_webhook_deleted();
  events[3].mutable_webhook_unsubscribed()->set_reason(WebhookUnsubscribed::TOKEN_DELETED);
  return events;
}

TEST_F(BackupFault, WhateverDestroyedAKeyDoesNotBringItBack) {
  const auto events_that_destroy = destroying_events();
  for (std::uint64_t i = 1; i <= events_that_destroy.size() + 1; ++i) append(i);
  back_up();
  const auto older_vault = read_file(vault);
  for (std::uint64_t i = 1; i <= events_that_destroy.size(); ++i) {
    const auto stream = "stream-" + std::to_string(i);
    auto deletion = append_request(stream, 2, 1000 + i);
    deletion.streams.front().events.front().event = events_that_destroy[i - 1];
    deletion.vault_writes.push_back({stream, ""});
    ASSERT_TRUE(append_and_wait(*log, std::move(deletion)));
  }
  // A subscription whose receiver is gone keeps its key: its account may read it still.
  auto gone = append_request("stream-5", 2, 1005);
  gone.streams.front().events.front().event.mutable_webhook_unsubscribed()->set_reason(
      WebhookUnsubscribed::GONE);
  ASSERT_TRUE(append_and_wait(*log, std::move(gone)));
  back_up();
  write_file(vault, older_vault);
  ASSERT_TRUE(restore());
  const auto other = RocksDbLog::open(target());
  ASSERT_TRUE(other);
  for (std::uint64_t i = 1; i <= events_that_destroy.size(); ++i)
    EXPECT_EQ((*other)->read_vault("stream-" + std::to_string(i)), std::nullopt) << i;
  EXPECT_EQ((*other)->read_vault("stream-5"), "wrapped key of stream-5");
}

TEST_F(BackupFault, ASecondOneAtATimeIsRefused) {
  append(1);
  back_up();
  append(2);
  const auto before = contents_of(events);
  {
    const Descriptor other(::open((events + "/lock").c_str(), O_RDWR | O_CLOEXEC));
    ASSERT_EQ(::flock(other.fd(), LOCK_EX | LOCK_NB), 0);
    const auto refused = backup_events(*log, events);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kConflict);
    EXPECT_THAT(refused.error().messages.front(), HasSubstr("Another backup is being made"));
    EXPECT_EQ(contents_of(events), before);
  }
  EXPECT_EQ(back_up().events, 3U);
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(BackupFault, ManyAtOnceLeaveAUsableFolder) {
  for (int round = 0; round < 8; ++round) {
    std::vector<std::future<bool>> runs;
    for (int i = 0; i < 4; ++i) {
      append(static_cast<std::uint64_t>(10 * round + i + 1));
      runs.push_back(
          std::async(std::launch::async, [this] { return backup_events(*log, events).has_value(); }));
    }
    std::size_t made = 0;
    for (auto& run : runs) made += run.get() ? 1U : 0U;
    EXPECT_GE(made, 1U);
  }
  back_up();
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(BackupFault, ABackupThatCannotBeFinishedLeavesTheOldOneAndNothingElse) {
  append(1);
  back_up();
  for (std::uint64_t i = 2; i <= 20; ++i) append(i);
  const auto segments_before = contents_of(events);
  const auto vault_before = read_file(vault);
  {
    const FileSizeLimit limit(400);
    EXPECT_FALSE(backup_events(*log, events));
    EXPECT_FALSE(backup_vault(*log, vault));
  }
  EXPECT_EQ(contents_of(events), segments_before);
  EXPECT_EQ(read_file(vault), vault_before);
  EXPECT_FALSE(fs::exists(vault + ".new"));
  back_up();
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(BackupFault, AVaultOfManyPiecesIsRestored) {
  // Rows that end on both sides of where the pieces meet.
  AppendRequest request = append_request("many", 0, 1);
  for (int i = 0; i < 3000; ++i)
    request.vault_writes.push_back(
        {fmt::format("subject-{:05}", i), std::string(100U + static_cast<std::size_t>(i) % 211, 'k')});
  request.vault_writes.push_back({"subject-large", std::string(700'000, 'l')});
  ASSERT_TRUE(append_and_wait(*log, std::move(request)));
  back_up();
  ASSERT_GT(fs::file_size(vault), 3U * 256 * 1024);
  ASSERT_TRUE(restore());
  const auto other = RocksDbLog::open(target());
  ASSERT_TRUE(other);
  EXPECT_TRUE((*other)->read_vault_after("", 10'000) == log->read_vault_after("", 10'000));
}

TEST_F(BackupFault, NothingIsRestoredWhereTheDiskHasNoRoomForIt) {
  append(1);
  back_up();
  const auto bytes = restore_bytes(events, vault);
  ASSERT_TRUE(bytes);
  auto options = target();
  options.free_disk_bytes = [&] { return *bytes - 1; };
  const auto refused = restore_log(options, events, vault, no_progress);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(refused.error().messages.front(), HasSubstr("MiB are free"));
  EXPECT_FALSE(fs::exists(target().path));
  options.free_disk_bytes = [&] { return *bytes; };
  EXPECT_TRUE(restore_log(options, events, vault, no_progress));
}

// Of events that are as small as any, and each append with an idempotency key.
TEST_F(BackupFault, ARestoreAsksForAsMuchDiskAsTheLogTakes) {
  for (std::uint64_t i = 0; i < 300; ++i) {
    auto request = append_request(fmt::format("token-SU-{:09}", i), 0, 1000 * i, 10);
    request.idempotency_key = idempotency_key(std::to_string(i), std::to_string(i));
    ASSERT_TRUE(append_and_wait(*log, std::move(request)));
  }
  back_up();
  ASSERT_TRUE(restore());
  std::uint64_t log_bytes = 0;
  for (const auto& [name, bytes] : contents_of(target().path)) log_bytes += bytes.size();
  const auto size = backup_size(events, vault);
  ASSERT_TRUE(size);
  EXPECT_EQ(size->events, 3000U);
  EXPECT_GT(log_bytes, size->bytes) << "or the backup's bytes would do";
  EXPECT_GE(restore_bytes(events, vault).value() - write_ahead_bytes_max, log_bytes);
}

TEST_F(BackupFault, ARestoreEndsWhereTheDiskFillsUpMeanwhile) {
  append(1);
  back_up();
  const SmallDisk disk(64UL * 1024 * 1024);
  auto options = target();
  options.path = disk.path() / "restored";
  options.free_disk_bytes = [] { return std::uint64_t{1} << 40U; };
  const auto refused =
      restore_log(options, events, vault, [&](Position, Position) { disk.leave_free(1024UL * 1024); });
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(refused.error().messages.front(), HasSubstr("the disk is full: "));
  disk.empty();
  EXPECT_FALSE(RocksDbLog::open(options)) << "nothing that opens is left";
}

TEST_F(BackupFault, AStopEndsItAndTheNextRunIsWhole) {
  append(1);
  back_up();
  append(2);
  const auto segments_before = contents_of(events);
  const auto vault_before = read_file(vault);
  std::stop_source stop;
  stop.request_stop();
  const auto ended = backup_events(*log, events, stop.get_token());
  ASSERT_FALSE(ended);
  EXPECT_EQ(ended.error().kind, ErrorKind::kUnavailable);
  EXPECT_FALSE(backup_vault(*log, vault, stop.get_token()));
  EXPECT_EQ(contents_of(events), segments_before);
  EXPECT_EQ(read_file(vault), vault_before);
  EXPECT_EQ(back_up().events, 3U);
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(BackupFault, IsFoundByACheckThatWritesNothing) {
  for (std::uint64_t i = 1; i <= 3; ++i) {
    append(i);
    back_up();
  }
  const auto segments = contents_of(events);
  const auto sound = check_backup(events);
  ASSERT_TRUE(sound) << sound.error().messages.front();
  EXPECT_EQ(sound->tree, log->tree());
  EXPECT_EQ(check_vault_backup(vault, sound->log_id), 3U);
  EXPECT_FALSE(check_vault_backup(vault, event_id(2)));
  // An old one, which no later run reads.
  const auto first = events + "/" + segments.begin()->first;
  auto damaged = segments.begin()->second;
  damaged[damaged.size() / 2] ^= 1;
  write_file(first, damaged);
  append(4);
  back_up();
  EXPECT_THAT(check_backup(events).error().messages.front(), HasSubstr(first));
  // The remedy of docs/backup.md, while the log still has the events: without that one and those behind it.
  for (const auto& [name, bytes] : contents_of(events)) fs::remove(fs::path(events) / name);
  EXPECT_EQ(back_up().events, 12U);
  EXPECT_EQ(check_backup(events)->tree, log->tree());
}

}  // namespace
}  // namespace mintmark::testing::backup_fault_test
