#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "projections/row_projection.h"
#include "projections/rows.pb.h"

namespace mintmark {

// The extensions that accounts have made for themselves, and how many tokens each has.
class ExtensionList final : public RowProjection {
 public:
  static constexpr std::string_view projection_name = "extension_list";

  explicit ExtensionList(View view) : RowProjection(view) {}
  std::string_view name() const override { return projection_name; }

  // Thread-safe; they block on disk.
  // Also one that is deleted: its row says so.
  std::optional<ExtensionRow> find(ExtensionId id) const;
  // Whether the token is one of those that its extension has.
  bool counts(TokenId id) const;
  // Whether the account has it: looks through the account's own alone.
  bool belongs(ExtensionId id, AccountId account) const;
  // The account's that are not deleted, newest first; at most limits::extensions_per_account_max.
  std::vector<ExtensionRow> of(AccountId account) const;

 private:
  Result<void> apply_event(const StoredEvent& event, RowWriter& rows) override;
};

}  // namespace mintmark
