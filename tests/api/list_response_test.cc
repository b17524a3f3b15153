#include "api/list_response.h"

#include <cstddef>
#include <functional>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "domain/limits.h"

namespace mintmark::list_response_test {
namespace {

namespace json = boost::json;

constexpr Field fields[] = {
    {"id", FieldType::kText, true, true},
    {"name", FieldType::kText, true, true},
    {"active", FieldType::kBool, true},
    {"priority", FieldType::kNumber, true},
    {"at", FieldType::kDate, true},
    {"owner.id", FieldType::kText},
    {"permissions.object.id", FieldType::kText},
};

const std::string rows = R"([
  {"id": "A", "name": "Alpha", "active": true, "priority": 3, "at": "2026-01-01T00:00:00+00:00",
   "owner": {"id": "VA-1"}, "permissions": [{"object": {"id": "M1"}}, {"object": {"id": "M2"}}]},
  {"id": "B", "name": "beta*", "active": false, "priority": 1, "at": null,
   "owner": {"id": "VA-2"}, "permissions": []},
  {"id": "C", "name": "Gämma", "active": true, "priority": 2, "at": "2026-03-01T00:00:00+00:00",
   "owner": {"id": "VA-1"}, "permissions": [{"object": {"id": "M2"}}]},
  {"id": "D", "name": null, "active": true, "priority": 2, "at": "2026-02-01T00:00:00+00:00",
   "owner": null}
])";

http::Response respond(std::string_view query) {
  const auto parsed = parse_list_query(query);
  EXPECT_TRUE(parsed) << parsed.error().messages.front();
  return respond_with_list(json::parse(rows).as_array(), fields, *parsed);
}

std::string ids(std::string_view query) {
  const auto response = respond(query);
  if (response.status != 200) return response.body;
  std::string found;
  for (const auto& row : json::parse(response.body).as_array()) found += row.at("id").as_string();
  return found;
}

TEST(ListResponse, FiltersTextsDatesBooleansAndNumbers) {
  EXPECT_EQ(ids(""), "ABCD");
  EXPECT_EQ(ids("id=A"), "A");
  EXPECT_EQ(ids("ne(id,A)"), "BCD");
  EXPECT_EQ(ids("in(id,(C,A,X))"), "AC");
  EXPECT_EQ(ids("in(id,())"), "");
  EXPECT_EQ(ids("out(id,(C,A,X))"), "BD");
  EXPECT_EQ(ids("name=alpha"), "");
  EXPECT_EQ(ids("ilike(name,alpha)"), "A");
  EXPECT_EQ(ids("like(name,A*)"), "A");
  EXPECT_EQ(ids("like(name,*a)"), "AC");
  EXPECT_EQ(ids("ilike(name,*A*)"), "ABC");
  EXPECT_EQ(ids("like(name,*a*a*)"), "");
  EXPECT_EQ(ids("ilike(name,a*a)"), "A");
  EXPECT_EQ(ids("like(name,*%5C*)"), "B");
  EXPECT_EQ(ids("ilike(name,g%C3%84mma)"), "C");
  EXPECT_EQ(ids("active=true"), "ACD");
  EXPECT_EQ(ids("ne(active,true)"), "B");
  EXPECT_EQ(ids("ge(priority,2)"), "ACD");
  EXPECT_EQ(ids("in(priority,(1,3))"), "AB");
  EXPECT_EQ(ids("gt(at,2026-01-01)"), "CD");
  EXPECT_EQ(ids("at=2026-01-01T01:00:00+01:00"), "A");
  EXPECT_EQ(ids("range(at,2026-01-01,2026-02-01)"), "AD");
  EXPECT_EQ(ids("not(gt(at,2026-01-01))"), "AB");
  EXPECT_EQ(ids("at=null()"), "B");
  EXPECT_EQ(ids("ne(at,null())"), "ACD");
  EXPECT_EQ(ids("name=empty()"), "D");
  EXPECT_EQ(ids("null(name)"), "D");
  EXPECT_EQ(ids("null(name,false)"), "ABC");
}

TEST(ListResponse, FiltersThroughObjectsAndArrays) {
  EXPECT_EQ(ids("owner.id=VA-1"), "AC");
  EXPECT_EQ(ids("permissions.object.id=M2"), "AC");
  EXPECT_EQ(ids("permissions.object.id=M1"), "A");
  EXPECT_EQ(ids("ne(permissions.object.id,M1)"), "BCD");
  EXPECT_EQ(ids("permissions.object.id=null()"), "BD");
}

