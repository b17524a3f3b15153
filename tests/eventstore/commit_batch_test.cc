#include "eventstore/commit_batch.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/event_builders.h"

namespace mintmark::testing::commit_batch_test {
namespace {

using Kind = AppendError::Kind;

// What the stored log would answer, as a test says.
class StoredLog final : public LogLookup {
 public:
  std::uint64_t stream_version(std::string_view stream) override { return versions[std::string(stream)]; }
  std::optional<EventLog::EarlierUse> idempotency_key(std::string_view key_hash) override {
    const auto found = keys.find(std::string(key_hash));
    return found == keys.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<Committed> append_of(const EventId& first_event) override {
    const auto found = appends.find(first_event);
    return found == appends.end() ? std::nullopt : std::optional(found->second);
  }
  std::optional<std::string> vault_row(std::string_view subject) override {
    const auto found = vault.find(std::string(subject));
    return found == vault.end() ? std::nullopt : std::optional(found->second);
  }

  std::map<std::string, std::uint64_t> versions;
  std::map<std::string, EventLog::EarlierUse> keys;
  std::map<EventId, Committed> appends;
  std::map<std::string, std::string> vault;
};

struct ABatch : ::testing::Test {
  StoredLog stored;
  CommitBatch batch{stored, 100};
};

TEST_F(ABatch, NumbersItsEventsFromTheHead) {
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.add(append_request("a", 0, 1, 2)), (Committed{101, 102, false}));
  EXPECT_EQ(batch.add(append_request("b", 0, 3)), (Committed{103, 103, false}));
  EXPECT_EQ(batch.head(), 103U);
  ASSERT_EQ(batch.events().size(), 3U);
  EXPECT_EQ(batch.events()[1].position, 102U);
  EXPECT_EQ(batch.events()[1].stream, "a");
  EXPECT_EQ(batch.events()[1].version, 2U);
  EXPECT_EQ(batch.events()[2].position, 103U);
  Recorded recorded;
  ASSERT_TRUE(recorded.ParseFromString(batch.events()[1].bytes));
  EXPECT_EQ(recorded.position(), 102U);
  EXPECT_EQ(recorded.version(), 2U);
  EXPECT_FALSE(batch.empty());
}

TEST_F(ABatch, ChecksVersionsAgainstTheStoredLogAndItsOwnMembers) {
  stored.versions["a"] = 7;
  EXPECT_EQ(batch.add(append_request("a", 6, 1)).error().actual_version, 7U);
  EXPECT_TRUE(batch.add(append_request("a", 7, 2, 2)));
  EXPECT_EQ(batch.add(append_request("a", 7, 4)).error().actual_version, 9U);
  EXPECT_TRUE(batch.add(append_request("a", 9, 5)));
  EXPECT_EQ(batch.stream_versions().at("a"), 10U);
}

TEST_F(ABatch, FindsRepeatedIdsInTheStoredLogAndAmongItsOwnMembers) {
  stored.appends[event_id(1)] = {5, 6, false};
  EXPECT_EQ(batch.add(append_request("a", 0, 1, 2)), (Committed{5, 6, true}));
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.add(append_request("b", 0, 10, 2)), (Committed{101, 102, false}));
  EXPECT_EQ(batch.add(append_request("b", 0, 10, 2)), (Committed{101, 102, true}));
  EXPECT_EQ(batch.events().size(), 2U);
}

TEST_F(ABatch, FindsRepeatedKeysInTheStoredLogAndAmongItsOwnMembers) {
  stored.keys["hash of key old"] = {"hash of request r", {5, 6, false}};
  auto request = append_request("a", 0, 1);
  request.idempotency_key = idempotency_key("old", "r");
  EXPECT_EQ(batch.add(AppendRequest(request)), (Committed{5, 6, true}));
  request.idempotency_key = idempotency_key("old", "another");
  EXPECT_EQ(batch.add(AppendRequest(request)).error().kind, Kind::kKeyReused);
  request.idempotency_key = idempotency_key("new", "r");
  EXPECT_EQ(batch.add(AppendRequest(request)), (Committed{101, 101, false}));
  auto again = append_request("b", 0, 2);
  again.idempotency_key = idempotency_key("new", "r");
  EXPECT_EQ(batch.add(AppendRequest(again)), (Committed{101, 101, true}));
  again.idempotency_key = idempotency_key("new", "another");
  EXPECT_EQ(batch.add(AppendRequest(again)).error().kind, Kind::kKeyReused);
  EXPECT_EQ(batch.events().size(), 1U);
}

TEST_F(ABatch, IsAsItWasAfterARefusal) {
  ASSERT_TRUE(batch.add(append_request("a", 0, 1)));
  auto request = append_request("b", 0, 2);
  request.streams.push_back(stream_append("a", 0, 3));
  request.vault_writes = {{"subject", "wrapped"}};
  request.idempotency_key = idempotency_key("k", "r");
  EXPECT_EQ(batch.add(AppendRequest(request)).error().kind, Kind::kConflict);
  request.streams[1] = stream_append("a", 1, 3);
  request.streams[1].events[0].event = account_opened("\xFF");
  EXPECT_EQ(batch.add(AppendRequest(request)).error().kind, Kind::kInvalid);

  EXPECT_EQ(batch.head(), 101U);
  EXPECT_EQ(batch.events().size(), 1U);
  EXPECT_EQ(batch.stream_versions().size(), 1U);
  EXPECT_EQ(batch.appends().size(), 1U);
  EXPECT_TRUE(batch.idempotency_keys().empty());
  EXPECT_TRUE(batch.vault_writes().empty());
  request.streams[1] = stream_append("a", 1, 3);
  EXPECT_EQ(batch.add(AppendRequest(request)), (Committed{102, 103, false}));
  EXPECT_EQ(batch.vault_writes().size(), 1U);
}

TEST_F(ABatch, AnswersWithoutWritingWhatNeedsNoWrite) {
  EXPECT_FALSE(batch.answer_without_writing(append_request("a", 0, 1)));
  EXPECT_TRUE(batch.empty());
  ASSERT_TRUE(batch.add(append_request("a", 0, 1)));
  EXPECT_EQ(batch.answer_without_writing(append_request("a", 0, 1)), (Committed{101, 101, true}));
  const auto invalid = batch.answer_without_writing(AppendRequest());
  ASSERT_TRUE(invalid);
  EXPECT_EQ(invalid->error().kind, Kind::kInvalid);
}

}  // namespace
}  // namespace mintmark::testing::commit_batch_test
