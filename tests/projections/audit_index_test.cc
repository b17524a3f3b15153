#include "projections/audit_index.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "projections/rebuild.h"
#include "tests/support/random_history.h"
#include "tests/support/view_folder.h"

namespace mintmark::audit_index_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using namespace ::mintmark::testing;

class AuditIndexTest : public ::testing::Test {
 protected:
  AuditIndex& index() {
    feed(log_, index_);
    return index_;
  }
  static std::vector<Position> forward(AuditTrail trail, std::uint64_t first = 1, std::size_t limit = 1000) {
    std::vector<Position> positions;
    trail.forward(first, [&](std::uint64_t number, const AuditEntry& entry) {
      EXPECT_EQ(number, first + positions.size());
      positions.push_back(entry.position);
      return positions.size() < limit;
    });
    return positions;
  }
  static std::vector<Position> backward(AuditTrail trail, std::uint64_t first, std::size_t limit = 1000) {
    std::vector<Position> positions;
    trail.backward(first, [&](std::uint64_t, const AuditEntry& entry) {
      positions.push_back(entry.position);
      return positions.size() < limit;
    });
    return positions;
  }
  static std::vector<Position> all(AuditTrail trail) {
    const auto count = trail.count();
    return backward(std::move(trail), count);
  }

  Position open_session(AccountId account, const std::string& id) {
    Event event;
    event.mutable_session_opened()->set_account_id(account.text());
    event.mutable_session_opened()->set_secret_hash(id);
    return history_.add("session-" + id, event);
  }

  MemoryLog log_{event_id(1)};
  History history_{log_};
  ViewFolder views_;
  AuditIndex index_{views_.store().live(AuditIndex::projection_name)};
};

TEST_F(AuditIndexTest, AnAccountsEventsAreNumberedFromTheOldestOn) {
  const auto first = history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  history_.add(token_id(2), token_created(token_id(2), vendor(2)));
  const auto second = history_.add(token_id(1), token_renamed("x"));
  const auto third = history_.add(token_id(1), token_deleted());
  auto trail = index().trail(vendor(1));
  EXPECT_EQ(trail.count(), 3);
  EXPECT_THAT(forward(index().trail(vendor(1))), ElementsAre(first, second, third));
  EXPECT_THAT(backward(index().trail(vendor(1)), 3), ElementsAre(third, second, first));
  EXPECT_THAT(backward(index().trail(vendor(1)), 2, 1), ElementsAre(second));
  EXPECT_THAT(backward(index().trail(vendor(1)), 99, 1), ElementsAre(third))
      << "from the newest that there is";
  EXPECT_THAT(backward(index().trail(vendor(1)), 0), IsEmpty());
  EXPECT_THAT(forward(index().trail(vendor(1)), 4), IsEmpty());
  EXPECT_EQ(index().trail(vendor(3)).count(), 0);
  EXPECT_THAT(all(index().trail(vendor(3))), IsEmpty());
}

TEST_F(AuditIndexTest, AnEntryTellsWhatWhenWhoAndWhence) {
  history_.actor.set_kind(Actor::USER);
  history_.actor.set_id("UR-000-000-001");
  AppendRequest request;
  request.streams.push_back({"token-SU-000-000-001", 0, {}});
  request.streams.back().events.push_back({event_id(7), token_created(token_id(1), vendor(1))});
  request.metadata = {history_.actor, History::recorded_at(5), "request", "", "", "192.0.2.1"};
  ASSERT_TRUE(append_and_wait(log_, std::move(request)));
  std::size_t shown = 0;
  index().trail(vendor(1)).forward(1, [&](std::uint64_t, const AuditEntry& entry) {
    ++shown;
    EXPECT_EQ(entry.position, 1);
    EXPECT_EQ(entry.at_us, History::recorded_at(5).time_since_epoch().count());
    EXPECT_EQ(entry.type, Event::kTokenCreated);
    EXPECT_EQ(entry.stream, "token-SU-000-000-001");
    EXPECT_EQ(entry.actor_kind, Actor::USER);
    EXPECT_EQ(entry.actor_id, "UR-000-000-001");
    EXPECT_EQ(entry.client_ip, "192.0.2.1");
    return true;
  });
  EXPECT_EQ(shown, 1);
}

