#include "projections/token_columns.h"

#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "projections/token_list.h"
#include "tests/support/random_history.h"
#include "tests/support/view_folder.h"

namespace mintmark::token_columns_test {
namespace {

using namespace ::mintmark::testing;
using ::testing::_;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Lt;
using ::testing::Pair;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

TokenRow row(std::uint32_t number, Position position, const std::string& name) {
  TokenRow row;
  row.set_token_id(token_id(number).text());
  row.set_account_id(vendor(1).text());
  row.set_extension(CUSTOM);
  row.set_status(TokenRow::ACTIVE);
  row.set_name(name);
  row.set_created_position(position);
  row.mutable_created()->mutable_by()->set_id("UR-" + std::to_string(number % 3));
  return row;
}

// Nothing to load.
Position empty(const std::function<void(const TokenRow&)>& take) {
  static_cast<void>(take);
  return 0;
}

// All of a row that the columns hold, a row a line.
std::string text_of(const TokenBlock& block, std::size_t i) {
  const auto& by = block.creators[block.created_by[i]];
  return fmt::format("{} {} {} {} {} {} {} {} {} {} {} {}{}\n", block.created_positions[i],
                     block.ids[i].text(), block.id_texts[i], block.names[i], block.descriptions[i],
                     block.external_ids[i], static_cast<int>(block.statuses[i].stored),
                     block.statuses[i].expires_at_us, block.extensions[i].value(), block.created_at_us[i],
                     block.last_used_at_us[i], static_cast<int>(by.kind()), by.id());
}

std::string text_of(const TokenBlocks& blocks) {
  std::string text;
  for (const auto& block : blocks) {
    for (std::size_t i = 0; i < block->size(); ++i) text += text_of(*block, i);
  }
  return text;
}

std::string text_of(const std::vector<TokenRow>& newest_first) {
  TokenBlocks blocks;
  for (auto it = newest_first.rbegin(); it != newest_first.rend(); ++it) {
    auto block = std::make_shared<TokenBlock>();
    block->push_back(*it, 0);
    blocks.push_back(std::move(block));
  }
  return text_of(blocks);
}

std::vector<std::string> names(const TokenBlocks& blocks) {
  std::vector<std::string> names;
  for (const auto& block : blocks) {
    for (std::size_t i = 0; i < block->size(); ++i) names.emplace_back(block->names[i]);
  }
  return names;
}

TEST(TextColumn, HoldsWhatWasPutIntoIt) {
  TextColumn column;
  for (const auto* text : {"one", "", "three"}) column.push_back(text);
  column.replace(1, "second");
  column.replace(2, "3");
  EXPECT_EQ(column.bytes(), "onesecond3");
  column.erase(0);
  ASSERT_EQ(column.size(), 2);
  EXPECT_EQ(column[0], "second");
  EXPECT_EQ(column[1], "3");
}

TEST(TokenColumns, WhatAReaderHasNeverChanges) {
  TokenColumns columns(1000);
  columns.blocks(vendor(1), empty);
  columns.apply({{1, vendor(1), 1, row(1, 1, "a")}, {2, vendor(1), 2, row(2, 2, "b")}});
  const auto before = columns.blocks(vendor(1), empty);
  EXPECT_EQ(columns.blocks(vendor(1), empty), before) << "nothing has changed";
  columns.apply(
      {{3, vendor(1), 1, row(1, 1, "A")}, {4, vendor(1), 2, {}}, {5, vendor(1), 5, row(5, 5, "c")}});
  EXPECT_THAT(names(*before), ElementsAre("a", "b"));
  EXPECT_THAT(names(*columns.blocks(vendor(1), empty)), ElementsAre("A", "c"));
}

TEST(TokenColumns, WhatComesWhileLoadingIsTakenInByItsPosition) {
  TokenColumns columns(1000);
  const auto blocks = columns.blocks(vendor(1), [&](const auto& take) {
    // The state that is read is that of position 2: a is there and renamed, b is not.
    columns.apply({{1, vendor(1), 1, row(1, 1, "a")},
                   {2, vendor(1), 1, row(1, 1, "renamed")},
                   {3, vendor(1), 3, row(3, 3, "b")},
                   {4, vendor(2), 4, row(4, 4, "another account's")}});
    columns.apply({{5, vendor(1), 1, {}}});
    take(row(1, 1, "renamed"));
    return Position{2};
  });
  EXPECT_THAT(names(*blocks), ElementsAre("b"));
}

TEST(TokenColumns, AFailedLoadLeavesNothingAndTheNextBeginsAnew) {
  TokenColumns columns(1000);
  const auto failing = [&](const auto& take) -> Position {
    take(row(1, 1, "half"));
    columns.apply({{7, vendor(1), 7, row(7, 7, "meanwhile")}});
    throw std::runtime_error("the disk is gone");
  };
  EXPECT_THROW(columns.blocks(vendor(1), failing), std::runtime_error);
  EXPECT_EQ(columns.tokens_in_memory(), 0);
  EXPECT_THAT(names(*columns.blocks(vendor(1), empty)), IsEmpty());
}

TEST(TokenColumns, BeyondTheLimitTheAccountUsedLeastRecentlyLeaves) {
  TokenColumns columns(5);
  std::vector<std::uint32_t> loads;
  const auto use = [&](std::uint32_t account) {
    return names(*columns.blocks(vendor(account), [&, account](const auto& take) {
      loads.push_back(account);
      take(row(1, 1, "x"));
      take(row(2, 2, "y"));
      return Position{2};
    }));
  };
  use(1), use(2), use(1), use(3);
  EXPECT_THAT(loads, ElementsAre(1, 2, 3));
  EXPECT_EQ(columns.tokens_in_memory(), 4);
  EXPECT_THAT(use(1), ElementsAre("x", "y"));
  EXPECT_THAT(loads, ElementsAre(1, 2, 3));
  EXPECT_THAT(use(2), ElementsAre("x", "y"));
  EXPECT_THAT(loads, ElementsAre(1, 2, 3, 2));
}

TEST(TokenColumns, BlocksStayWithinTheirSizeHoweverManyComeAndGo) {
  TokenColumns columns(1'000'000);
  columns.blocks(vendor(1), empty);
  std::mt19937 engine(7);
  std::vector<Position> live;
  Position position = 0;
  std::string expected;
  for (int i = 0; i < 6000; ++i) {
    ++position;
    if (live.size() < 10 || engine() % 100 < (i < 3000 ? 80U : 20U)) {
      const auto number = static_cast<std::uint32_t>(position);
      columns.apply({{position, vendor(1), position, row(number, position, std::to_string(position))}});
      live.push_back(position);
    } else {
      const auto at = live.begin() + static_cast<std::ptrdiff_t>(engine() % live.size());
      columns.apply({{position, vendor(1), *at, {}}});
      live.erase(at);
    }
  }
  const auto blocks = columns.blocks(vendor(1), empty);
  std::vector<Position> found;
  for (std::size_t i = 0; i < blocks->size(); ++i) {
    const auto& block = *(*blocks)[i];
    EXPECT_GT(block.size(), 0);
    EXPECT_LE(block.size(), TokenBlock::rows_max);
    if (i > 0) EXPECT_GT(block.size() + (*blocks)[i - 1]->size(), TokenBlock::rows_max / 2);
    found.insert(found.end(), block.created_positions.begin(), block.created_positions.end());
  }
  EXPECT_EQ(found, live);
  EXPECT_EQ(columns.tokens_in_memory(), live.size());
}

TEST(TokenColumns, ManyCreatorsThatComeAndGoDoNotPileUp) {
  TokenColumns columns(1000);
  std::deque<TokenRow> living;
  Position position = 0;
  const TokenColumns::Load load = [&](const std::function<void(const TokenRow&)>& take) {
    std::ranges::for_each(living, take);
    return position;
  };
  columns.blocks(vendor(1), load);
  while (position < 10'000) {
    living.push_back(row(1, ++position, "brief"));
    living.back().mutable_created()->mutable_by()->set_id(std::to_string(position));
    columns.apply({{position, vendor(1), position, living.back()}});
    if (living.size() <= 3) continue;
    columns.apply({{++position, vendor(1), living.front().created_position(), {}}});
    living.pop_front();
  }
  const auto blocks = columns.blocks(vendor(1), load);
  ASSERT_EQ(blocks->size(), 1);
  const auto& block = *blocks->front();
  EXPECT_LE(block.creators.size(), 2 * TokenBlock::rows_max);
  EXPECT_THAT(block.creator_numbers, SizeIs(block.creators.size()));
  EXPECT_THAT(block.creator_numbers, Each(Lt(5000)));
  ASSERT_EQ(block.size(), living.size());
  for (std::size_t i = 0; i < block.size(); ++i) {
    EXPECT_EQ(block.creators[block.created_by[i]].id(), living[i].created().by().id());
  }
}

TEST(TokenColumns, ACreatorHasOneNumberInAllBlocks) {
  TokenColumns columns(10'000);
  columns.blocks(vendor(1), empty);
  for (Position position = 1; position <= 3 * TokenBlock::rows_max; ++position) {
    columns.apply({{position, vendor(1), position, row(static_cast<std::uint32_t>(position), position, "")}});
  }
  const auto blocks = columns.blocks(vendor(1), empty);
  ASSERT_EQ(blocks->size(), 3);
  std::map<std::string, std::uint32_t> numbers;
  for (const auto& block : *blocks) {
    for (std::size_t i = 0; i < block->creators.size(); ++i) {
      const auto number = block->creator_numbers[i];
      EXPECT_EQ(numbers.try_emplace(block->creators[i].id(), number).first->second, number);
    }
  }
  EXPECT_THAT(numbers, UnorderedElementsAre(Pair("UR-0", _), Pair("UR-1", _), Pair("UR-2", _)));
}

// Readers compare every state that they see with itself, scanned twice, while the writer changes it.
TEST(TokenColumns, ReadersSeeWholeStatesWhileTheWriterGoesOn) {
  TokenColumns columns(1'000'000);
  std::atomic<bool> done = false;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      std::size_t seen = 0;
      while (!done) {
        const auto blocks = columns.blocks(vendor(1), empty);
        const auto text = text_of(*blocks);
        EXPECT_EQ(text, text_of(*blocks));
        // Pairs are created by one call each.
        const auto found = names(*blocks);
        EXPECT_EQ(found.size() % 2, 0);
        EXPECT_GE(found.size(), seen);
        seen = found.size();
      }
    });
  }
  columns.blocks(vendor(1), empty);
  for (Position position = 1; position < 2000; position += 2) {
    const auto number = static_cast<std::uint32_t>(position);
    columns.apply({{position, vendor(1), position, row(number, position, "x")},
                   {position + 1, vendor(1), position + 1, row(number + 1, position + 1, "y")}});
  }
  done = true;
}

