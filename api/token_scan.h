#pragma once

#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "api/list_filter.h"
#include "projections/token_columns.h"

namespace mintmark {

// The places of token_fields.
enum TokenField : std::size_t {
  kTokenId,
  kTokenName,
  kTokenDescription,
  kTokenExternalId,
  kTokenStatus,
  kTokenExtensionId,
  kTokenExtensionName,
  kTokenExpirationDate,
  kTokenCreatedAt,
  kTokenLastUsedAt,
  kTokenCreatorId,
  kTokenCreatorName,
  kTokenCreatorEmail,
  kTokenPermissionId,
  kTokenPermissionObjectId,
};

// Some rows of a block.
class RowSet {
 public:
  static RowSet first(std::size_t count);

  // Does nothing where it does not fit, without a branch: no processor foretells which rows do.
  void add(std::size_t row, bool fits = true) { words_[row / 64] |= std::uint64_t{fits} << (row % 64); }
  void operator&=(const RowSet& other);
  void operator|=(const RowSet& other);
  void subtract(const RowSet& other);
  bool empty() const { return size() == 0; }
  std::size_t size() const;

  // Calls visit(row), ascending.
  template <class Visit>
  void for_each(Visit&& visit) const {
    for (std::size_t word = 0; word < words_.size(); ++word) {
      for (auto bits = words_[word]; bits != 0; bits &= bits - 1)
        visit(word * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
    }
  }

 private:
  std::array<std::uint64_t, TokenBlock::rows_max / 64> words_{};
};

// The ids of the permissions that rows hold, one behind the other, for a search over many at once: what
// permission_id() (api/representation.h) makes.
class PermissionTexts {
 public:
  static constexpr std::size_t width = 19;  // TP-160-984-824-0001

  // Of these rows instead of what it held. Keeps its memory.
  void fill(const TokenBlock& block, const RowSet& rows);

  std::size_t size() const { return rows_.size(); }
  std::string_view operator[](std::size_t i) const { return bytes().substr(i * width, width); }
  std::string_view bytes() const { return text_; }
  std::size_t end(std::size_t i) const { return (i + 1) * width; }
  std::size_t row(std::size_t i) const { return rows_[i]; }

 private:
  std::string text_;
  std::vector<std::uint16_t> rows_;
};

// A date as tokens show it, in whole seconds, so that lists filter and order by what they show.
constexpr std::int64_t shown_second(std::int64_t at_us) {
  const auto at = std::chrono::floor<std::chrono::seconds>(std::chrono::microseconds(at_us));
  return std::chrono::microseconds(at).count();
}

// A token's creator as filters see it.
struct TokenCreator {
  std::string id;
  std::string name;
  std::string email;
};

// Asks filters of the blocks of one account, a column at a time. Not thread-safe.
class TokenScan {
 public:
  using FindCreator = std::function<TokenCreator(const Actor&)>;
  using FindExtension = std::function<std::string(ExtensionId)>;

  // Each is asked once for each creator or extension, and only where a filter asks about them: who a creator
  // is, and an extension's name.
  TokenScan(Time now, FindCreator find_creator, FindExtension find_extension)
      : now_(now), find_creator_(std::move(find_creator)), find_extension_(std::move(find_extension)) {}

  // Those of `rows` that pass. The filter must outlive this.
  RowSet passing(const Filter& filter, const TokenBlock& block, const RowSet& rows);

  Time now() const { return now_; }

 private:
  RowSet matching(const Condition& condition, const TokenBlock& block, const RowSet& rows);
  RowSet by_creator(const Condition& condition, const TokenBlock& block, const RowSet& rows);
  RowSet by_extension(const Condition& condition, const TokenBlock& block, const RowSet& rows);
  RowSet by_module(const Condition& condition, const TokenBlock& block, const RowSet& rows);
  RowSet by_permission(const Condition& condition, const TokenBlock& block, const RowSet& rows);
  bool fits(const Condition& condition, const Actor& creator, std::uint32_t number);

  const Time now_;
  FindCreator find_creator_;
  FindExtension find_extension_;
  std::unordered_map<std::uint32_t, TokenCreator> creators_;  // by their numbers
  // What each condition says of each creator, by their numbers, as far as it was asked.
  std::unordered_map<const Condition*, std::vector<std::optional<bool>>> fitting_creators_;
  std::unordered_map<ExtensionId, std::string> extension_names_;
  // What conditions about permissions want, worked out once.
  std::unordered_map<const Condition*, std::uint64_t> fitting_modules_;
  std::unordered_map<const Condition*, std::unordered_map<TokenId, std::uint64_t>> wanted_permissions_;
  PermissionTexts permission_texts_;
};

}  // namespace mintmark