TEST_F(AuditIndexTest, AThingHasItsOwnHistoryWhichNobodyElseSees) {
  const auto created = history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  history_.add(token_id(10), token_created(token_id(10), vendor(1)));
  const auto renamed = history_.add(token_id(1), token_renamed("x"));
  const auto stream = stream_of(token_id(1));
  EXPECT_THAT(all(index().trail(vendor(1), stream)), ElementsAre(renamed, created));
  EXPECT_THAT(forward(index().trail(vendor(1), stream), 2), ElementsAre(renamed));
  EXPECT_EQ(index().trail(vendor(1), stream).count(), 2);
  EXPECT_EQ(index().trail(vendor(2), stream).count(), 0);
  EXPECT_THAT(all(index().trail(vendor(2), stream)), IsEmpty());
  EXPECT_EQ(index().trail(vendor(1), stream_of(token_id(2))).count(), 0);
  EXPECT_EQ(index().trail(vendor(1), "token-").count(), 0);
}

TEST_F(AuditIndexTest, EventsBelongToTheAccountThatTheirStreamIsOf) {
  const auto opened = history_.add(stream_of(vendor(1)), account_opened(vendor(1), "Acme"));
  const auto session = open_session(vendor(1), "abc");
  Event event;
  event.mutable_session_closed();
  const auto closed = history_.add("session-abc", event);
  event.mutable_user_added()->set_account_id(vendor(1).text());
  const auto user = history_.add("user-UR-000-000-001", event);
  event.mutable_webhook_created()->set_account_id(vendor(1).text());
  const auto webhook = history_.add("webhook-WH-000-000-001", event);
  event.mutable_extension_created()->set_account_id(vendor(1).text());
  const auto extension = history_.add("extension-EXT-002-000", event);
  event.mutable_jobs_retried();
  const auto jobs = history_.add("jobs-VA-000-001", event);
  EXPECT_THAT(forward(index().trail(vendor(1))),
              ElementsAre(opened, session, closed, user, webhook, extension, jobs));
}

TEST_F(AuditIndexTest, ATriggerBelongsToItsWebhooksHistory) {
  Event event;
  event.mutable_webhook_created()->set_account_id(vendor(1).text());
  const auto created = history_.add("webhook-WH-000-000-001", event);
  event.mutable_webhook_triggered();
  const auto triggered = history_.add("trigger-WH-000-000-001-a", event);
  const auto again = history_.add("trigger-WH-000-000-001-b", event);
  event.mutable_webhook_deleted();
  const auto deleted = history_.add("webhook-WH-000-000-001", event);
  event.mutable_webhook_triggered();
  const auto late = history_.add("trigger-WH-000-000-001-c", event);
  EXPECT_THAT(forward(index().trail(vendor(1))), ElementsAre(created, triggered, again, deleted, late));
  EXPECT_THAT(forward(index().trail(vendor(1), audit_stream("WH-000-000-001"))),
              ElementsAre(created, triggered, again, deleted, late));
  EXPECT_EQ(index().trail(vendor(2)).count(), 0);
  EXPECT_EQ(index().parked_streams(), 0);
  history_.add("trigger-WH-000-000-002-a", event);
  EXPECT_EQ(index().parked_streams(), 1) << "nothing tells whose it is";
}

