#include <chrono>
#include <string>
#include <utility>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

// When a token was used last, as lists and reads show it.
namespace mintmark::last_used_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using namespace std::chrono_literals;
using namespace ::mintmark::testing;

class LastUsedTest : public ::testing::Test {
 protected:
  CreatedToken create(const std::string& name) { return instance_.create_token(account_, CUSTOM, name); }
  http::Response get(const std::string& target) {
    auto response = instance_.call(RequestBuilder("GET", "/public/v1" + target)
                                       .header("Authorization", "ApiKey " + asking_.value.key->text()));
    EXPECT_EQ(response.status, 200) << response.body;
    return response;
  }
  http::Response get(const CreatedToken& token) { return get("/auth/tokens/" + token.row.token_id()); }
  json::value last_used_at(const CreatedToken& token) { return json_of(get(token)).at("last_used_at"); }
  // The names of the tokens in a list.
  std::string names(const std::string& query) {
    std::string names;
    for (const auto& token : json::parse(get("/auth/tokens?" + query).body).as_array())
      names += std::string(token.at("name").as_string()) + ";";
    return names;
  }
  void record_use(const CreatedToken& token, Time at) {
    Event event;
    auto& use = *event.mutable_tokens_used()->add_uses();
    use.set_token(TokenId::parse(token.row.token_id())->value());
    use.set_last_used_at_us(at.time_since_epoch().count());
    History(instance_.memory).add("usage-" + account_.text(), std::move(event));
    instance_.project();
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const CreatedToken asking_ = create("asking");
  const Time beginning_ = instance_.clock.now();
};

TEST_F(LastUsedTest, IsNullUntilTheTokenIsUsedAndThenTheNewestUse) {
  const auto token = create("used");
  EXPECT_TRUE(last_used_at(token).is_null());
  EXPECT_EQ(last_used_at(asking_), json::value(format_time(beginning_)));

  record_use(token, beginning_ - 1h);
  EXPECT_EQ(last_used_at(token), json::value(format_time(beginning_ - 1h)));
  record_use(asking_, beginning_ - 1h);
  EXPECT_EQ(last_used_at(asking_), json::value(format_time(beginning_))) << "what is remembered is newer";
  record_use(asking_, beginning_ + 1h);
  EXPECT_EQ(last_used_at(asking_), json::value(format_time(beginning_ + 1h))) << "what is recorded is newer";
}

TEST_F(LastUsedTest, ListsShowFilterAndOrderByIt) {
  const auto first = create("first");
  const auto second = create("second");
  create("never");
  record_use(first, beginning_ - 1h);
  record_use(second, beginning_ - 2h);
  EXPECT_EQ(names("ne(name,asking)&ordering(last_used_at)"), "second;first;never;");
  EXPECT_EQ(names("ne(name,asking)&ordering(-last_used_at)"), "never;first;second;");
  EXPECT_EQ(names("ne(name,asking)&null(last_used_at)"), "never;");
  EXPECT_EQ(names("ne(last_used_at,null())&ordering(name)"), "first;second;");
  EXPECT_EQ(names("lt(last_used_at," + format_time(beginning_ - 90min) + ")"), "second;");
  const auto shown = json::parse(get("/auth/tokens?name=second&select(-events)").body).as_array();
  EXPECT_EQ(shown.at(0).at("last_used_at"), json::value(format_time(beginning_ - 2h)));
}

TEST_F(LastUsedTest, AUseLeavesTheVersionOfATokenAsItIs) {
  const auto token = create("used");
  const auto before = header_of(get(token), "ETag");
  ASSERT_NE(before, "");
  record_use(token, beginning_);
  EXPECT_EQ(header_of(get(token), "ETag"), before);
  const auto changed = instance_.call(RequestBuilder("PUT", "/public/v1/auth/tokens/" + token.row.token_id())
                                          .header("Authorization", "ApiKey " + asking_.value.key->text())
                                          .header("Content-Type", "application/json")
                                          .header("If-Match", before)
                                          .body(R"({"name": "renamed"})"));
  EXPECT_EQ(changed.status, 200) << changed.body;
  EXPECT_EQ(json_of(changed).at("last_used_at"), json::value(format_time(beginning_)));
}

}  // namespace
}  // namespace mintmark::last_used_test