class TokenColumnsProperty : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(TokenColumnsProperty, EqualTheRowsOnDiskWheneverTheyAreLoaded) {
  MemoryLog log(event_id(1));
  RandomHistory history(log, GetParam());
  ViewFolder views;
  TokenList list(views.store().live(TokenList::projection_name));
  for (int round = 0; round < 12; ++round) {
    history.add(60);
    feed(log, list, UINT64_MAX, 1 + GetParam() * 13 % 50);
    for (std::size_t i = 0; i < 3; ++i) {
      const auto account = RandomHistory::accounts()[i];
      // The accounts are loaded at different times, and followed from then on.
      if (round < static_cast<int>(i) * 4) continue;
      EXPECT_EQ(text_of(*list.blocks(account)), text_of(list.page(account, 0, 10'000).rows));
    }
  }
}

TEST_P(TokenColumnsProperty, APageWithoutTheNewestIsThePageOfThatMoment) {
  MemoryLog log(event_id(1));
  RandomHistory history(log, GetParam());
  ViewFolder views;
  TokenList list(views.store().live(TokenList::projection_name));
  history.add(200);
  feed(log, list);
  const auto account = RandomHistory::accounts()[0];
  const auto newest = list.page(account, 0, 1).rows.front().created_position();
  history.add(200);
  feed(log, list);
  std::vector<TokenRow> expected;
  for (const auto& found : list.page(account, 0, 10'000).rows) {
    if (found.created_position() <= newest) expected.push_back(found);
  }
  const auto page = list.page(account, 0, 10'000, newest);
  EXPECT_EQ(page.total, expected.size());
  EXPECT_EQ(text_of(page.rows), text_of(expected));
}

INSTANTIATE_TEST_SUITE_P(Seeds, TokenColumnsProperty, ::testing::Range(1U, 7U));

}  // namespace
}  // namespace mintmark::token_columns_test