TEST_F(AuditIndexTest, WhatOnlyKeepsSomethingUniqueIsLeftOut) {
  Event event;
  event.mutable_email_reserved()->set_user_id("UR-000-000-001");
  history_.add("email-0123", event);
  event.mutable_members_changed()->set_account_id(vendor(1).text());
  history_.add("members-VA-000-001", event);
  event.mutable_extension_name_reserved();
  history_.add("extension_name-VA-000-001-x", event);
  event.mutable_count_changed()->set_id("WH-000-000-001");
  history_.add("count-webhooks-VA-000-001", event);
  event.mutable_pepper_added()->set_number(2);
  history_.add("peppers", event);
  event.mutable_webhook_deliveries_recorded();
  history_.add("deliveries", event);
  EXPECT_EQ(index().trail(vendor(1)).count(), 0);
  EXPECT_EQ(index().parked_streams(), 0);
}

TEST_F(AuditIndexTest, WhatDoesNotTellWhoseItIsParksItsStream) {
  history_.add(token_id(1), token_renamed("never created"));
  history_.add(token_id(2), token_created(token_id(2), vendor(1)));
  history_.add("account-nobody", account_opened(vendor(1), "Acme"));
  EXPECT_EQ(index().trail(vendor(1)).count(), 1);
  EXPECT_EQ(index().parked_streams(), 2);
}

TEST_F(AuditIndexTest, PositionsAreFoundAmongTheNumbers) {
  for (std::uint32_t i = 1; i <= 5; ++i) {
    history_.add(token_id(i), token_created(token_id(i), vendor(1)));
    history_.add(token_id(100 + i), token_created(token_id(100 + i), vendor(2)));
  }
  auto trail = index().trail(vendor(1));  // at 1, 3, 5, 7 and 9
  EXPECT_EQ(trail.count_up_to(0), 0);
  EXPECT_EQ(trail.count_up_to(1), 1);
  EXPECT_EQ(trail.count_up_to(2), 1);
  EXPECT_EQ(trail.count_up_to(6), 3);
  EXPECT_EQ(trail.count_up_to(9), 5);
  EXPECT_EQ(trail.count_up_to(UINT64_MAX), 5);
  EXPECT_EQ(index().trail(vendor(3)).count_up_to(9), 0);
}

TEST_F(AuditIndexTest, ATrailStaysAsItWasWhenItWasMade) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  auto trail = index().trail(vendor(1));
  auto of_token = index().trail(vendor(1), stream_of(token_id(1)));
  history_.add(token_id(1), token_renamed("x"));
  EXPECT_EQ(index().trail(vendor(1)).count(), 2);
  EXPECT_THAT(all(std::move(trail)), ElementsAre(1));
  EXPECT_THAT(all(std::move(of_token)), ElementsAre(1));
}

TEST_F(AuditIndexTest, ObjectsAreKnownByTheirIdsAndStreams) {
  for (const auto& [stream, id] : std::vector<std::pair<std::string, std::string>>{
           {"token-SU-000-000-001", "SU-000-000-001"},
           {"user-UR-000-000-001", "UR-000-000-001"},
           {"webhook-WH-000-000-001", "WH-000-000-001"},
           {"extension-EXT-002-000", "EXT-002-000"},
           {"account-VA-000-001", "VA-000-001"},
           {"account-PA-000-001", "PA-000-001"},
           {"session-0a1b", "0a1b"},
       }) {
    EXPECT_EQ(audit_stream(id), stream);
    EXPECT_EQ(audit_object(stream).id, id);
    EXPECT_EQ(audit_object(stream).kind, stream.substr(0, stream.find('-')));
  }
  const auto trigger = audit_object("trigger-WH-000-000-001-019ac-1");
  EXPECT_EQ(trigger.kind, "webhook");
  EXPECT_EQ(trigger.id, "WH-000-000-001");
  EXPECT_EQ(object_stream("trigger-WH-000-000-001-019ac-1"), "webhook-WH-000-000-001");
  EXPECT_EQ(object_stream("token-SU-000-000-001"), "token-SU-000-000-001");
  EXPECT_EQ(audit_object("jobs-VA-000-001").kind, "jobs");
  EXPECT_EQ(audit_object("jobs-VA-000-001").id, "");
  EXPECT_EQ(audit_object("nothing").id, "");
}

