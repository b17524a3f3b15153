#include "api/list_query.h"

#include <string>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "domain/limits.h"

namespace mintmark {
namespace {

namespace json = boost::json;

struct Case {
  std::string_view query;
  std::size_t limit;
  std::size_t offset;
};

TEST(ListQuery, LimitAndOffsetAreReadInEveryForm) {
  for (const auto& [query, limit, offset] : {
           Case{"", 100, 0},
           Case{"limit=10", 10, 0},
           Case{"limit=eq=10", 10, 0},
           Case{"eq(limit,10)", 10, 0},
           Case{"limit=10&offset=5", 10, 5},
           Case{"eq(offset,5)&limit=eq=10", 10, 5},
           Case{"name=x&limit=10&ordering(-name)", 10, 0},
           Case{"&&limit=10&", 10, 0},
           Case{"limit=0", 0, 0},
           Case{"limit=007", 7, 0},
       }) {
    const auto page = parse_page_request(query);
    ASSERT_TRUE(page) << query;
    EXPECT_EQ(page->limit, limit) << query;
    EXPECT_EQ(page->offset, offset) << query;
  }
}

TEST(ListQuery, WhatIsNegativeOrNoNumberFallsBackToTheDefault) {
  for (const std::string_view value : {"-1", "x", "", "1.5", "10x", " 10", "+10", "0x10", "null()", "%31"}) {
    const auto page = parse_page_request(fmt::format("limit={0}&offset={0}", value));
    ASSERT_TRUE(page) << value;
    EXPECT_EQ(page->limit, limits::page_default) << value;
    EXPECT_EQ(page->offset, 0) << value;
    EXPECT_EQ(parse_page_request(fmt::format("eq(limit,{})", value))->limit, limits::page_default) << value;
  }
}

TEST(ListQuery, ALimitIsSilentlyCapped) {
  EXPECT_EQ(parse_page_request("limit=1000")->limit, 1000);
  EXPECT_EQ(parse_page_request("limit=1001")->limit, 1000);
  EXPECT_EQ(parse_page_request("limit=18446744073709551615")->limit, 1000);
}

TEST(ListQuery, ANumberThatFitsNoVariableIsStillALargeNumber) {
  const auto page = parse_page_request("limit=99999999999999999999999&offset=99999999999999999999999");
  ASSERT_TRUE(page);
  EXPECT_EQ(page->limit, 1000);
  EXPECT_EQ(page->offset, SIZE_MAX);
}

TEST(ListQuery, ADuplicateIsRefusedInWhicheverForms) {
  for (const auto query : {"limit=1&limit=1", "limit=1&limit=eq=2", "eq(limit,1)&limit=2", "limit=x&limit=1",
                           "limit=1&name=x&eq(limit,1)"}) {
    const auto page = parse_page_request(query);
    ASSERT_FALSE(page) << query;
    EXPECT_EQ(page.error(), (Error{ErrorKind::kInvalid, {"limit: Given more than once."}})) << query;
  }
  EXPECT_EQ(parse_page_request("offset=1&offset=2").error().messages.front(),
            "offset: Given more than once.");
}

TEST(ListQuery, WhatOnlyLooksLikeALimitIsNone) {
  for (const auto query : {"limits=10", "xlimit=10", "limit", "eq(limit)", "eq(limit,10", "ne(limit,10)",
                           "limit.x=10", "eq(limits,10)", "name=limit=10", "Limit=10", "eq()"}) {
    const auto page = parse_page_request(query);
    ASSERT_TRUE(page) << query;
    EXPECT_EQ(page->limit, limits::page_default) << query;
  }
}

json::array items(std::size_t count) {
  json::array all;
  for (std::size_t i = 0; i < count; ++i) all.emplace_back(i);
  return all;
}

std::string content_range(const http::Response& response) {
  EXPECT_EQ(response.headers.size(), 1);
  EXPECT_EQ(response.headers.front().first, "Content-Range");
  return response.headers.front().second;
}

// The list of `total` items through the page.
http::Response list(std::size_t total, PageRequest page) {
  return list_response(slice_of(items(total), page), page, total);
}

TEST(ListResponse, IsABareArrayOfExactlyApplicationJson) {
  const auto response = list(3, {100, 0});
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, "[0,1,2]");
}

TEST(ListResponse, ContentRangeIsInclusiveAndCountsTheWholeList) {
  EXPECT_EQ(content_range(list(3, {100, 0})), "items 0-2/3");
  EXPECT_EQ(content_range(list(3, {2, 0})), "items 0-1/3");
  EXPECT_EQ(content_range(list(3, {2, 2})), "items 2-2/3");
  EXPECT_EQ(list(3, {2, 2}).body, "[2]");
  EXPECT_EQ(content_range(list(1, {1, 0})), "items 0-0/1");
}

TEST(ListResponse, ContentRangeOfEveryKindOfEmptinessIsThreeIntegers) {
  EXPECT_EQ(content_range(list(0, {100, 0})), "items 0-0/0");
  EXPECT_EQ(content_range(list(0, {100, 7})), "items 0-0/0");
  EXPECT_EQ(content_range(list(3, {0, 0})), "items 0-0/3");
  EXPECT_EQ(content_range(list(3, {0, 2})), "items 0-0/3");
  EXPECT_EQ(content_range(list(3, {100, 3})), "items 3-3/3");
  EXPECT_EQ(content_range(list(3, {100, 50})), "items 50-50/3");
  EXPECT_EQ(list(3, {100, 50}).body, "[]");
  EXPECT_EQ(list(3, {0, 0}).body, "[]");
}

}  // namespace
}  // namespace mintmark
