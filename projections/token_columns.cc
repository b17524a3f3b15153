#include "projections/token_columns.h"

#include <algorithm>
#include <utility>

#include "projections/token_row.h"

namespace mintmark {
namespace {

template <class T>
void erase_at(std::vector<T>& column, std::size_t index) {
  column.erase(column.begin() + static_cast<std::ptrdiff_t>(index));
}

std::int64_t last_use_of(const TokenRow& row) {
  return row.has_last_used_at_us() ? row.last_used_at_us() : TokenBlock::never;
}

}  // namespace

void TextColumn::push_back(std::string_view text) {
  bytes_.append(text);
  ends_.push_back(static_cast<std::uint32_t>(bytes_.size()));
}

void TextColumn::replace(std::size_t row, std::string_view text) {
  const auto old = (*this)[row];
  if (old == text) return;
  const auto old_size = static_cast<std::uint32_t>(old.size());
  const auto size = static_cast<std::uint32_t>(text.size());
  bytes_.replace(ends_[row] - old_size, old_size, text);
  for (auto i = row; i < ends_.size(); ++i) ends_[i] = ends_[i] - old_size + size;
}

void TextColumn::erase(std::size_t row) {
  replace(row, "");
  erase_at(ends_, row);
}

std::uint32_t CreatorNumbers::of(const Actor& actor) {
  // Ids of different kinds look different, but for the free names of workers and operators.
  const auto next = static_cast<std::uint32_t>(numbers_.size());
  return numbers_.try_emplace(std::string(1, static_cast<char>(actor.kind())) + actor.id(), next)
      .first->second;
}

void TokenBlock::push_back(const TokenRow& row, std::uint32_t creator_number) {
  created_positions.push_back(row.created_position());
  ids.push_back(TokenId::parse(row.token_id()).value());
  id_texts.push_back(row.token_id());
  names.push_back(row.name());
  descriptions.push_back(row.description());
  external_ids.push_back(row.external_id());
  statuses.push_back(status_inputs(row));
  extensions.push_back(extension_of(row));
  permissions.push_back(permission_set(row));
  created_at_us.push_back(row.created().at_us());
  last_used_at_us.push_back(last_use_of(row));
  created_by.push_back(creator_index(row.created().by(), creator_number));
}

// The rest of a token never changes.
void TokenBlock::replace(std::size_t index, const TokenRow& row) {
  names.replace(index, row.name());
  descriptions.replace(index, row.description());
  external_ids.replace(index, row.external_id());
  statuses[index] = status_inputs(row);
  permissions[index] = permission_set(row);
  last_used_at_us[index] = last_use_of(row);
}

void TokenBlock::erase(std::size_t index) {
  erase_at(created_positions, index);
  erase_at(ids, index);
  id_texts.erase(index);
  names.erase(index);
  descriptions.erase(index);
  external_ids.erase(index);
  erase_at(statuses, index);
  erase_at(extensions, index);
  erase_at(permissions, index);
  erase_at(created_at_us, index);
  erase_at(last_used_at_us, index);
  erase_at(created_by, index);
}

void TokenBlock::append(const TokenBlock& next) {
  for (std::size_t i = 0; i < next.size(); ++i) {
    created_positions.push_back(next.created_positions[i]);
    ids.push_back(next.ids[i]);
    id_texts.push_back(next.id_texts[i]);
    names.push_back(next.names[i]);
    descriptions.push_back(next.descriptions[i]);
    external_ids.push_back(next.external_ids[i]);
    statuses.push_back(next.statuses[i]);
    extensions.push_back(next.extensions[i]);
    permissions.push_back(next.permissions[i]);
    created_at_us.push_back(next.created_at_us[i]);
    last_used_at_us.push_back(next.last_used_at_us[i]);
    const auto by = next.created_by[i];
    created_by.push_back(creator_index(next.creators[by], next.creator_numbers[by]));
  }
}

std::uint16_t TokenBlock::creator_index(const Actor& actor, std::uint32_t number) {
  const auto found = std::ranges::find(creator_numbers, number);
  if (found != creator_numbers.end()) return static_cast<std::uint16_t>(found - creator_numbers.begin());
  if (creators.size() == 2 * rows_max) drop_unused_creators();
  creators.push_back(actor);
  creator_numbers.push_back(number);
  return static_cast<std::uint16_t>(creators.size() - 1);
}

void TokenBlock::drop_unused_creators() {
  for (std::size_t index = creators.size(); index-- > 0;) {
    const auto at = static_cast<std::uint16_t>(index);
    if (std::ranges::find(created_by, at) != created_by.end()) continue;
    erase_at(creators, index);
    erase_at(creator_numbers, index);
    for (auto& used : created_by) {
      if (used > at) --used;
    }
  }
}

void TokenColumns::Account::clear() {
  state = State::kEmpty;
  tokens = 0;
  creator_numbers = {};
  blocks.clear();
  seen.clear();
  published.reset();
  while_loading.clear();
}

TokenColumns::Account& TokenColumns::use(AccountId account) {
  auto& found = accounts_[account];
  if (!found) found = std::make_unique<Account>();
  found->last_use = ++uses_;
  return *found;
}

std::shared_ptr<const TokenBlocks> TokenColumns::blocks(AccountId id, const Load& load) {
  std::unique_lock lock(mutex_);
  auto& account = use(id);
  if (account.state == Account::State::kLoaded) return publish(account);
  lock.unlock();
  const std::scoped_lock loading(account.loading);
  lock.lock();
  if (account.state == Account::State::kLoaded) return publish(account);  // by another thread, meanwhile
  account.state = Account::State::kLoading;  // from here on apply() keeps what load() may not have seen
  lock.unlock();
  Account rows;
  Position position = 0;
  try {
    position = load([&rows](const TokenRow& row) { append(rows, row); });
  } catch (...) {
    lock.lock();
    account.clear();
    throw;
  }
  lock.lock();
  account.creator_numbers = std::move(rows.creator_numbers);
  account.blocks = std::move(rows.blocks);
  account.seen = std::move(rows.seen);
  account.tokens = rows.tokens;
  for (const auto& change : std::exchange(account.while_loading, {})) {
    if (change.position > position) apply(account, change);
  }
  account.state = Account::State::kLoaded;
  evict(account);
  return publish(account);
}

void TokenColumns::apply(std::vector<TokenRowChange> changes) {
  const std::scoped_lock lock(mutex_);
  if (accounts_.empty()) return;
  for (auto& change : changes) {
    const auto found = accounts_.find(change.account);
    if (found == accounts_.end()) continue;
    auto& account = *found->second;
    if (account.state == Account::State::kLoaded) {
      apply(account, change);
      if (account.has_stale_numbers()) account.clear();
    } else if (account.state == Account::State::kLoading) {
      account.while_loading.push_back(std::move(change));
    }
  }
}

std::size_t TokenColumns::tokens_in_memory() const {
  const std::scoped_lock lock(mutex_);
  std::size_t tokens = 0;
  for (const auto& [id, account] : accounts_) tokens += account->tokens;
  return tokens;
}

std::shared_ptr<const TokenBlocks> TokenColumns::publish(Account& account) {
  if (!account.published) {
    account.published = std::make_shared<const TokenBlocks>(account.blocks.begin(), account.blocks.end());
    account.seen.assign(account.blocks.size(), true);
  }
  return account.published;
}

void TokenColumns::evict(const Account& newest) {
  std::size_t tokens = 0;
  for (const auto& [id, account] : accounts_) tokens += account->tokens;
  while (tokens > tokens_max_) {
    Account* oldest = nullptr;
    for (const auto& [id, account] : accounts_) {
      if (account->state != Account::State::kLoaded || account.get() == &newest) continue;
      if (oldest == nullptr || account->last_use < oldest->last_use) oldest = account.get();
    }
    if (oldest == nullptr) return;
    tokens -= oldest->tokens;
    oldest->clear();
  }
}

void TokenColumns::apply(Account& account, const TokenRowChange& change) {
  const auto after = std::ranges::upper_bound(
      account.blocks, change.created_position, {},
      [](const std::shared_ptr<TokenBlock>& block) { return block->created_positions.front(); });
  const auto block = static_cast<std::size_t>(after - account.blocks.begin()) - 1;
  const bool is_new = after == account.blocks.begin() ||
                      account.blocks[block]->created_positions.back() < change.created_position;
  account.published.reset();
  if (is_new) {
    if (change.row) append(account, *change.row);
    return;
  }
  auto& rows = writable(account, block);
  const auto index =
      static_cast<std::size_t>(std::ranges::lower_bound(rows.created_positions, change.created_position) -
                               rows.created_positions.begin());
  if (rows.created_positions[index] != change.created_position) return;
  if (change.row) {
    rows.replace(index, *change.row);
    return;
  }
  rows.erase(index);
  --account.tokens;
  merge(account, block);
}

void TokenColumns::append(Account& account, const TokenRow& row) {
  if (account.blocks.empty() || account.blocks.back()->size() == TokenBlock::rows_max) {
    account.blocks.push_back(std::make_shared<TokenBlock>());
    account.seen.push_back(false);
  }
  const auto creator_number = account.creator_numbers.of(row.created().by());
  writable(account, account.blocks.size() - 1).push_back(row, creator_number);
  ++account.tokens;
}

TokenBlock& TokenColumns::writable(Account& account, std::size_t block) {
  if (account.seen[block]) {
    account.blocks[block] = std::make_shared<TokenBlock>(*account.blocks[block]);
    account.seen[block] = false;
  }
  return *account.blocks[block];
}

// Keeps blocks from growing small where tokens are deleted: two neighbours are always more than half a block.
void TokenColumns::merge(Account& account, std::size_t block) {
  const auto drop = [&account](std::size_t at) {
    erase_at(account.blocks, at);
    erase_at(account.seen, at);
  };
  if (account.blocks[block]->size() == 0) {
    drop(block);
    if (block == 0) return;
    --block;
  }
  for (const auto first : {block, block - 1}) {
    if (first >= account.blocks.size() || first + 1 == account.blocks.size()) continue;
    const auto& next = *account.blocks[first + 1];
    if (account.blocks[first]->size() + next.size() > TokenBlock::rows_max / 2) continue;
    writable(account, first).append(next);
    drop(first + 1);
  }
}

}  // namespace mintmark