TEST(ListResponse, LeavesUnknownFiltersOut) {
  EXPECT_EQ(ids("unknown=1"), "ABCD");
  EXPECT_EQ(ids("(unknown=1|id=A)"), "A");
  EXPECT_EQ(ids("not(unknown=1)"), "ABCD");
  EXPECT_EQ(ids("not(and(unknown=1,id=A))"), "BCD");
}

TEST(ListResponse, SearchesWhateverTheCase) {
  EXPECT_EQ(ids("search=ALPH"), "A");
  EXPECT_EQ(ids("search=*alph*"), "A");
  EXPECT_EQ(ids("search=d"), "D");
  EXPECT_EQ(ids("search=G%C3%84"), "C");
  EXPECT_EQ(ids("search=b&active=false"), "B");
  EXPECT_EQ(ids("search="), "ABCD");
}

TEST(ListResponse, OrdersAndKeepsItsOwnOrderBetweenEquals) {
  EXPECT_EQ(ids("ordering(-id)"), "DCBA");
  EXPECT_EQ(ids("ordering(priority)"), "BCDA");
  EXPECT_EQ(ids("ordering(-priority)"), "ACDB");
  EXPECT_EQ(ids("ordering(priority,-id)"), "BDCA");
  EXPECT_EQ(ids("ordering(at)"), "ADCB");
  EXPECT_EQ(ids("ordering(-at)"), "BCDA");
  EXPECT_EQ(ids("ordering(name)"), "ACBD");
  EXPECT_EQ(ids("ordering(active,-id)&limit=2&offset=1"), "DC");
}

