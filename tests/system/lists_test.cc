// The pages of a list and what Content-Range says of them (the contract's "Lists").
#include <boost/json/serialize.hpp>
#include <gtest/gtest.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::lists_test {
namespace {

constexpr int tokens_made = 105;  // more than a page holds by default

class Lists : public ServerTest {
 protected:
  static void SetUpTestSuite() {
    ServerTest::SetUpTestSuite();
    auto client = owner();
    first_key_ = text(create_token(client, "0"), "token");
    for (int i = 1; i < tokens_made; ++i) create_token(client, std::to_string(i));
  }
  // The names in a page, each with a blank behind it; newest first.
  static std::string names(const RestResponse& page) {
    std::string names;
    for (const auto& token : page.array()) names += text(token.as_object(), "name") + " ";
    return names;
  }
  static inline std::string first_key_;
};

struct Page {
  std::string query;
  std::size_t size;
  std::string range;
};

TEST_F(Lists, SayWhichPartOfTheWholeTheyAre) {
  auto client = bearer(first_key_);
  const std::vector<Page> pages = {
      {"", 100, "items 0-99/105"},
      {"?", 100, "items 0-99/105"},
      {"?limit=10", 10, "items 0-9/105"},
      {"?limit=eq=10", 10, "items 0-9/105"},
      {"?eq(limit,10)", 10, "items 0-9/105"},
      {"?limit=10&offset=20", 10, "items 20-29/105"},
      {"?eq(offset,20)&eq(limit,10)", 10, "items 20-29/105"},
      {"?offset=eq=20&limit=10", 10, "items 20-29/105"},
      {"?offset=100", 5, "items 100-104/105"},
      {"?offset=104&limit=1", 1, "items 104-104/105"},
      {"?offset=105", 0, "items 105-105/105"},
      {"?offset=4000000000", 0, "items 4000000000-4000000000/105"},
      {"?limit=0", 0, "items 0-0/105"},
      {"?limit=0&offset=7", 0, "items 0-0/105"},
      {"?limit=1000", 105, "items 0-104/105"},
      {"?limit=1000000", 105, "items 0-104/105"},
      {"?limit=-1", 100, "items 0-99/105"},
      {"?limit=ten", 100, "items 0-99/105"},
      {"?limit=", 100, "items 0-99/105"},
      {"?limit=1e3", 100, "items 0-99/105"},
      {"?limit=99999999999999999999999999", 105, "items 0-104/105"},
      {"?offset=-5&limit=2", 2, "items 0-1/105"},
      {"?offset=x&limit=2", 2, "items 0-1/105"},
      {"?limits=3", 100, "items 0-99/105"},
  };
  for (const auto& [query, size, range] : pages) {
    SCOPED_TRACE(query);
    const auto page = client.get("/auth/tokens" + query);
    EXPECT_EQ(page.status, 200) << page.body;
    EXPECT_EQ(page.header("Content-Type"), "application/json");
    EXPECT_EQ(page.header("Content-Range"), range);
    EXPECT_EQ(page.array().size(), size);
  }
}

TEST_F(Lists, RefuseALimitOrOffsetGivenTwice) {
  auto client = bearer(first_key_);
  for (const std::string query : {"limit=1&limit=1", "limit=1&eq(limit,2)", "limit=eq=1&limit=2",
                                  "offset=1&offset=2", "eq(offset,1)&offset=eq=1"}) {
    SCOPED_TRACE(query);
    const auto answer = client.get("/auth/tokens?" + query);
    EXPECT_EQ(answer.status, 400);
    EXPECT_EQ(answer.header("Content-Type"), "application/json");
    EXPECT_FALSE(answer.header("Content-Range"));
  }
}

TEST_F(Lists, HoldEachTokenOnceOverAllPages) {
  auto client = bearer(first_key_);
  std::string all;
  for (int offset = 0; offset < tokens_made; offset += 25) {
    all += names(client.get("/auth/tokens?limit=25&offset=" + std::to_string(offset)));
  }
  EXPECT_EQ(all, names(client.get("/auth/tokens?limit=1000")));
  std::string expected;
  for (int i = tokens_made - 1; i >= 0; --i) expected += std::to_string(i) + " ";
  EXPECT_EQ(all, expected);
}

TEST_F(Lists, OfAccountsUsersAndExtensionsArePagedAlike) {
  auto client = bearer(first_key_);
  const auto users = "/accounts/" + folder().account() + "/users";
  for (const auto& [path, total] :
       std::vector<std::pair<std::string, int>>{{"/accounts", 1}, {users, 1}, {"/extensions", 2}}) {
    SCOPED_TRACE(path);
    const auto whole = "/" + std::to_string(total);
    EXPECT_EQ(client.get(path).header("Content-Range"), "items 0-" + std::to_string(total - 1) + whole);
    EXPECT_EQ(client.get(path + "?limit=1").header("Content-Range"), "items 0-0" + whole);
    EXPECT_EQ(client.get(path + "?limit=0").header("Content-Range"), "items 0-0" + whole);
    EXPECT_EQ(client.get(path + "?limit=0").body, "[]");
    EXPECT_EQ(client.get(path + "?offset=9").header("Content-Range"), "items 9-9" + whole);
    EXPECT_EQ(client.get(path + "?offset=9").body, "[]");
    EXPECT_EQ(client.get(path + "?limit=1&limit=1").status, 400);
  }
}

TEST_F(Lists, AreNotAskedForWithNulOrOtherThanUtf8) {
  auto client = bearer(first_key_);
  for (const std::string query :
       {"name=a%00b", "like(name,*a%00*)", "eq(name,%00)", "in(name,(a,%00))", "order_by=name%00", "%00=a",
        "limit=1%00", "name=%FF", "like(name,*%C3)", "%C3%28=a"}) {
    SCOPED_TRACE(query);
    expect_error(client.get("/auth/tokens?" + query), 400, "RQL_001");
  }
}

TEST_F(Lists, ThatAreEmptySaySo) {
  const auto stranger = folder().open_account("empty");
  auto client = anyone();
  client.log_in(stranger.email, stranger.password);
  for (const std::string query : {"", "?limit=0", "?limit=5", "?offset=5"}) {
    const auto page = client.get("/auth/tokens" + query);
    EXPECT_EQ(page.body, "[]");
    EXPECT_EQ(page.header("Content-Range"), "items 0-0/0") << query;
  }
}

TEST_F(Lists, ShowAChangeAtOnce) {
  auto client = bearer(first_key_);
  for (int i = 0; i < 20; ++i) {
    const auto token = create_token(client, "brief");
    EXPECT_EQ(names(client.get("/auth/tokens?limit=1")), "brief ");
    EXPECT_EQ(client.remove(path_of(token)).status, 204);
    EXPECT_EQ(names(client.get("/auth/tokens?limit=1")), "104 ");
  }
}

}  // namespace
}  // namespace mintmark::testing::lists_test
