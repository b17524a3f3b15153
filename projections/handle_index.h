#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "domain/ids.h"
#include "eventstore/pepper.h"
#include "projections/row_projection.h"
#include "projections/rows.pb.h"

namespace mintmark {

// Which Zapier token a handle is: by the handle's keyed digest, so that the rows tell no handle. A handle
// leaves when it is rotated away, when its renewal has taken over, or with its token; whether its token may
// be used is not known here.
class HandleIndex final : public RowProjection {
 public:
  static constexpr std::string_view projection_name = "handle_index";

  explicit HandleIndex(View view) : RowProjection(view) {}
  std::string_view name() const override { return projection_name; }

  // The token whose handle has that digest under the pepper of that number. Thread-safe; blocks on disk.
  std::optional<TokenId> find(std::uint32_t pepper, const Digest& digest) const;

 private:
  Result<void> apply_event(const StoredEvent& event, RowWriter& rows) override;
};

}  // namespace mintmark