TEST(ListResponse, RefusesWhatDoesNotFitTheTable) {
  const auto refusal = [](std::string_view query) {
    const auto response = respond(query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_EQ(json::parse(response.body).at("error_code"), "RQL_001");
    return std::string(json::parse(response.body).at("errors").at(0).as_string());
  };
  EXPECT_EQ(
      refusal("limit=1&at=soon"),
      "at: Must be a date in ISO 8601, such as 2030-01-31T12:00:00+00:00. (at character 9 of the query)");
  EXPECT_EQ(refusal("active=True"), "active: Must be true or false. (at character 1 of the query)");
  EXPECT_EQ(refusal("priority=1.5"), "priority: Must be a whole number. (at character 1 of the query)");
  EXPECT_EQ(refusal("gt(name,x)"),
            "name: A text takes eq, ne, like, ilike, in and out. (at character 1 of the query)");
  EXPECT_EQ(refusal("like(at,x)"), "at: A date takes no like and no ilike. (at character 1 of the query)");
  EXPECT_EQ(refusal("gt(active,true)"), "active: It takes eq, ne, in and out. (at character 1 of the query)");
  EXPECT_EQ(refusal("gt(at,null())"),
            "at: null() and empty() take eq, ne, in and out. (at character 1 of the query)");
  EXPECT_EQ(refusal("ordering(id,nothing)"),
            "ordering: This list cannot be ordered by nothing (at character 13 of the query).");
  EXPECT_EQ(refusal("ordering(owner.id)"),
            "ordering: This list cannot be ordered by owner.id (at character 10 of the query).");
}

std::string terms(std::size_t count) {
  std::string query;
  for (std::size_t i = 0; i < count; ++i) query += "&ne(id,x)";
  return query;
}

Result<void> check(const std::string& query, std::size_t length) {
  return check_work(compile_filter(parse_list_query(query).value(), fields).value(), length,
                    limits::query_checks_max);
}

TEST(ListResponse, AListIsAskedTheMoreTheShorterItIs) {
  constexpr std::size_t million = 1'000'000;
  EXPECT_TRUE(check("", SIZE_MAX));
  EXPECT_TRUE(check(terms(32), million));
  EXPECT_TRUE(check(terms(limits::query_terms_max), million / 8));
  EXPECT_TRUE(check(terms(limits::query_conditions_min), 100 * million)) << "a handful is always fine";
  EXPECT_TRUE(check("search=x&unknown=1" + terms(30), million));
  for (const auto& query : {terms(33), "search=x" + terms(31), "not((id=A|and(id=B,id=C)))" + terms(30)}) {
    const auto refused = check(query, million);
    ASSERT_FALSE(refused) << query;
    EXPECT_EQ(refused.error().kind, ErrorKind::kInvalidQuery);
    EXPECT_EQ(refused.error().messages.front(),
              "query: A list of 1000000 takes 32 conditions at once, not 33. An in() of many values is one; "
              "a search "
              "is one for each field that it looks in.");
  }
}

TEST(ListResponse, AListThatIsTooLongForAllThatItIsAskedIsRefused) {
  constexpr std::size_t rows_count = 5'000;
  const json::array rows_many(rows_count, json::object{{"id", "A"}});
  const auto ask = [&](std::size_t count) {
    return respond_with_list(rows_many, fields, parse_list_query(terms(count) + "&limit=1").value()).status;
  };
  EXPECT_EQ(ask(limits::query_table_checks_max / rows_count), 200);
  EXPECT_EQ(ask(limits::query_table_checks_max / rows_count + 1), 400);
}

// Random numbers and booleans, and questions about them, against what the contract says of each. Of texts and
// dates token_query_test.cc asks the same evaluator.
TEST(ListResponse, AnswersAboutNumbersAndBooleansAsANaiveFilterDoes) {
  struct Thing {
    std::optional<int> number;
    std::optional<bool> flag;
  };
  std::mt19937 engine(1);
  const auto below = [&engine](int end) { return static_cast<int>(engine() % static_cast<unsigned>(end)); };
  std::vector<Thing> things(60);
  json::array objects;
  for (auto& thing : things) {
    if (below(4) != 0) thing.number = below(9) - 4;
    if (below(4) != 0) thing.flag = below(2) == 0;
    objects.push_back({{"id", std::to_string(objects.size())},
                       {"priority", thing.number ? json::value(*thing.number) : json::value(nullptr)},
                       {"active", thing.flag ? json::value(*thing.flag) : json::value(nullptr)}});
  }
  std::size_t found = 0;
  for (int i = 0; i < 300; ++i) {
    const int a = below(9) - 4;
    const int b = below(9) - 4;
    const bool flag = below(2) == 0;
    using Answer = std::function<bool(const Thing&)>;
    const auto compare = [](const Thing& thing, auto fits) { return thing.number && fits(*thing.number); };
    const std::vector<std::pair<std::string, Answer>> questions = {
        {fmt::format("priority={}", a), [=](const Thing& thing) { return thing.number == a; }},
        {fmt::format("ne(priority,{})", a), [=](const Thing& thing) { return thing.number != a; }},
        {fmt::format("gt(priority,{})", a),
         [=](const Thing& thing) { return compare(thing, [=](int n) { return n > a; }); }},
        {fmt::format("priority=le={}", a),
         [=](const Thing& thing) { return compare(thing, [=](int n) { return n <= a; }); }},
        {fmt::format("range(priority,{},{})", a, b),
         [=](const Thing& thing) { return compare(thing, [=](int n) { return n >= a && n <= b; }); }},
        {fmt::format("in(priority,({},{}))", a, b),
         [=](const Thing& thing) { return thing.number == a || thing.number == b; }},
        {fmt::format("out(priority,({},null()))", a),
         [=](const Thing& thing) { return thing.number && thing.number != a; }},
        {"null(priority)", [](const Thing& thing) { return !thing.number; }},
        {fmt::format("active={}", flag), [=](const Thing& thing) { return thing.flag == flag; }},
        {fmt::format("ne(active,{})", flag), [=](const Thing& thing) { return thing.flag != flag; }},
        {"ne(active,null())", [](const Thing& thing) { return thing.flag.has_value(); }},
    };
    const auto& [left, answer] = questions[static_cast<std::size_t>(below(11))];
    const auto& [right, other] = questions[static_cast<std::size_t>(below(11))];
    const bool either = below(2) == 0;
    const auto query = fmt::format("{}({},not({}))&limit=1000", either ? "or" : "and", left, right);
    std::string wanted;
    for (std::size_t n = 0; n < things.size(); ++n) {
      const bool passes =
          either ? answer(things[n]) || !other(things[n]) : answer(things[n]) && !other(things[n]);
      if (passes) wanted += std::to_string(n) + " ";
    }
    std::string shown;
    const auto response = respond_with_list(objects, fields, parse_list_query(query).value());
    for (const auto& object : json::parse(response.body).as_array())
      shown.append(object.at("id").as_string()).append(" ");
    EXPECT_EQ(shown, wanted) << query;
    found += wanted.size();
  }
  EXPECT_GT(found, 1000) << "the questions found too little to be worth asking";
}

std::string selected(std::string_view query) {
  const auto parsed = parse_list_query(query);
  EXPECT_TRUE(parsed);
  auto object =
      json::parse(R"({"id":1,"events":{"created":{"at":2,"by":3},"updated":4},"list":[{"a":5,"b":6}]})");
  apply_selection(object.as_object(), parsed->selection);
  // Objects compare without order; their text does not.
  return json::serialize(object);
}

TEST(ListResponse, LeavesOutWhatSelectSays) {
  EXPECT_EQ(selected("select(id)"), selected(""));
  EXPECT_EQ(selected("select(+events,+nothing)"), selected(""));
  EXPECT_EQ(selected("select(-nothing,-id.x)"), selected(""));
  EXPECT_EQ(selected("select(-events,-list)"), R"({"id":1})");
  EXPECT_EQ(selected("select(-events.created.by,-list)"),
            R"({"id":1,"events":{"created":{"at":2},"updated":4}})");
  EXPECT_EQ(selected("select(-events,-list,events.created.at)"), R"({"id":1,"events":{"created":{"at":2}}})");
  EXPECT_EQ(selected("select(-list.a,-events)"), R"({"id":1,"list":[{"b":6}]})");
}

json::array items(std::size_t count) {
  json::array all;
  for (std::size_t i = 0; i < count; ++i) all.push_back(json::object{{"id", i}});
  return all;
}

// The list of `total` items through the page.
http::Response list(std::size_t total, std::string_view page) {
  return respond_with_list(items(total), {}, parse_list_query(page).value());
}

std::string content_range(const http::Response& response) {
  EXPECT_EQ(response.headers.size(), 1);
  EXPECT_EQ(response.headers.front().first, "Content-Range");
  return response.headers.front().second;
}

TEST(ListResponse, IsABareArrayOfExactlyApplicationJson) {
  const auto response = list(2, "");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/json");
  EXPECT_EQ(response.body, R"([{"id":0},{"id":1}])");
}

TEST(ListResponse, WhatIsDearIsMadeForThePageAlone) {
  std::vector<std::int64_t> made;
  const auto complete = [&made](json::object& object) {
    made.push_back(object.at("id").as_int64());
    object["dear"] = true;
  };
  const auto query = parse_list_query("limit=2&offset=1").value();
  const auto response = respond_with_list(json::parse(R"([{"id":0},{"id":1},{"id":2},{"id":3}])").as_array(),
                                          {}, query, complete);
  EXPECT_EQ(response.body, R"([{"id":1,"dear":true},{"id":2,"dear":true}])");
  EXPECT_EQ(made, (std::vector<std::int64_t>{1, 2}));
}

TEST(ListResponse, ContentRangeIsInclusiveAndCountsTheWholeList) {
  EXPECT_EQ(content_range(list(3, "")), "items 0-2/3");
  EXPECT_EQ(content_range(list(3, "limit=2")), "items 0-1/3");
  EXPECT_EQ(content_range(list(3, "limit=2&offset=2")), "items 2-2/3");
  EXPECT_EQ(content_range(list(1, "limit=1")), "items 0-0/1");
  EXPECT_EQ(content_range(respond("active=true&limit=2")), "items 0-1/3");
}

TEST(ListResponse, ContentRangeOfEveryKindOfEmptinessIsThreeIntegers) {
  EXPECT_EQ(content_range(list(0, "")), "items 0-0/0");
  EXPECT_EQ(content_range(list(0, "offset=7")), "items 0-0/0");
  EXPECT_EQ(content_range(list(3, "limit=0")), "items 0-0/3");
  EXPECT_EQ(content_range(list(3, "limit=0&offset=2")), "items 0-0/3");
  EXPECT_EQ(content_range(list(3, "offset=3")), "items 3-3/3");
  EXPECT_EQ(content_range(list(3, "offset=50")), "items 50-50/3");
  EXPECT_EQ(list(3, "offset=50").body, "[]");
  EXPECT_EQ(list(3, "limit=0").body, "[]");
}

}  // namespace
}  // namespace mintmark::list_response_test
