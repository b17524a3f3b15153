#include "eventstore/verify_rows.h"

#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/random.h"
#include "eventstore/rocksdb_log.h"
#include "eventstore/vault.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/log_tables.h"

namespace mintmark::testing::verify_rows_test {
namespace {

using ::testing::HasSubstr;

// Positions 1; 2 and 3, under the key "a"; 4 and 5; 6, under the key "b".
class VerifyRows : public ::testing::Test {
 protected:
  VerifyRows() {
    const auto log = folder.open();
    append(*log, 1, 1, "");
    append(*log, 2, 2, "a");
    append(*log, 4, 2, "");
    append(*log, 6, 1, "b");
  }
  static void append(RocksDbLog& log, std::uint64_t number, std::size_t events, const std::string& key) {
    auto request = append_request("stream-" + std::to_string(number), 0, number, events);
    if (!key.empty()) request.idempotency_key = idempotency_key(key, key);
    ASSERT_TRUE(append_and_wait(log, std::move(request)));
  }
  static std::string id(std::uint64_t number) { return std::string(event_id(number).view()); }
  static std::string range(Position first, Position last) { return number_key(first) + number_key(last); }

  std::string verified(const VerifyOptions& options = {}) {
    const auto report = RocksDbLog::verify_stopped(folder.options(), [](Position, Position) {}, options);
    EXPECT_TRUE(report);
    return report ? report->problem : "";
  }
  // What is found with that row in place of the one that there is, if any, or without it; it is put back at
  // the next call.
  std::string with(const std::string& family, const std::string& key, const std::string& value) {
    change(family, key, value);
    return verified();
  }
  std::string without(const std::string& family, const std::string& key) {
    change(family, key, std::nullopt);
    return verified();
  }
  void change(const std::string& family, const std::string& key, const std::optional<std::string>& value) {
    LogTables tables(folder.path());
    const auto set = [&tables](const Row& row) {
      if (row.value) {
        tables.put(row.family, row.key, *row.value);
      } else if (tables.has(row.family, row.key)) {
        tables.remove(row.family, row.key);
      }
    };
    if (before) set(*before);
    before = Row{family, key, std::nullopt};
    if (tables.has(family, key)) before->value = tables.get(family, key);
    set({family, key, value});
  }

  struct Row {
    std::string family;
    std::string key;
    std::optional<std::string> value;
  };
  std::optional<Row> before;
  LogFolder folder{1, TemporaryFolder::in_memory()};
};

TEST_F(VerifyRows, OfAppendsAreThoseOfTheEvents) {
  EXPECT_EQ(verified(), "");
  EXPECT_EQ(without("appends", id(2)), "its appends are of 4 events, and there are 6");
  EXPECT_EQ(with("appends", id(2), range(2, 2)), "its appends are of 5 events, and there are 6");
  const auto* const malformed = "a row of its appends does not decode";
  EXPECT_EQ(with("appends", id(2), "short"), malformed);
  EXPECT_EQ(with("appends", id(2), range(2, 3) + "x"), malformed);
  EXPECT_EQ(with("appends", id(2), range(0, 3)), malformed);
  EXPECT_EQ(with("appends", id(2), range(3, 2)), malformed);
  EXPECT_EQ(with("appends", "no id", range(2, 3)), malformed);
  EXPECT_EQ(with("appends", id(2), range(4, 5)),
            "the append of positions 4 to 5 is not that of its first event");
  EXPECT_EQ(with("appends", id(99), range(2, 3)),
            "the append of positions 2 to 3 is not that of its first event");
  EXPECT_EQ(with("appends", id(6), range(6, 7)),
            "the append of positions 6 to 7 is not that of its first event");
  EXPECT_EQ(folder.open()->verify([](Position, Position) {}).problem,
            "the append of positions 6 to 7 is not that of its first event");
}

TEST_F(VerifyRows, OfIdempotencyKeysAreThoseOfTheEvents) {
  const auto [key, request] = idempotency_key("a", "a");
  EXPECT_EQ(without("idempotency", key), "it has 1 idempotency keys, and 2 appends were made under one");
  EXPECT_EQ(with("idempotency", key, "short"), "a row of its idempotency keys does not decode");
  EXPECT_EQ(with("idempotency", key, range(0, 3) + request), "a row of its idempotency keys does not decode");
  const auto wrong = [](const std::string& positions) {
    return "positions " + positions + " were not appended under their idempotency key";
  };
  EXPECT_EQ(with("idempotency", key, range(4, 5) + request), wrong("4 to 5"));
  EXPECT_EQ(with("idempotency", key, range(2, 2) + request), wrong("2 to 2"));
  EXPECT_EQ(with("idempotency", key, range(6, 7) + request), wrong("6 to 7"));
  EXPECT_EQ(with("idempotency", key, range(2, 3) + "another"), wrong("2 to 3"));
  EXPECT_EQ(with("idempotency", "of nothing", range(2, 3) + request), wrong("2 to 3"));
}

TEST_F(VerifyRows, OfTheVaultHaveTheirFormAndOpen) {
  SystemRandom random;
  const KeyEncryptionKey key{1};
  {
    const auto log = folder.open();
    Vault vault(*log, key, random);
    auto request = append_request("sealed", 0, 7);
    request.vault_writes.push_back(vault.make("sealed").second);
    ASSERT_TRUE(append_and_wait(*log, std::move(request)));
    for (const auto& row : log->read_vault_after("", 10)) EXPECT_EQ(vault.row_problem(row), "");
    EXPECT_EQ(vault.row_problem({"destroyed", std::string(72, 'x')}), "") << "meanwhile";
  }
  const auto found = [&](const std::optional<KeyEncryptionKeys>& keys) {
    return verified(
        {.vault_problem = [&keys](const VaultRow& row) { return Vault::row_problem(row, keys); }});
  };
  EXPECT_EQ(found(std::nullopt), "");
  EXPECT_EQ(found(KeyEncryptionKeys{key}), "");
  const auto* const closed = "the key of sealed in its vault does not open under this key file";
  EXPECT_EQ(found(KeyEncryptionKeys{KeyEncryptionKey{2}}), closed);
  EXPECT_EQ(found(KeyEncryptionKeys{KeyEncryptionKey{2}, key}), "") << "while they are rotated";
  LogTables(folder.path()).put("vault", "sealed", std::string(72, 'x'));
  EXPECT_EQ(found(std::nullopt), "") << "which nobody without a key can tell";
  EXPECT_EQ(found(KeyEncryptionKeys{key}), closed);
  {
    const auto log = folder.open();
    Vault vault(*log, key, random);
    EXPECT_EQ(vault.row_problem(log->read_vault_after("", 1).front()), closed);
  }
  LogTables(folder.path()).put("vault", "sealed", std::string(71, 'x'));
  EXPECT_EQ(found(std::nullopt), "the key of sealed in its vault has not the form of a wrapped one");
}

}  // namespace
}  // namespace mintmark::testing::verify_rows_test
