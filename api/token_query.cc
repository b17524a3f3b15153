#include "api/token_query.h"

#include <algorithm>
#include <compare>
#include <optional>
#include <utility>

namespace mintmark {
namespace {

// A row, by what it is ordered by first, as far as that fits a number.
struct Candidate {
  std::uint64_t key;
  std::uint32_t block;
  std::uint32_t row;
};

std::string_view text_of(const TokenBlock& block, std::size_t row, std::size_t field) {
  if (field == kTokenId) return block.id_texts[row];
  if (field == kTokenName) return block.names[row];
  return {};
}

bool is_text(std::size_t field) {
  return field == kTokenId || field == kTokenName;
}

// Of the fields that are no texts; they order as they should, what has no date last, and dates as they are
// shown.
std::uint64_t number_of(const TokenBlock& block, std::size_t row, std::size_t field, Time now) {
  constexpr auto date = [](std::int64_t at_us) {
    return static_cast<std::uint64_t>(shown_second(at_us)) ^ (std::uint64_t{1} << 63U);
  };
  if (field == kTokenStatus) return static_cast<std::uint64_t>(shown_status(block.statuses[row], now));
  if (field == kTokenExtensionId) return block.extensions[row].value();
  if (field == kTokenExpirationDate) return date(block.statuses[row].expires_at_us);
  if (field == kTokenLastUsedAt) return date(block.last_used_at_us[row]);
  return date(block.created_at_us[row]);
}

std::uint64_t first_bytes(std::string_view text) {
  std::uint64_t key = 0;
  for (std::size_t i = 0; i < sizeof key; ++i)
    key = key << 8U | (i < text.size() ? static_cast<unsigned char>(text[i]) : 0U);
  return key;
}

// Keeps the first of an order out of many candidates, in time that grows with their number alone: it collects
// more than it needs, and throws away what is too late each time that these are too many.
class Ranking {
  auto less() const {
    return [this](const Candidate& left, const Candidate& right) { return before(left, right); };
  }

 public:
  Ranking(const TokenBlocks& blocks, const std::vector<OrderBy>& order, Time now, std::size_t wanted)
      : blocks_(blocks), order_(order), now_(now), wanted_(wanted) {}

  // What all texts of the first field have in front is no part of the keys.
  void set_common_prefix(std::size_t size) { common_prefix_ = size; }

  void add(std::size_t block, std::size_t row) {
    const Candidate candidate{key_of(*blocks_[block], row), static_cast<std::uint32_t>(block),
                              static_cast<std::uint32_t>(row)};
    if (last_ && !before(candidate, *last_)) return;
    candidates_.push_back(candidate);
    if (candidates_.size() < wanted_ * 2 + reserve) return;
    cut(wanted_);
    candidates_.resize(wanted_);
    last_ = *std::ranges::max_element(candidates_, less());
  }

  // Those at places offset to wanted, in order.
  std::vector<Candidate> take(std::size_t offset) {
    cut(wanted_);
    candidates_.resize(std::min(wanted_, candidates_.size()));
    cut(offset);
    candidates_.erase(candidates_.begin(), candidates_.begin() + static_cast<std::ptrdiff_t>(
                                                                     std::min(offset, candidates_.size())));
    std::ranges::sort(candidates_, less());
    return std::move(candidates_);
  }

 private:
  static constexpr std::size_t reserve = 4096;

  // Moves the first `count` to the front.
  void cut(std::size_t count) {
    if (count >= candidates_.size()) return;
    std::ranges::nth_element(candidates_, candidates_.begin() + static_cast<std::ptrdiff_t>(count), less());
  }

  std::uint64_t key_of(const TokenBlock& block, std::size_t row) const {
    const auto& first = order_.front();
    std::uint64_t key = 0;
    if (is_text(first.field)) {
      auto text = text_of(block, row, first.field);
      text.remove_prefix(std::min(common_prefix_, text.size()));
      key = first_bytes(text);
    } else {
      key = number_of(block, row, first.field, now_);
    }
    return first.descending ? ~key : key;
  }

