#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "domain/time.h"
#include "projections/row_projection.h"
#include "projections/rows.pb.h"

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
  // The account's tokens from `offset` on, newest first, at most `limit`.
  Page page(AccountId account, std::size_t offset, std::size_t limit) const;

 private:
  Result<void> apply_event(const StoredEvent& event, RowWriter& rows) override;
};

// The row that a TokenCreated makes, and what a later event of its stream, but a deletion, does to it.
TokenRow token_row(const Recorded& created);
void change_row(TokenRow& row, const Recorded& recorded);

}  // namespace mintmark
