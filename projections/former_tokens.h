#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "projections/authorization_changes.h"
#include "projections/token_table.h"

namespace mintmark {

// A TokenTable as it was when this was made, given out part by part while the table goes on changing: who
// changes it notes beforehand what the tokens were that are not given out yet. Takes memory for those alone.
// Not thread-safe.
class FormerTokens {
 public:
  // The changes are about to be applied to the table.
  void note(std::span<const TokenChange> changes, const TokenTable& table);

  // Appends the next part's tokens as they were, in the table's order and in the form that a snapshot has
  // (authorization_snapshot.h). To be called TokenTable::part_count times.
  void take_part(const TokenTable& table, std::string& bytes);

 private:
  std::size_t part_ = 0;  // the next
  // By their places in the table's order; empty: there was none.
  std::map<std::uint32_t, std::string> former_;
};

}  // namespace mintmark
