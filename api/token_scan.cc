#include "api/token_scan.h"

#include <array>
#include <bit>
#include <cstring>
#include <optional>

#include "api/list_response.h"
#include "api/representation.h"
#include "domain/token.h"

namespace mintmark {
namespace {

using enum FieldType;

constexpr bool orderable = true;
constexpr bool searchable = true;

// In the order of TokenField.
constexpr auto all_fields = std::to_array<Field>({
    {"id", kText, orderable, searchable},
    {"name", kText, orderable, searchable},
    {"description", kText, false, searchable},
    {"external_id", kText, false, searchable},
    {"status", kText, orderable},
    {"extension.id", kText, orderable},
    {"extension.name", kText},
    {"expiration_date", kDate, orderable},
    {"events.created.at", kDate, orderable},
    {"last_used_at", kDate, orderable},
    {"events.created.by.id", kText},
    {"events.created.by.name", kText},
    {"events.created.by.email", kText},
    {"permissions.id", kText},
    {"permissions.object.id", kText},
});
static_assert(all_fields[kTokenId].name == "id");
static_assert(all_fields[kTokenStatus].name == "status");
static_assert(all_fields[kTokenCreatedAt].name == "events.created.at");
static_assert(all_fields[kTokenLastUsedAt].name == "last_used_at");
static_assert(all_fields[kTokenPermissionObjectId].name == "permissions.object.id");
static_assert(all_fields.size() == kTokenPermissionObjectId + 1);

// Those of `rows` for which fits(row) holds.
template <class Fits>
RowSet where(const RowSet& rows, Fits&& fits) {
  RowSet found;
  rows.for_each([&](std::size_t row) { found.add(row, fits(row)); });
  return found;
}

// Calls found(i) for each of the texts that matches, which must have a piece. Looks for what every match
// holds in all texts at once, and only then at those where it stands.
template <class Texts, class Found>
void for_each_like(const Pattern& pattern, const Texts& texts, Found&& found) {
  std::size_t i = 0;
  pattern.for_each_candidate(texts.bytes(), [&](std::size_t at) {
    while (texts.end(i) <= at) ++i;
    if (at + pattern.piece().size() > texts.end(i)) return at + 1;  // it runs into the next text
    if (pattern.is_contains() || pattern.matches(texts[i])) found(i);
    return texts.end(i);
  });
}

RowSet like(const Condition& condition, const TextColumn& column, const RowSet& rows) {
  const auto& pattern = condition.pattern;
  if (pattern.piece().empty() || pattern.is_quick_to_match()) {
    return where(rows, [&](std::size_t row) { return pattern.matches(column[row]); });
  }
  RowSet found;
  for_each_like(pattern, column, [&](std::size_t row) { found.add(row); });
  found &= rows;
  return found;
}

RowSet by_text(const Condition& condition, const TextColumn& column, const RowSet& rows) {
  if (condition.kind == Condition::Kind::kLike) return like(condition, column, rows);
  if (const auto only = condition.texts.only(); only && !condition.or_null) {
    return where(rows, [&](std::size_t row) { return column[row] == *only; });
  }
  return where(rows, [&](std::size_t row) { return condition.matches(column[row]); });
}

RowSet by_status(const Condition& condition, const TokenBlock& block, const RowSet& rows, Time now) {
  std::array<std::optional<bool>, 256> fits{};
  return where(rows, [&](std::size_t row) {
    const auto status = shown_status(block.statuses[row], now);
    auto& known = fits[static_cast<std::size_t>(status)];
    if (!known) known = condition.matches(status_name(status));
    return *known;
  });
}

// A date that is not there is the last moment.
template <class DateOf>
RowSet by_date(const Condition& condition, const RowSet& rows, DateOf&& date_of) {
  return where(rows, [&](std::size_t row) {
    const std::int64_t at = date_of(row);
    return condition.matches(at == TokenBlock::never ? std::nullopt : std::optional(shown_second(at)));
  });
}
static_assert(TokenBlock::never == StatusInputs::never);

// The token and the module that the id of a permission names; nothing where it is none.
struct PermissionName {
  TokenId token;
  std::uint64_t module;
};
std::optional<PermissionName> read_permission_id(std::string_view text) {
  if (text.size() != PermissionTexts::width || !text.starts_with("TP-")) return std::nullopt;
  const auto token = TokenId::parse("SU" + std::string(text.substr(2, 12)));
  const auto module = parse_module_id("MD" + std::string(text.substr(14)));
  if (!token || !module || *module == 0 || *module > module_number_max) return std::nullopt;
  return PermissionName{*token, module_bit(*module)};
}

}  // namespace

const FieldTable token_fields = all_fields;

RowSet RowSet::first(std::size_t count) {
  RowSet rows;
  for (std::size_t word = 0; word < rows.words_.size() && word * 64 < count; ++word) {
    const auto left = count - word * 64;
    rows.words_[word] = left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1;
  }
  return rows;
}

void PermissionTexts::fill(const TokenBlock& block, const RowSet& rows) {
  rows_.clear();
  rows.for_each([&](std::size_t row) {
    rows_.insert(rows_.end(), static_cast<std::size_t>(std::popcount(block.permissions[row])),
                 static_cast<std::uint16_t>(row));
  });
  text_.resize(rows_.size() * width);
  constexpr std::array begin{'T', 'P'};
  auto* to = text_.data();
  rows.for_each([&](std::size_t row) {
    const auto id = block.id_texts[row].substr(2);
    for (auto left = block.permissions[row]; left != 0; left &= left - 1) {
      const auto module = static_cast<unsigned>(std::countr_zero(left)) + 1;
      const std::array<char, 5> end{'-', '0', '0', static_cast<char>('0' + module / 10),
                                    static_cast<char>('0' + module % 10)};
      // Of sizes that the compiler knows: a few moves each.
      std::memcpy(to, begin.data(), begin.size());
      std::memcpy(to + begin.size(), id.data(), width - begin.size() - end.size());
      std::memcpy(to + width - end.size(), end.data(), end.size());
      to += width;
    }
  });
}

void RowSet::operator&=(const RowSet& other) {
  for (std::size_t word = 0; word < words_.size(); ++word) words_[word] &= other.words_[word];
}

void RowSet::operator|=(const RowSet& other) {
  for (std::size_t word = 0; word < words_.size(); ++word) words_[word] |= other.words_[word];
}

void RowSet::subtract(const RowSet& other) {
  for (std::size_t word = 0; word < words_.size(); ++word) words_[word] &= ~other.words_[word];
}

std::size_t RowSet::size() const {
  std::size_t count = 0;
  for (const auto word : words_) count += static_cast<std::size_t>(std::popcount(word));
  return count;
}

RowSet TokenScan::passing(const Filter& filter, const TokenBlock& block, const RowSet& rows) {
  auto left = rows;
  switch (filter.kind) {
    case Filter::Kind::kAll:
      for (const auto& part : filter.parts) {
        if (left.empty()) break;
        left = passing(part, block, left);
      }
      return left;
    case Filter::Kind::kAny: {
      RowSet found;
      for (const auto& part : filter.parts) {
        if (left.empty()) break;
        const auto more = passing(part, block, left);
        found |= more;
        left.subtract(more);
      }
      return found;
    }
    case Filter::Kind::kNot:
      left.subtract(passing(filter.parts.front(), block, rows));
      return left;
    case Filter::Kind::kCondition:
      return matching(filter.condition, block, rows);
  }
  return {};
}

RowSet TokenScan::matching(const Condition& condition, const TokenBlock& block, const RowSet& rows) {
  switch (static_cast<TokenField>(condition.field)) {
    case kTokenId:
      return by_text(condition, block.id_texts, rows);
    case kTokenName:
      return by_text(condition, block.names, rows);
    case kTokenDescription:
      return by_text(condition, block.descriptions, rows);
    case kTokenExternalId:
      return by_text(condition, block.external_ids, rows);
    case kTokenStatus:
      return by_status(condition, block, rows, now_);
    case kTokenExtensionId:
    case kTokenExtensionName:
      return by_extension(condition, block, rows);
    case kTokenExpirationDate:
      return by_date(condition, rows, [&](std::size_t row) { return block.statuses[row].expires_at_us; });
    case kTokenCreatedAt:
      return by_date(condition, rows, [&](std::size_t row) { return block.created_at_us[row]; });
    case kTokenLastUsedAt:
      return by_date(condition, rows, [&](std::size_t row) { return block.last_used_at_us[row]; });
    case kTokenCreatorId:
    case kTokenCreatorName:
    case kTokenCreatorEmail:
      return by_creator(condition, block, rows);
    case kTokenPermissionId:
      return by_permission(condition, block, rows);
    case kTokenPermissionObjectId:
      return by_module(condition, block, rows);
  }
  return {};
}

// Any of a token's permissions may match; one that has none matches as an empty text.
RowSet TokenScan::by_module(const Condition& condition, const TokenBlock& block, const RowSet& rows) {
  const auto [known, is_new] = fitting_modules_.try_emplace(&condition, 0);
  for (std::uint32_t number = 1; is_new && number <= module_number_max; ++number) {
    if (condition.matches(std::string_view(module_id(number)))) known->second |= module_bit(number);
  }
  const bool none_fits = condition.matches(std::string_view());
  return where(rows, [&, fitting = known->second](std::size_t row) {
    const auto held = block.permissions[row];
    return held == 0 ? none_fits : (held & fitting) != 0;
  });
}

// The same, of their ids.
RowSet TokenScan::by_permission(const Condition& condition, const TokenBlock& block, const RowSet& rows) {
  const bool none_fits = condition.matches(std::string_view());
  if (condition.kind == Condition::Kind::kLike) {
    auto found = where(rows, [&](std::size_t row) { return block.permissions[row] == 0 && none_fits; });
    permission_texts_.fill(block, rows);
    const auto add = [&](std::size_t i) { found.add(permission_texts_.row(i)); };
    if (!condition.pattern.piece().empty()) {
      for_each_like(condition.pattern, permission_texts_, add);
      return found;
    }
    for (std::size_t i = 0; i < permission_texts_.size(); ++i) {
      if (condition.pattern.matches(permission_texts_[i])) add(i);
    }
    return found;
  }
  const auto [known, is_new] = wanted_permissions_.try_emplace(&condition);
  auto& wanted = known->second;
  if (is_new) {
    condition.texts.for_each([&wanted](std::string_view text) {
      if (const auto name = read_permission_id(text)) wanted[name->token] |= name->module;
    });
  }
  return where(rows, [&](std::size_t row) {
    const auto held = block.permissions[row];
    if (held == 0) return none_fits;
    const auto found = wanted.find(block.ids[row]);
    return found != wanted.end() && (held & found->second) != 0;
  });
}

RowSet TokenScan::by_creator(const Condition& condition, const TokenBlock& block, const RowSet& rows) {
  auto& known = fitting_creators_[&condition];
  std::vector<bool> fitting;
  for (std::size_t i = 0; i < block.creators.size(); ++i) {
    const auto number = block.creator_numbers[i];
    if (number >= known.size()) known.resize(number + 1);
    if (!known[number]) known[number] = fits(condition, block.creators[i], number);
    fitting.push_back(known[number].value_or(false));
  }
  return where(rows, [&](std::size_t row) { return fitting[block.created_by[row]]; });
}

bool TokenScan::fits(const Condition& condition, const Actor& creator, std::uint32_t number) {
  const auto [known, is_new] = creators_.try_emplace(number);
  auto& found = known->second;
  if (is_new) found = find_creator_(creator);
  const auto& text = condition.field == kTokenCreatorId     ? found.id
                     : condition.field == kTokenCreatorName ? found.name
                                                            : found.email;
  return condition.matches(std::string_view(text));
}

// A block has few kinds of token: each is asked about once.
RowSet TokenScan::by_extension(const Condition& condition, const TokenBlock& block, const RowSet& rows) {
  const auto ask = [&](ExtensionId id) {
    if (condition.field == kTokenExtensionId) return condition.matches(std::string_view(id.text()));
    const auto [known, is_new] = extension_names_.try_emplace(id);
    if (is_new) known->second = find_extension_(id);
    return condition.matches(std::string_view(known->second));
  };
  std::vector<std::pair<ExtensionId, bool>> answers;
  return where(rows, [&](std::size_t row) {
    const auto id = block.extensions[row];
    for (const auto& [asked, fits] : answers) {
      if (asked == id) return fits;
    }
    return answers.emplace_back(id, ask(id)).second;
  });
}

}  // namespace mintmark