  bool before(const Candidate& left, const Candidate& right) const {
    if (left.key != right.key) return left.key < right.key;
    for (std::size_t i = is_text(order_.front().field) ? 0 : 1; i < order_.size(); ++i) {
      const auto compared = compare(left, right, order_[i].field);
      if (compared != 0) return order_[i].descending ? compared > 0 : compared < 0;
    }
    return std::pair(left.block, left.row) > std::pair(right.block, right.row);
  }

  std::strong_ordering compare(const Candidate& left, const Candidate& right, std::size_t field) const {
    const auto& left_block = *blocks_[left.block];
    const auto& right_block = *blocks_[right.block];
    if (is_text(field)) {
      return text_of(left_block, left.row, field).compare(text_of(right_block, right.row, field)) <=> 0;
    }
    return number_of(left_block, left.row, field, now_) <=> number_of(right_block, right.row, field, now_);
  }

  const TokenBlocks& blocks_;
  const std::vector<OrderBy>& order_;
  const Time now_;
  const std::size_t wanted_;
  std::size_t common_prefix_ = 0;
  std::vector<Candidate> candidates_;
  std::optional<Candidate> last_;  // of those that are wanted, so far
};

// What the rows' texts have in front, all of them.
std::size_t common_prefix(const TokenBlocks& blocks, const std::vector<RowSet>& rows, std::size_t field) {
  std::optional<std::string_view> prefix;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    rows[i].for_each([&](std::size_t row) {
      const auto text = text_of(*blocks[i], row, field);
      if (!prefix) prefix = text;
      if (text.starts_with(*prefix)) return;
      const auto differs = std::ranges::mismatch(*prefix, text);
      prefix = prefix->substr(0, static_cast<std::size_t>(differs.in1 - prefix->begin()));
    });
  }
  return prefix ? prefix->size() : 0;
}

std::vector<TokenId> ordered(const TokenBlocks& blocks, const std::vector<RowSet>& rows,
                             const std::vector<OrderBy>& order, const TokenPageRequest& page, Time now) {
  Ranking ranking(blocks, order, now, page.offset + page.limit);
  if (is_text(order.front().field))
    ranking.set_common_prefix(common_prefix(blocks, rows, order.front().field));
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    rows[i].for_each([&](std::size_t row) { ranking.add(i, row); });
  }
  std::vector<TokenId> tokens;
  for (const auto& candidate : ranking.take(page.offset))
    tokens.push_back(blocks[candidate.block]->ids[candidate.row]);
  return tokens;
}

std::vector<TokenId> newest_first(const TokenBlocks& blocks, const std::vector<RowSet>& rows,
                                  const TokenPageRequest& page) {
  std::vector<TokenId> tokens;
  auto skip = page.offset;
  for (auto i = blocks.size(); i-- > 0 && tokens.size() < page.limit;) {
    if (const auto size = rows[i].size(); size <= skip) {
      skip -= size;
      continue;
    }
    std::vector<std::size_t> found;
    rows[i].for_each([&](std::size_t row) { found.push_back(row); });
    for (auto at = found.size() - std::exchange(skip, 0); at-- > 0 && tokens.size() < page.limit;)
      tokens.push_back(blocks[i]->ids[found[at]]);
  }
  return tokens;
}

}  // namespace

TokenMatches query_tokens(const TokenBlocks& blocks, const Filter& filter, const std::vector<OrderBy>& order,
                          const TokenPageRequest& page, TokenScan& scan) {
  TokenMatches matches;
  std::vector<RowSet> rows(blocks.size());
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto& created = blocks[i]->created_positions;
    const auto end =
        created.empty() || created.back() <= page.newest
            ? created.size()
            : static_cast<std::size_t>(std::ranges::upper_bound(created, page.newest) - created.begin());
    rows[i] = RowSet::first(end);
    if (!filter.passes_all()) rows[i] = scan.passing(filter, *blocks[i], rows[i]);
    matches.total += rows[i].size();
  }
  if (page.limit == 0 || page.offset >= matches.total) return matches;
  matches.tokens =
      order.empty() ? newest_first(blocks, rows, page) : ordered(blocks, rows, order, page, scan.now());
  return matches;
}

}  // namespace mintmark
