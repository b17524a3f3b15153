#include <map>
#include <string>
#include <vector>

#include "domain/limits.h"
#include "tests/eventstore/conformance.h"

namespace mintmark::testing {

void LogConformance::expect_log_is_sound() {
  const auto events = log().read(0, log().head() + 100);
  ASSERT_EQ(events.size(), log().head());
  std::map<std::string, std::uint64_t> versions;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const auto& recorded = events[i].recorded;
    EXPECT_EQ(recorded.position(), i + 1);
    EXPECT_EQ(recorded.version(), ++versions[recorded.stream()]) << recorded.stream();
    Recorded decoded;
    ASSERT_TRUE(decoded.ParseFromString(events[i].bytes));
    EXPECT_EQ(decoded.SerializeAsString(), recorded.SerializeAsString());
  }
  for (const auto& [stream, version] : versions) {
    EXPECT_EQ(log().read_stream(stream, 0).size(), version) << stream;
    EXPECT_EQ(log().version_of(stream), version) << stream;
  }
}

TEST_P(LogConformance, AnEmptyLogHoldsNothing) {
  settle();
  EXPECT_EQ(log().head(), 0U);
  EXPECT_TRUE(log().read(0, 10).empty());
  EXPECT_TRUE(log().read_stream("anything", 0).empty());
  EXPECT_EQ(log().version_of("anything"), 0U);
  EXPECT_FALSE(log().find_idempotency_key("key"));
  EXPECT_FALSE(log().read_vault("subject"));
}

TEST_P(LogConformance, PositionsStartAtOneAndHaveNoGap) {
  EXPECT_EQ(append("a", 0, 1, 2), (Committed{1, 2, false}));
  EXPECT_EQ(append("b", 0, 3), (Committed{3, 3, false}));
  EXPECT_EQ(append("a", 2, 4, 3), (Committed{4, 6, false}));
  EXPECT_EQ(log().head(), 6U);
  settle();
  EXPECT_EQ(log().head(), 6U);
  expect_log_is_sound();
}

TEST_P(LogConformance, StoresTheWholeEnvelope) {
  auto request = append_request("a", 0, 7);
  request.metadata.recorded_at = Time(std::chrono::microseconds(1'700'000'000'000'001));
  request.metadata.request_id = "request";
  request.metadata.correlation_id = std::string(16, '\1');
  request.metadata.causation_id = std::string(16, '\2');
  request.metadata.client_ip = "192.0.2.1";
  request.idempotency_key = idempotency_key("k", "r");
  ASSERT_TRUE(append(std::move(request)));
  settle();
  const auto events = log().read(0, 1);
  ASSERT_EQ(events.size(), 1U);
  const auto& recorded = events[0].recorded;
  EXPECT_EQ(recorded.stream(), "a");
  EXPECT_EQ(recorded.version(), 1U);
  EXPECT_EQ(recorded.event_id(), event_id(7).view());
  EXPECT_EQ(recorded.recorded_at_us(), 1'700'000'000'000'001);
  EXPECT_EQ(recorded.actor().kind(), Actor::OPERATOR);
  EXPECT_EQ(recorded.actor().id(), "test");
  EXPECT_EQ(recorded.request_id(), "request");
  EXPECT_EQ(recorded.correlation_id(), std::string(16, '\1'));
  EXPECT_EQ(recorded.causation_id(), std::string(16, '\2'));
  EXPECT_EQ(recorded.client_ip(), "192.0.2.1");
  EXPECT_EQ(recorded.idempotency_key_hash(), "hash of key k");
  EXPECT_EQ(recorded.request_hash(), "hash of request r");
  EXPECT_EQ(recorded.event().account_opened().name(), "event 7");
}

TEST_P(LogConformance, AConflictTellsTheActualVersionAndWritesNothing) {
  ASSERT_TRUE(append("a", 0, 1, 3));
  for (const std::uint64_t wrong : {0U, 1U, 2U, 4U}) {
    const auto result = append("a", wrong, 10);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().kind, Kind::kConflict);
    EXPECT_EQ(result.error().actual_version, 3U);
  }
  const auto fresh = append("b", 1, 10);
  ASSERT_FALSE(fresh);
  EXPECT_EQ(fresh.error().actual_version, 0U);
  settle();
  EXPECT_EQ(log().head(), 3U);
  EXPECT_TRUE(append("a", 3, 10));
}

TEST_P(LogConformance, AnAppendToSeveralStreamsIsAllOrNothing) {
  ASSERT_TRUE(append("a", 0, 1));
  auto request = append_request("b", 0, 10, 2);
  request.streams.push_back(stream_append("a", 0, 20));
  const auto refused = append(request);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::kConflict);
  EXPECT_EQ(refused.error().actual_version, 1U);
  EXPECT_TRUE(log().read_stream("b", 0).empty());

  request.streams[1].expected_version = 1;
  EXPECT_EQ(append(request), (Committed{2, 4, false}));
  settle();
  EXPECT_EQ(log().read_stream("a", 0).size(), 2U);
  EXPECT_EQ(log().read_stream("b", 0).size(), 2U);
  expect_log_is_sound();
}

TEST_P(LogConformance, ReadGivesAtMostTheLimitAndFewerOnlyAtTheHead) {
  ASSERT_TRUE(append("a", 0, 1, 10));
  settle();
  EXPECT_TRUE(log().read(0, 0).empty());
  EXPECT_EQ(log().read(0, 4).size(), 4U);
  EXPECT_EQ(log().read(4, 4).front().recorded.position(), 5U);
  EXPECT_EQ(log().read(8, 4).size(), 2U);
  EXPECT_EQ(log().read(9, 1).size(), 1U);
  EXPECT_TRUE(log().read(10, 4).empty());
  EXPECT_TRUE(log().read(11, 4).empty());
  EXPECT_TRUE(log().read(UINT64_MAX, 4).empty());
  EXPECT_EQ(log().read(3, SIZE_MAX).size(), 7U);
}

TEST_P(LogConformance, ReadStreamGivesItsOwnEventsBehindAVersion) {
  ASSERT_TRUE(append("stream", 0, 1, 2));
  ASSERT_TRUE(append("stream-2", 0, 10, 2));
  ASSERT_TRUE(append("strea", 0, 20, 2));
  ASSERT_TRUE(append("stream", 2, 3, 2));
  settle();
  const auto all = log().read_stream("stream", 0);
  ASSERT_EQ(all.size(), 4U);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all[i].recorded.stream(), "stream");
    EXPECT_EQ(all[i].recorded.version(), i + 1);
  }
  const auto tail = log().read_stream("stream", 3);
  ASSERT_EQ(tail.size(), 1U);
  EXPECT_EQ(tail[0].recorded.version(), 4U);
  EXPECT_TRUE(log().read_stream("stream", 4).empty());
  EXPECT_TRUE(log().read_stream("stream", 5).empty());
  EXPECT_TRUE(log().read_stream("stream", UINT64_MAX).empty());
  EXPECT_TRUE(log().read_stream("str", 0).empty());
  EXPECT_TRUE(log().read_stream("", 0).empty());
  EXPECT_TRUE(log().read_stream(std::string("stream\0", 7), 0).empty());
}

