#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "projections/row_projection.h"
#include "projections/rows.pb.h"

namespace mintmark {

// The webhooks of each account that are not deleted. What they seal stays sealed in their rows.
class WebhookList final : public RowProjection {
 public:
  static constexpr std::string_view projection_name = "webhook_list";

  explicit WebhookList(View view) : RowProjection(view) {}
  std::string_view name() const override { return projection_name; }

  // Thread-safe; they block on disk.
  std::optional<WebhookRow> find(WebhookId id) const;
  // Whether the account has it: looks through the account's own alone.
  bool belongs(WebhookId id, AccountId account) const;
  // The account's, newest first; at most limits::webhooks_per_account_max.
  std::vector<WebhookRow> of(AccountId account) const;

 private:
  Result<void> apply_event(const StoredEvent& event, RowWriter& rows) override;
};

}  // namespace mintmark
