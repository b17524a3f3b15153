#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>

#include "api/http/message.h"
#include "domain/error.h"

namespace mintmark {

// Which part of a list is wanted (CONTRACT.md, Lists).
struct PageRequest {
  std::size_t limit = 0;
  std::size_t offset = 0;
};

// From limit and offset in the query, also as limit=eq=10 and eq(limit,10): the default where one is absent,
// negative or not a number, at most limits::page_max. kInvalid where one comes twice.
Result<PageRequest> parse_page_request(std::string_view query);

// 200 with the array and its Content-Range; `total` counts the whole list.
http::Response list_response(const boost::json::array& items, const PageRequest& page, std::size_t total);

// The part of a short list that the page wants.
boost::json::array slice_of(boost::json::array all, const PageRequest& page);

}  // namespace mintmark