TEST_P(LogConformance, TheSameEventIdsGiveTheSamePositionsAgain) {
  ASSERT_EQ(append("a", 0, 1, 3), (Committed{1, 3, false}));
  ASSERT_TRUE(append("a", 3, 9));
  EXPECT_EQ(append("a", 0, 1, 3), (Committed{1, 3, true}));
  settle();
  EXPECT_EQ(append("a", 0, 1, 3), (Committed{1, 3, true}));
  EXPECT_EQ(log().head(), 4U);
}

TEST_P(LogConformance, TheSameIdempotencyKeyAndRequestGiveTheSamePositionsAgain) {
  auto first = append_request("a", 0, 1, 2);
  auto again = append_request("b", 0, 10, 2);
  first.idempotency_key = again.idempotency_key = idempotency_key("k", "r");
  ASSERT_EQ(append(std::move(first)), (Committed{1, 2, false}));
  EXPECT_EQ(append(again), (Committed{1, 2, true}));
  settle();
  EXPECT_EQ(append(again), (Committed{1, 2, true}));
  const auto use = log().find_idempotency_key("hash of key k");
  ASSERT_TRUE(use);
  EXPECT_EQ(use->request_hash, "hash of request r");
  EXPECT_EQ(use->committed.first, 1U);
  EXPECT_EQ(use->committed.last, 2U);
  EXPECT_FALSE(log().find_idempotency_key("hash of key"));
  EXPECT_EQ(log().head(), 2U);
}

TEST_P(LogConformance, AnIdempotencyKeyWithAnotherRequestIsRefused) {
  auto first = append_request("a", 0, 1);
  first.idempotency_key = idempotency_key("k", "r");
  ASSERT_TRUE(append(std::move(first)));
  settle();
  auto other = append_request("b", 0, 10);
  other.idempotency_key = idempotency_key("k", "another");
  expect_refused(std::move(other), Kind::kKeyReused);
}

TEST_P(LogConformance, ARefusedAppendDoesNotUseUpItsIdempotencyKeyOrItsIds) {
  ASSERT_TRUE(append("a", 0, 1));
  auto request = append_request("a", 0, 10);
  request.idempotency_key = idempotency_key("k", "r");
  expect_refused(request, Kind::kConflict);
  EXPECT_FALSE(log().find_idempotency_key("hash of key k"));
  request.streams[0].expected_version = 1;
  EXPECT_EQ(append(request), (Committed{2, 2, false}));
}

