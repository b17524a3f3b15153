#include <algorithm>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "projections/token_list.h"
#include "tests/support/random_history.h"
#include "tests/support/view_folder.h"

namespace mintmark::token_list_property_test {
namespace {

using namespace ::mintmark::testing;

// The token list as the words of the contract say it: all tokens in a map, changed event by event.
class NaiveTokens {
 public:
  explicit NaiveTokens(const std::vector<StoredEvent>& events) {
    for (const auto& event : events) take(event.recorded);
  }

  const std::map<std::string, TokenRow>& rows() const { return rows_; }

  std::vector<TokenRow> newest_first(AccountId account) const {
    std::vector<TokenRow> found;
    for (const auto& [stream, row] : rows_) {
      if (row.account_id() == account.text()) found.push_back(row);
    }
    std::ranges::sort(found, std::greater<>(), &TokenRow::created_position);
    return found;
  }

 private:
  void take(const Recorded& recorded) {
    const auto& event = recorded.event();
    if (event.has_token_created()) {
      const auto& created = event.token_created();
      TokenRow row;
      row.set_token_id(created.token_id());
      row.set_account_id(created.account_id());
      row.set_extension(created.extension());
      row.set_name(created.name());
      row.set_status(created.extension() == ZAPIER ? TokenRow::PENDING : TokenRow::ACTIVE);
      row.mutable_created()->set_at_us(recorded.recorded_at_us());
      *row.mutable_created()->mutable_by() = recorded.actor();
      if (created.has_expires_at_us()) row.set_expires_at_us(created.expires_at_us());
      row.set_created_position(recorded.position());
      rows_[recorded.stream()] = row;
    }
    for (const auto& use : event.tokens_used().uses()) take(use, recorded.recorded_at_us());
    const auto found = rows_.find(recorded.stream());
    if (found == rows_.end()) return;
    auto& row = found->second;
    row.set_version(recorded.version());
    if (event.has_token_deleted()) rows_.erase(found);
    if (event.has_zapier_connection_issued()) row.set_status(TokenRow::ACTIVE);
    if (event.token_updated().has_name()) row.set_name(event.token_updated().name());
    if (event.token_updated().has_description()) row.set_description(event.token_updated().description());
    if (event.token_updated().has_external_id()) row.set_external_id(event.token_updated().external_id());
  }

  void take(const TokenUse& use, std::int64_t recorded_at_us) {
    const auto found = rows_.find(stream_of(token_id(use.token())));
    if (found == rows_.end()) return;
    auto& row = found->second;
    const bool known_is_to_come = row.last_used_at_us() > recorded_at_us;
    if (row.last_used_at_us() < use.last_used_at_us() || known_is_to_come)
      row.set_last_used_at_us(use.last_used_at_us());
  }

  std::map<std::string, TokenRow> rows_;
};

std::string text_of(const std::vector<TokenRow>& rows) {
  std::string text;
  for (const auto& row : rows) text += row.ShortDebugString() + "\n";
  return text;
}

class TokenListProperty : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(TokenListProperty, EqualsANaiveFoldOfTheSameHistoryWhateverTheBatches) {
  MemoryLog log(event_id(1));
  RandomHistory(log, GetParam()).add(600);
  ViewFolder views;
  TokenList list(views.store().live(TokenList::projection_name));
  feed(log, list, UINT64_MAX, 1 + GetParam() * 37 % 200);

  const NaiveTokens naive(log.read(0, log.head()));
  ASSERT_EQ(list.parked_streams(), 0);
  ASSERT_GT(naive.rows().size(), 50);
  for (const auto& account : RandomHistory::accounts()) {
    const auto expected = naive.newest_first(account);
    EXPECT_EQ(text_of(list.page(account, 0, 10'000).rows), text_of(expected));
    EXPECT_EQ(list.page(account, 0, 1).total, expected.size());
    const auto offset = expected.size() / 3;
    const auto end = std::min(offset + 7, expected.size());
    const std::vector part(expected.begin() + static_cast<std::ptrdiff_t>(offset),
                           expected.begin() + static_cast<std::ptrdiff_t>(end));
    EXPECT_EQ(text_of(list.page(account, offset, 7).rows), text_of(part));
  }
  for (std::uint32_t number = 1; number < 600; ++number) {
    const auto found = naive.rows().find(stream_of(token_id(number)));
    const auto row = list.find(token_id(number));
    ASSERT_EQ(row.has_value(), found != naive.rows().end()) << number;
    if (row) EXPECT_EQ(row->DebugString(), found->second.DebugString());
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TokenListProperty, ::testing::Range(1U, 9U));

}  // namespace
}  // namespace mintmark::token_list_property_test
