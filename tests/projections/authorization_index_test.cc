#include "projections/authorization_index.h"

#include <algorithm>
#include <atomic>
#include <latch>
#include <thread>
#include <unordered_map>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>

#include "tests/projections/authorization_fixture.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::authorization_index_test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

TEST_F(AuthorizationIndexTest, digests_are_keyed_blake2b) {
  for (std::uint32_t n = 0; n < 100; ++n) {
    const auto secret = secret_of(n);
    std::array<std::uint8_t, 21> message{1};
    std::ranges::copy(secret.bytes, message.begin() + 1);
    Digest expected{};
    const auto key = keys(2)[n % 2];
    crypto_generichash(expected.data(), expected.size(), message.data(), message.size(), key.data(),
                       key.size());
    EXPECT_EQ(peppers_.digest(n % 2 + 1, secret), expected);
  }
}

TEST_F(AuthorizationIndexTest, a_custom_token_is_allowed_from_its_creation) {
  EXPECT_EQ(verdict(1), Verdict::kUnknown);
  apply({created(1, "build")});
  const auto answer = check(1);
  EXPECT_EQ(answer.verdict, Verdict::kAllowed);
  EXPECT_EQ(answer.account, "PA-000-001");
  EXPECT_EQ(answer.extension, CUSTOM);
  EXPECT_EQ(answer.name, "build");
  EXPECT_EQ(index_.checkpoint(), 1U);
  EXPECT_EQ(index_.size(), 1U);
}

TEST_F(AuthorizationIndexTest, another_secret_is_as_unknown_as_another_id) {
  apply({created(1)});
  EXPECT_EQ(check_in(index_, id_of(1), secret_of(2)).verdict, Verdict::kUnknown);
  EXPECT_EQ(check_in(index_, id_of(2), secret_of(1)).verdict, Verdict::kUnknown);
}

TEST_F(AuthorizationIndexTest, each_token_is_checked_with_its_own_pepper) {
  apply({created(1, "old", CUSTOM, {}, 1), created(2, "new", CUSTOM, {}, 2)});
  EXPECT_EQ(verdict(1), Verdict::kAllowed);
  EXPECT_EQ(verdict(2), Verdict::kAllowed);
  AuthorizationIndex with_one(one_pepper_);
  last_ = 0;
  with_one.apply(std::vector{created(1, "old", CUSTOM, {}, 1), created(2, "new", CUSTOM, {}, 2)});
  EXPECT_EQ(check_in(with_one, id_of(1), secret_of(1)).verdict, Verdict::kAllowed);
  EXPECT_EQ(check_in(with_one, id_of(2), secret_of(2)).verdict, Verdict::kUnknown);
}

TEST_F(AuthorizationIndexTest, a_zapier_token_is_refused_until_its_connection_is_issued) {
  apply({created(1, "zap", ZAPIER)});
  EXPECT_EQ(verdict(1), Verdict::kRefused);
  EXPECT_EQ(check(1).extension, ZAPIER);
  apply({issued(1)});
  EXPECT_EQ(verdict(1), Verdict::kAllowed);
}

