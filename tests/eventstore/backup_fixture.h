#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "eventstore/backup.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"

namespace mintmark::testing {

// A log, its backup, and a folder that the backup is restored to.
class BackupFixture : public ::testing::Test {
 protected:
  BackupFixture() : log(folder.open()) {}

  // An append of three events to two streams, with an idempotency key and a key in the vault.
  void append(std::uint64_t number) {
    const auto name = "stream-" + std::to_string(number);
    auto request = append_request(name, 0, 10 * number, 2);
    request.streams.push_back(stream_append(name + "-other", 0, 10 * number + 5, 1));
    request.idempotency_key = idempotency_key(name, name);
    request.vault_writes.push_back({name, "wrapped key of " + name});
    ASSERT_TRUE(append_and_wait(*log, std::move(request)));
  }
  BackupReport back_up() {
    const auto report = backup_events(*log, events);
    EXPECT_TRUE(report) << report.error().messages.front();
    const auto keys = backup_vault(*log, vault);
    EXPECT_TRUE(keys) << keys.error().messages.front();
    return report ? *report : BackupReport{};
  }
  static void no_progress(Position, Position) {}
  RocksDbLog::Options target() const {
    RocksDbLog::Options options;
    options.path = (work.path() / "restored").string();
    return options;
  }
  Result<BackupReport> restore() {
    std::filesystem::remove_all(target().path);
    return restore_log(target(), events, vault, no_progress);
  }
  std::string restore_refusal() {
    const auto report = restore();
    return report ? "" : report.error().messages.front();
  }

  LogFolder folder{1, TemporaryFolder::in_memory()};
  std::unique_ptr<RocksDbLog> log;
  TemporaryFolder work{TemporaryFolder::in_memory()};
  const std::string events = work.file("events");
  const std::string vault = work.file("vault");
};

}  // namespace mintmark::testing