TEST_P(LogConformance, VaultWritesHappenWithTheirAppend) {
  auto request = append_request("a", 0, 1);
  request.vault_writes = {{"token-1", "wrapped 1"}, {"token-2", "wrapped 2"}};
  ASSERT_TRUE(append(std::move(request)));
  settle();
  EXPECT_EQ(log().read_vault("token-1"), "wrapped 1");
  EXPECT_EQ(log().read_vault("token-2"), "wrapped 2");
  EXPECT_FALSE(log().read_vault("token-3"));

  auto deletion = append_request("a", 1, 2);
  deletion.vault_writes = {{"token-1", ""}, {"token-2", "wrapped again"}, {"token-3", ""}};
  ASSERT_TRUE(append(std::move(deletion)));
  settle();
  EXPECT_FALSE(log().read_vault("token-1"));
  EXPECT_EQ(log().read_vault("token-2"), "wrapped again");
  EXPECT_FALSE(log().read_vault("token-3"));
}

TEST_P(LogConformance, VaultWritesOfARefusedOrRepeatedAppendDoNotHappen) {
  auto request = append_request("a", 0, 1);
  request.vault_writes = {{"token-1", "wrapped"}};
  ASSERT_TRUE(append(request));
  request.vault_writes = {{"token-1", ""}, {"token-2", "wrapped"}};
  EXPECT_EQ(append(request), (Committed{1, 1, true}));
  auto conflicting = append_request("a", 0, 2);
  conflicting.vault_writes = request.vault_writes;
  expect_refused(std::move(conflicting), Kind::kConflict);
  settle();
  EXPECT_EQ(log().read_vault("token-1"), "wrapped");
  EXPECT_FALSE(log().read_vault("token-2"));
}

TEST_P(LogConformance, RequestsThatBreakALimitAreRefused) {
  expect_refused(AppendRequest{}, Kind::kInvalid);
  expect_refused(append_request("a", 0, 1, 0), Kind::kInvalid);
  expect_refused(append_request("", 0, 1), Kind::kInvalid);
  expect_refused(append_request(std::string(limits::stream_name_bytes_max + 1, 'a'), 0, 1), Kind::kInvalid);
  expect_refused(append_request(std::string("a\0b", 3), 0, 1), Kind::kInvalid);
  expect_refused(append_request("a", 0, 1, limits::append_events_max + 1), Kind::kInvalid);

  auto twice = append_request("a", 0, 1);
  twice.streams.push_back(stream_append("a", 0, 2));
  expect_refused(std::move(twice), Kind::kInvalid);
  auto one_without_events = append_request("a", 0, 1);
  one_without_events.streams.push_back(stream_append("b", 0, 2, 0));
  expect_refused(std::move(one_without_events), Kind::kInvalid);
  auto too_many_together = append_request("a", 0, 1, limits::append_events_max);
  too_many_together.streams.push_back(stream_append("b", 0, 100));
  expect_refused(std::move(too_many_together), Kind::kInvalid);
  settle();
  EXPECT_EQ(log().head(), 0U);
}

TEST_P(LogConformance, RequestsAtTheirLimitsAreTaken) {
  const std::string longest(limits::stream_name_bytes_max, 'a');
  EXPECT_TRUE(append(longest, 0, 1, limits::append_events_max));
  settle();
  EXPECT_EQ(log().read_stream(longest, 0).size(), limits::append_events_max);
}

// Such events would be stored and never be read again.
TEST_P(LogConformance, EventsThatWouldNotDecodeAreRefused) {
  auto without_kind = append_request("a", 0, 1);
  without_kind.streams[0].events[0].event.Clear();
  expect_refused(std::move(without_kind), Kind::kInvalid);
  auto bad_event = append_request("a", 0, 1);
  bad_event.streams[0].events[0].event = account_opened("\xFF");
  expect_refused(std::move(bad_event), Kind::kInvalid);
  auto bad_metadata = append_request("a", 0, 1);
  bad_metadata.metadata.request_id = "\xC0\x80";
  expect_refused(std::move(bad_metadata), Kind::kInvalid);
  expect_refused(append_request("\xFF", 0, 1), Kind::kInvalid);
  EXPECT_EQ(append("a", 0, 1), (Committed{1, 1, false}));
  settle();
  expect_log_is_sound();
}

TEST_P(LogConformance, ALogKeepsItsId) {
  const auto id = log().log_id();
  ASSERT_TRUE(append("a", 0, 1));
  settle();
  EXPECT_EQ(log().log_id(), id);
}

}  // namespace mintmark::testing