TEST_F(AuthorizationIndexTest, a_token_is_refused_from_its_second_of_expiry_on) {
  apply({created(1, "ci", CUSTOM, now + 1500ms), created(2, "ci", CUSTOM, Time(-5s)),
         created(3, "ci", CUSTOM, Time(253'402'300'799s))});
  EXPECT_EQ(verdict(1, now + 999'999us), Verdict::kAllowed);
  EXPECT_EQ(verdict(1, now + 1s), Verdict::kRefused);
  EXPECT_EQ(verdict(1, now + 100h), Verdict::kRefused);
  EXPECT_EQ(verdict(2), Verdict::kRefused);
  EXPECT_EQ(verdict(3), Verdict::kAllowed);
}

TEST_F(AuthorizationIndexTest, a_renewed_token_has_two_keys_until_the_renewal_is_completed) {
  apply({created(1), renewed(1, secret_of(91), now + 5s, now + 9s, 2)});
  EXPECT_EQ(check(1).verdict, Verdict::kAllowed);
  EXPECT_EQ(check(1, secret_of(91)).verdict, Verdict::kAllowed);
  EXPECT_EQ(check(1, secret_of(92)).verdict, Verdict::kUnknown);
  EXPECT_EQ(check(1, secret_of(1), now + 5s).verdict, Verdict::kRefused);
  EXPECT_EQ(check(1, secret_of(91), now + 5s).verdict, Verdict::kAllowed);
  EXPECT_EQ(check(1, secret_of(91), now + 9s).verdict, Verdict::kRefused);

  Event completed;
  completed.mutable_token_renewal_completed();
  apply({stored(stream_of(id_of(1)), completed)});
  EXPECT_EQ(check(1).verdict, Verdict::kUnknown);
  EXPECT_EQ(check(1, secret_of(91)).verdict, Verdict::kAllowed);
}

TEST_F(AuthorizationIndexTest, a_rotation_ends_every_other_key) {
  apply({created(1), renewed(1, secret_of(91), now + 5s, now + 9s), rotated(1, secret_of(92))});
  EXPECT_EQ(check(1).verdict, Verdict::kUnknown);
  EXPECT_EQ(check(1, secret_of(91)).verdict, Verdict::kUnknown);
  EXPECT_EQ(check(1, secret_of(92), now + 24h).verdict, Verdict::kAllowed);
}

TEST_F(AuthorizationIndexTest, an_inactive_token_is_refused_whichever_its_key) {
  Event off;
  off.mutable_token_deactivated();
  Event on;
  on.mutable_token_activated();
  apply({created(1), renewed(1, secret_of(91), now + 5s, now + 9s), stored(stream_of(id_of(1)), off)});
  EXPECT_EQ(check(1).verdict, Verdict::kRefused);
  EXPECT_EQ(check(1, secret_of(91)).verdict, Verdict::kRefused);
  apply({stored(stream_of(id_of(1)), on)});
  EXPECT_EQ(check(1).verdict, Verdict::kAllowed);
}

TEST_F(AuthorizationIndexTest, what_has_expired_stays_refused_by_a_clock_that_goes_back) {
  Event expired;
  expired.mutable_token_expired();
  apply({created(1, "ci", CUSTOM, now + 5s), stored(stream_of(id_of(1)), expired)});
  EXPECT_EQ(check(1, secret_of(1), now - 24h).verdict, Verdict::kRefused);
  EXPECT_EQ(check(1, secret_of(1), now + 24h).verdict, Verdict::kRefused);
}

TEST_F(AuthorizationIndexTest, a_token_that_expired_is_with_a_new_key_what_it_was_before) {
  Event off;
  off.mutable_token_deactivated();
  Event on;
  on.mutable_token_activated();
  Event expired;
  expired.mutable_token_expired();
  const auto happens = [this](std::uint32_t n, const Event& event) {
    return stored(stream_of(id_of(n)), event);
  };
  apply({created(1, "on", CUSTOM, now + 5s), happens(1, expired), rotated(1, secret_of(91))});
  EXPECT_EQ(check(1, secret_of(91)).verdict, Verdict::kAllowed);
  EXPECT_EQ(check(1).verdict, Verdict::kUnknown);

  apply(
      {created(2, "off", CUSTOM, now + 5s), happens(2, off), happens(2, expired), rotated(2, secret_of(92))});
  EXPECT_EQ(check(2, secret_of(92)).verdict, Verdict::kRefused);
  apply({happens(2, on)});
  EXPECT_EQ(check(2, secret_of(92)).verdict, Verdict::kAllowed);

  apply({created(3, "pending", ZAPIER, now + 5s), happens(3, expired), rotated(3, secret_of(93))});
  EXPECT_EQ(check(3, secret_of(93)).verdict, Verdict::kRefused);
  apply({issued(3)});
  EXPECT_EQ(check(3, secret_of(93)).verdict, Verdict::kAllowed);

  apply({created(4, "late", ZAPIER, now + 5s), happens(4, expired), issued(4)});
  EXPECT_EQ(check(4).verdict, Verdict::kRefused);
  apply({rotated(4, secret_of(94))});
  EXPECT_EQ(check(4, secret_of(94)).verdict, Verdict::kAllowed);
}

TEST_F(AuthorizationIndexTest, a_connection_lets_in_only_who_waited_for_it) {
  Event off;
  off.mutable_token_deactivated();
  Event issued;
  issued.mutable_zapier_connection_issued();
  apply({created(1, "ci", ZAPIER), stored(stream_of(id_of(1)), off), stored(stream_of(id_of(1)), issued)});
  EXPECT_EQ(check(1).verdict, Verdict::kRefused);
}

TEST_F(AuthorizationIndexTest, permissions_are_none_until_the_first_is_granted) {
  const auto permissions = [this] {
    return index_.check(
        0, id_of(1), secret_of(1), now,
        [](Verdict, const AuthorizationIndex::Identity* identity) { return identity->permissions; });
  };
  apply({created(1)});
  EXPECT_EQ(permissions(), std::nullopt);
  apply({granted(1, {1, 64}), granted(1, {2})});
  EXPECT_EQ(permissions(), std::uint64_t{1} << 63 | 0b11);
  apply({revoked(1, {1, 2, 64})});
  EXPECT_EQ(permissions(), 0U);
  apply({granted(1, {65})});
  EXPECT_EQ(index_.parked_streams(), 1U);
}

TEST_F(AuthorizationIndexTest, renewed_keys_and_permissions_survive_a_snapshot_and_end_with_their_token) {
  testing::TemporaryFolder folder;
  const auto path = std::filesystem::path(folder.path()) / "snapshot";
  apply({created(1), created(2), renewed(1, secret_of(91), now + 5s, now + 9s), granted(1, {3}),
         granted(2, {4})});
  index_.save(path, EventId{{1}});
  AuthorizationIndex loaded(peppers_);
  ASSERT_TRUE(loaded.load(path, EventId{{1}}));
  EXPECT_EQ(loaded.fingerprint(), index_.fingerprint());

  AuthorizationIndex without(peppers_);
  const auto before = without.fingerprint();
  apply({deleted(1), deleted(2)});
  EXPECT_NE(index_.fingerprint(), before);  // the deleted ids
  EXPECT_EQ(index_.size(), 0U);
}

TEST_F(AuthorizationIndexTest, a_deleted_token_is_gone_at_once_and_stays_so) {
  apply({created(1), created(2)});
  apply({deleted(1)});
  EXPECT_EQ(verdict(1), Verdict::kUnknown);
  EXPECT_EQ(verdict(2), Verdict::kAllowed);
  apply({renamed(1, "again"), issued(1), deleted(1)});
  EXPECT_EQ(verdict(1), Verdict::kUnknown);
  EXPECT_EQ(index_.parked_streams(), 0U);
  apply({created(1)});
  EXPECT_EQ(verdict(1), Verdict::kUnknown);
  EXPECT_EQ(index_.parked_streams(), 1U);
}

TEST_F(AuthorizationIndexTest, what_was_created_while_its_account_was_closed_is_gone_with_it) {
  // Tokens of one account, and one of another.
  constexpr std::uint32_t same = 1'000'000;
  apply({created(1), created(2)});
  Event closed;
  closed.mutable_account_closed();
  const auto account = AccountId::from_value(AccountType::kProvider, 1);
  apply({created(1 + same), stored(stream_of(account), closed), rotated(1, secret_of(91))});
  EXPECT_EQ(verdict(1), Verdict::kUnknown);
  EXPECT_EQ(check(1, secret_of(91)).verdict, Verdict::kUnknown);
  EXPECT_EQ(verdict(1 + same), Verdict::kUnknown);
  EXPECT_EQ(verdict(2), Verdict::kAllowed);
  apply({deleted(1), deleted(1 + same)});
  EXPECT_EQ(index_.parked_streams(), 0);
  EXPECT_EQ(verdict(2), Verdict::kAllowed);
}

TEST_F(AuthorizationIndexTest, one_batch_may_do_everything_to_a_token) {
  apply({created(1, "a", ZAPIER), renamed(1, "b"), issued(1), created(2), deleted(2), created(3),
         renamed(3, "c")});
  EXPECT_EQ(check(1).name, "b");
  EXPECT_EQ(verdict(1), Verdict::kAllowed);
  EXPECT_EQ(verdict(2), Verdict::kUnknown);
  EXPECT_EQ(check(3).name, "c");
  EXPECT_EQ(index_.parked_streams(), 0U);
}

TEST_F(AuthorizationIndexTest, names_are_encoded_for_a_header) {
  const std::vector<std::pair<std::string, std::string>> names{{"", ""},
                                                               {" ", "%20"},
                                                               {"  ", "%20%20"},
                                                               {" a b ", "%20a b%20"},
                                                               {"100%", "100%25"},
                                                               {"~!", "~!"},
                                                               {"\x7f\x1f\r\n", "%7F%1F%0D%0A"},
                                                               {"é☃", "%C3%A9%E2%98%83"}};
  for (const auto& [name, encoded] : names) {
    const auto n = static_cast<std::uint32_t>(last_);
    apply({created(n, name)});
    EXPECT_EQ(check(n).name, encoded);
  }
  for (const std::size_t length : {62UL, 63UL, 64UL, 1536UL}) {
    apply({renamed(0, std::string(length, 'x'))});
    EXPECT_EQ(check(0).name, std::string(length, 'x'));
  }
  apply({renamed(0, std::string(1537, 'x'))});
  EXPECT_THAT(index_.parked(100).at(0).reason, HasSubstr("too long"));
}

TEST_F(AuthorizationIndexTest, repeated_events_are_skipped_and_missing_ones_are_a_fault) {
  const std::vector events{created(1), created(2), created(3)};
  index_.apply(std::span(events).first(2));
  index_.apply(events);
  index_.apply({});
  EXPECT_EQ(index_.checkpoint(), 3U);
  EXPECT_EQ(index_.parked_streams(), 0U);
  ++last_;
  const std::vector gap{created(4)};
  EXPECT_THROW(index_.apply(gap), std::logic_error);
  EXPECT_EQ(index_.checkpoint(), 3U);
  EXPECT_EQ(verdict(4), Verdict::kUnknown);
}

TEST_F(AuthorizationIndexTest, random_events_leave_what_a_plain_map_would_hold) {
  std::mt19937 random(20'261);
  std::unordered_map<std::uint32_t, std::string> model;
  std::vector<std::uint32_t> live;
  std::uint32_t next = 0;
  for (int round = 0; round < 150; ++round) {
    std::vector<StoredEvent> events;
    const bool shrinking = round % 50 > 30;
    for (int i = 0; i < 100; ++i) {
      const auto choice = random() % 10;
      std::string name(random() % 100, static_cast<char>('a' + random() % 26));
      if (live.empty() || (choice < 5 && !shrinking)) {
        const auto n = next++ * 1'001 % TokenId::value_end;
        events.push_back(created(n, name));
        model[n] = name;
        live.push_back(n);
      } else if (choice < 8) {
        const auto n = live[random() % live.size()];
        events.push_back(renamed(n, name));
        model[n] = name;
      } else {
        std::swap(live[random() % live.size()], live.back());
        events.push_back(deleted(live.back()));
        model.erase(live.back());
        live.pop_back();
      }
    }
    index_.apply(events);
    ASSERT_EQ(index_.size(), model.size());
    for (std::uint32_t i = 0; i < next; i += 1 + random() % 64) {
      const auto n = i * 1'001 % TokenId::value_end;
      const auto expected = model.find(n);
      const auto answer = check(n);
      ASSERT_EQ(answer.verdict, expected == model.end() ? Verdict::kUnknown : Verdict::kAllowed);
      if (expected != model.end()) ASSERT_EQ(answer.name, expected->second);
      ASSERT_EQ(check_in(index_, id_of(n), secret_of(n + 1)).verdict, Verdict::kUnknown);
    }
  }
  EXPECT_EQ(index_.parked_streams(), 0U);
}

TEST_F(AuthorizationIndexTest, grows_finds_everything_and_reuses_what_is_freed) {
  constexpr std::uint32_t tokens =
      8'000;  // 125 a shard: it grows by 16 cells at a time, and then by an eighth
  const auto churn = [this](std::uint32_t first, std::uint32_t end, bool creating) {
    std::vector<StoredEvent> events;
    for (auto n = first; n < end; ++n)
      events.push_back(creating ? created(n, "name-of-sixteen.") : deleted(n));
    index_.apply(events);
  };
  churn(0, tokens, true);
  for (std::uint32_t n = 0; n < tokens; n += 7) ASSERT_EQ(verdict(n), Verdict::kAllowed);
  const auto full = index_.memory_bytes();
  for (std::uint32_t generation = 1; generation <= 4; ++generation) {
    churn((generation - 1) * tokens, generation * tokens, false);
    churn(generation * tokens, (generation + 1) * tokens, true);
  }
  EXPECT_EQ(index_.size(), tokens);
  EXPECT_LT(index_.memory_bytes(), full * 3 / 2);
  for (std::uint32_t n = 0; n < 5 * tokens; n += 7) {
    ASSERT_EQ(verdict(n), n < 4 * tokens ? Verdict::kUnknown : Verdict::kAllowed);
  }
}

TEST_F(AuthorizationIndexTest, after_a_deletion_returned_no_reader_is_allowed) {
  constexpr std::uint32_t tokens = 500;
  constexpr std::size_t readers = 3;
  std::atomic<std::uint32_t> created_end{0};
  std::atomic<std::uint32_t> deleted_end{0};
  std::atomic<bool> done{false};
  std::atomic<std::size_t> faults{0};
  std::latch started(readers);
  std::vector<std::jthread> threads;
  for (std::size_t slot = 0; slot < readers; ++slot) {
    threads.emplace_back([&, slot] {
      started.count_down();
      std::mt19937 random(static_cast<std::uint32_t>(slot));
      while (!done.load()) {
        const auto n = static_cast<std::uint32_t>(random() % tokens);
        const bool was_deleted = n < deleted_end.load();
        const bool was_created = n < created_end.load();
        const auto verdict =
            index_.check(slot, id_of(n), secret_of(n), now,
                         [](Verdict seen, const AuthorizationIndex::Identity*) { return seen; });
        if (was_deleted && verdict == Verdict::kAllowed) ++faults;
        if (was_created && n >= deleted_end.load() + 1 && verdict != Verdict::kAllowed) ++faults;
        // Whose time slice ends within a check keeps the writer waiting for its next.
        std::this_thread::yield();
      }
    });
  }
  started.wait();
  for (std::uint32_t n = 0; n < tokens; ++n) {
    apply({created(n), renamed(n, "a longer name than before")});
    created_end = n + 1;
    if (n % 2 == 0) continue;
    apply({deleted(n / 2)});
    deleted_end = n / 2 + 1;
  }
  done = true;
  threads.clear();
  EXPECT_EQ(faults, 0U);
}

}  // namespace
}  // namespace mintmark::authorization_index_test
