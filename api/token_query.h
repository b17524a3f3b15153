#pragma once

#include <cstddef>
#include <vector>

#include "api/token_scan.h"

namespace mintmark {

struct TokenMatches {
  std::vector<TokenId> tokens;  // of the page, in order
  std::size_t total = 0;        // that pass the filter
};

struct TokenPageRequest {
  std::size_t offset = 0;
  std::size_t limit = 0;
  Position newest = UINT64_MAX;  // what was created later is left out
};

// Filters and orders an account's tokens by the columns of token_fields, in one pass over them. Without an
// order, and between equals, the newest come first.
TokenMatches query_tokens(const TokenBlocks& blocks, const Filter& filter, const std::vector<OrderBy>& order,
                          const TokenPageRequest& page, TokenScan& scan);

}  // namespace mintmark
