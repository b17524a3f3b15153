#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "domain/limits.h"
#include "domain/time.h"
#include "projections/row_projection.h"
#include "projections/rows.pb.h"
#include "projections/token_columns.h"

namespace mintmark {

// The tokens of each account that are not deleted, as lists and reads show them.
class TokenList final : public RowProjection {
 public:
  static constexpr std::string_view projection_name = "token_list";

  explicit TokenList(View view) : RowProjection(view) {}
  std::string_view name() const override { return projection_name; }

  // Thread-safe; they block on disk.
  std::optional<TokenRow> find(TokenId id) const;

  struct Page {
    std::vector<TokenRow> rows;
    std::size_t total = 0;
  };
  // The token that time does something to next, and when: see ComeDue (domain/token.h). The first of all, or
  // the first behind `after`.
  struct Due {
    Time at;
    TokenId token;
  };
  std::optional<Due> next_due(const std::optional<Due>& after = {}) const;
  // The account's tokens from `offset` on, newest first, at most `limit`, without those that were created
  // after position `newest`. The time grows with the offset and with what `newest` leaves out.
  Page page(AccountId account, std::size_t offset, std::size_t limit, Position newest = UINT64_MAX) const;

  // All tokens of the account, in memory (projections/token_columns.h): for what page() cannot answer, or
  // only slowly. The first call for an account loads it, in some seconds for a million tokens.
  std::shared_ptr<const TokenBlocks> blocks(AccountId account) const;

 private:
  Result<void> apply_event(const StoredEvent& event, RowWriter& rows) override;
  void rows_written() override;
  void rows_dropped() override { changes_.clear(); }
  Position load(AccountId account, const std::function<void(const TokenRow&)>& take) const;

  mutable TokenColumns columns_{limits::list_tokens_in_memory_max};
  std::vector<TokenRowChange> changes_;  // of the batch that is being applied; the projector's thread alone
};

}  // namespace mintmark