TEST_F(AuditIndexTest, WhoSubscribesIsWokenByTheAccountsEventsAlone) {
  history_.add(token_id(1), token_created(token_id(1), vendor(1)));
  history_.add(token_id(2), token_created(token_id(2), vendor(2)));
  index();
  std::vector<std::uint64_t> counts;  // of the account's events at each waking
  std::size_t others = 0;
  const auto wake = [&] { counts.push_back(index_.trail(vendor(1)).count()); };
  {
    const AccountFeed::Subscription ours(index_.feed(), vendor(1), wake);
    const AccountFeed::Subscription theirs(index_.feed(), vendor(2), [&others] { ++others; });
    history_.add(token_id(1), token_renamed("x"));
    history_.add(stream_of(vendor(3)), account_opened(vendor(3), "Acme"));
    history_.add(token_id(1), token_renamed("y"));
    index();
    EXPECT_THAT(counts, ElementsAre(3)) << "once for a batch, when it can be read";
    EXPECT_EQ(others, 0);
    history_.add(token_id(2), token_renamed("y"));
    index();
    EXPECT_EQ(others, 1);
  }
  history_.add(token_id(1), token_renamed("z"));
  index();
  EXPECT_THAT(counts, ElementsAre(3)) << "nobody waits any more";
}

class AuditIndexHistoryTest : public ::testing::TestWithParam<std::uint32_t> {};

// What the index says of each account and token, by a reading of the whole log.
TEST_P(AuditIndexHistoryTest, TrailsAreWhatTheLogTells) {
  MemoryLog log(event_id(1));
  RandomHistory(log, GetParam()).add(400);
  ViewFolder views;
  AuditIndex index(views.store().live(AuditIndex::projection_name));
  feed(log, index, UINT64_MAX, 7);
  std::map<std::string, std::string> accounts;            // of streams
  std::map<std::string, std::vector<Position>> expected;  // by account and by stream
  for (const auto& event : log.read(0, 400)) {
    const auto& stream = event.recorded.stream();
    if (event.recorded.event().has_tokens_used()) continue;  // many things' at once
    if (event.recorded.event().has_token_created())
      accounts[stream] = event.recorded.event().token_created().account_id();
    if (event.recorded.event().has_account_opened())
      accounts[stream] = event.recorded.event().account_opened().account_id();
    expected[accounts.at(stream)].push_back(event.recorded.position());
    expected[stream].push_back(event.recorded.position());
  }
  const auto positions = [](AuditTrail trail) {
    std::vector<Position> found;
    trail.forward(1, [&found](std::uint64_t, const AuditEntry& entry) {
      found.push_back(entry.position);
      return true;
    });
    return found;
  };
  for (const auto& [stream, account] : accounts) {
    EXPECT_EQ(positions(index.trail(*AccountId::parse(account), stream)), expected[stream]) << stream;
  }
  for (const auto account : RandomHistory::accounts()) {
    EXPECT_EQ(positions(index.trail(account)), expected[account.text()]) << account.text();
  }
}

TEST_P(AuditIndexHistoryTest, ARebuiltIndexEqualsTheLiveOne) {
  MemoryLog log(event_id(1));
  RandomHistory(log, GetParam()).add(400);
  ViewFolder views;
  {
    AuditIndex live(views.store().live(AuditIndex::projection_name));
    feed(log, live, UINT64_MAX, 7);
  }
  const auto report = rebuild_rows(
      log, views.store(), AuditIndex::projection_name,
      [](View view) { return std::make_unique<AuditIndex>(view); }, [](Position, Position) {});
  EXPECT_EQ(report.difference, "");
  EXPECT_EQ(report.events, 400);
  EXPECT_EQ(report.parked_streams, 0);
}

INSTANTIATE_TEST_SUITE_P(Seeds, AuditIndexHistoryTest, ::testing::Range(1U, 4U));

}  // namespace
}  // namespace mintmark::audit_index_test
