#include "api/rql.h"

#include <random>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace mintmark::rql_test {
namespace {

using rql::Expression;
using rql::Value;

std::string text_of(const Value& value) {
  if (value.kind == Value::Kind::kText) return "'" + value.text + "'";
  return value.kind == Value::Kind::kNull ? "null()" : "empty()";
}

// One spelling for every query that means the same.
std::string text_of(const Expression& expression) {
  constexpr const char* names[] = {"eq", "ne", "gt", "ge", "lt", "le", "like", "ilike", "in", "out"};
  std::string text;
  if (expression.kind == Expression::Kind::kComparison) {
    for (const auto& value : expression.values) text += "," + text_of(value);
    return fmt::format("{}({}{})", names[static_cast<int>(expression.op)], expression.field, text);
  }
  for (const auto& part : expression.parts) text += (text.empty() ? "" : ",") + text_of(part);
  const auto* name = expression.kind == Expression::Kind::kAnd  ? "and"
                     : expression.kind == Expression::Kind::kOr ? "or"
                                                                : "not";
  return fmt::format("{}({})", name, text);
}

std::string text_of(const ListQuery& query) {
  std::string text;
  for (const auto& part : query.filter.parts) text += (text.empty() ? "" : " ") + text_of(part);
  if (!query.search.empty()) text += " search:" + query.search;
  for (const auto& by : query.ordering) text += fmt::format(" by:{}{}", by.descending ? "-" : "+", by.field);
  for (const auto& field : query.selection)
    text += fmt::format(" select:{}{}", field.left_out ? "-" : "+", field.field);
  if (query.limit != 100 || query.offset != 0) text += fmt::format(" [{}+{}]", query.offset, query.limit);
  return text;
}

struct Accepted {
  std::string_view query;
  std::string_view meaning;
};

class AcceptedQuery : public ::testing::TestWithParam<Accepted> {};

TEST_P(AcceptedQuery, MeansWhatTheContractSays) {
  const auto query = parse_list_query(GetParam().query);
  ASSERT_TRUE(query) << query.error().messages.front();
  EXPECT_EQ(text_of(*query), GetParam().meaning);
}

// What the contract's page shows.
INSTANTIATE_TEST_SUITE_P(OfTheContract, AcceptedQuery,
                         ::testing::ValuesIn(std::vector<Accepted>{
                             {"like(name,%22*a%20n*%22)", "like(name,'*a n*')"},
                             {"name=%22a%20n1%22", "eq(name,'a n1')"},
                             {"in(id,(A,B))&ordering(-name)&limit=3&offset=0",
                              "in(id,'A','B') by:-name [0+3]"},
                             {"((id=A)%7C(id=B))", "or(and(and(eq(id,'A'))),and(and(eq(id,'B'))))"},
                             {"&not(eq(external_id,x))", "not(and(eq(external_id,'x')))"},
                             {"and(like(name,a%20n*),ne(status,inactive))&limit=0&offset=0",
                              "and(like(name,'a n*'),ne(status,'inactive')) [0+0]"},
                             {"gt(events.created.at,2001-01-01T00:00:00+00:00)",
                              "gt(events.created.at,'2001-01-01T00:00:00+00:00')"},
                             {"eq(expiration_date,null())", "eq(expiration_date,null())"},
                             {"select(-permissions)&name=x&ordering(name)&search=term",
                              "eq(name,'x') search:term by:+name select:-permissions"},
                             {"limit=10", " [0+10]"},
                             {"limit=eq=10", " [0+10]"},
                             {"eq(limit,10)", " [0+10]"},
                         }));

INSTANTIATE_TEST_SUITE_P(OfTheGrammar, AcceptedQuery,
                         ::testing::ValuesIn(std::vector<Accepted>{
                             {"", ""},
                             {"&&limit=10&", " [0+10]"},
                             {"limit=10,offset=5", " [5+10]"},
                             {"a=1,b=2&c=3", "eq(a,'1') eq(b,'2') eq(c,'3')"},
                             {"and(limit=10,eq(offset,5))", " [5+10]"},
                             {"(limit=10&offset=5)", " [5+10]"},
                             {"(a=1|b=2)", "or(and(eq(a,'1')),and(eq(b,'2')))"},
                             {"(a=1;b=2;c=3)", "or(and(eq(a,'1')),and(eq(b,'2')),and(eq(c,'3')))"},
                             {"(a=1&b=2|c=3)", "or(and(eq(a,'1'),eq(b,'2')),and(eq(c,'3')))"},
                             {"or(a=1,ne(b,2))", "or(eq(a,'1'),ne(b,'2'))"},
                             {"not(and(a=1,b=2))", "not(and(and(eq(a,'1'),eq(b,'2'))))"},
                             {"not(and(or(a=1,b=2)))", "not(and(and(or(eq(a,'1'),eq(b,'2')))))"},
                             {"not(a=1|b=2)", "not(or(and(eq(a,'1')),and(eq(b,'2'))))"},
                             {"gte(a,1)&lte(b,2)&a=gte=1&b=lt=2", "ge(a,'1') le(b,'2') ge(a,'1') lt(b,'2')"},
                             {"range(a,1,2)", "and(ge(a,'1'),le(a,'2'))"},
                             {"null(a)&empty(a)&null(a,false)&a=empty=true",
                              "eq(a,null()) eq(a,null()) ne(a,null()) eq(a,null())"},
                             {"a=null()&ne(a,empty())", "eq(a,null()) ne(a,empty())"},
                             {"in(a,())&out(a,(x))&a=in=(x,y)", "in(a) out(a,'x') in(a,'x','y')"},
                             {"in(a,(%22x,y%22,'(z)',null()))", "in(a,'x,y','(z)',null())"},
                             {"ilike(a,*x)&a=like=x*", "ilike(a,'*x') like(a,'x*')"},
                             {"like(a,%5C*x%5C*)", "like(a,'\\*x\\*')"},
                             {"name=", "eq(name,'')"},
                             {"name=O'Brien", "eq(name,'O'Brien')"},
                             {"name=%22O'Brien%22", "eq(name,'O'Brien')"},
                             {"name='say%20%22x%22'", "eq(name,'say \"x\"')"},
                             {"name=a+b%2Bc", "eq(name,'a+b+c')"},
                             {"name=a%26b&x=1", "eq(name,'a&b') eq(x,'1')"},
                             {"name=%22a%26b%2C%28c%7Cd%29%22", "eq(name,'a&b,(c|d)')"},
                             {"name=%22a&b=c,(d|e);%22", "eq(name,'a&b=c,(d|e);')"},
                             {"in%28id%2C%28A%2CB%29%29", "in(id,'A','B')"},
                             {"name=caf%C3%A9", "eq(name,'caf\xC3\xA9')"},
                             {"in(id,(A,%20B))&and(a=1,%20b=2)", "in(id,'A','B') and(eq(a,'1'),eq(b,'2'))"},
                             {"name=a%20b%20", "eq(name,'a b ')"},
                             {"ordering(+a,-b,c.d)", " by:+a by:-b by:+c.d"},
                             {"ordering()&select()", ""},
                             {"select(+a,-b.c,d)&select(-e)", " select:+a select:-b.c select:+d select:-e"},
                             {"search=%22a%20b%22", " search:a b"},
                             {"eq(search,x)", " search:x"},
                             {"min_position=17", ""},
                             {"ne(limit,10)&limits=3", "ne(limit,'10') eq(limits,'3')"},
                             {"name=100%25", "eq(name,'100%')"},
                             {"name=%2525", "eq(name,'%25')"},
                             {"x-y.z_1=1", "eq(x-y.z_1,'1')"},
                         }));

// What URLSearchParams makes of queries with calls.
INSTANTIATE_TEST_SUITE_P(OfFormEncoders, AcceptedQuery,
                         ::testing::ValuesIn(std::vector<Accepted>{
                             {"ordering(x)=&limit=3", " by:+x [0+3]"},
                             {"limit=3&ordering%28-x%29=", " by:-x [0+3]"},
                             {"in%28id%2C%28A%2CB%29%29=&select%28-a%29=", "in(id,'A','B') select:-a"},
                             {"null%28a%29=&&null%28b%29=&", "eq(a,null()) eq(b,null())"},
                             {"eq%28a%2C1%29%2Ceq%28b%2C2%29=", "eq(a,'1') eq(b,'2')"},
                             {"%28eq%28a%2C1%29%7Ceq%28b%2C2%29%29=", "or(and(eq(a,'1')),and(eq(b,'2')))"},
                             {"not%28eq%28a%2C1%29%29=&eq%28limit%2C3%29=", "not(and(eq(a,'1'))) [0+3]"},
                             {"and%28a=1%2Cb%3D2%29", "and(eq(a,'1'),eq(b,'2'))"},
                         }));

struct Rejected {
  std::string_view query;
  std::string_view message;
};

class RejectedQuery : public ::testing::TestWithParam<Rejected> {};

TEST_P(RejectedQuery, NamesThePlace) {
  const auto query = parse_list_query(GetParam().query);
  ASSERT_FALSE(query) << text_of(*query);
  EXPECT_EQ(query.error(), (Error{ErrorKind::kInvalidQuery, {std::string(GetParam().message)}}));
}

INSTANTIATE_TEST_SUITE_P(
    Table, RejectedQuery,
    ::testing::ValuesIn(std::vector<Rejected>{
        {"name", "query: Expected '=' or '(' at the end of the query."},
        {"a=1&=2", "query: Expected a filter at character 5."},
        {"1a=2", "query: Expected a filter at character 1."},
        {"like(name)", "query: Expected ',' at character 10."},
        {"eq(limit,10", "query: Expected ')' at the end of the query."},
        {"eq()", "query: Expected the name of a field at character 4."},
        {"contains(name,x)", "query: Expected an operator of RQL at character 1."},
        {"a=1&name=contains=x", "query: Expected an operator of RQL, or a value in quotes at character 10."},
        {"name=a=b", "query: Expected an operator of RQL, or a value in quotes at character 6."},
        {"eq(name,a=b)", "query: Expected the end of the value (or quotes around it) at character 10."},
        {"name=x(y)", "query: Expected the end of the value (or quotes around it) at character 7."},
        {"name=%22x", "query: At character 6: this quote is not closed."},
        {"name=%22x%22y", "query: Expected '&' or the end at character 13."},
        {"a=1|b=2", "query: Expected '&' or the end (or stands in parentheses) at character 4."},
        {"a=1)", "query: Expected '&' or the end at character 4."},
        {"(a=1", "query: Expected ')', '&' or '|' at the end of the query."},
        {"()", "query: Expected a filter at character 2."},
        {"and()", "query: Expected a filter at character 5."},
        {"not()", "query: Expected a filter at character 5."},
        {"in(id,A)", "query: Expected '(' before the values at character 7."},
        {"in(id,(A,B)", "query: Expected ')' at the end of the query."},
        {"in(id,(A;B))", "query: Expected ',' or ')' at character 9."},
        {"like(name,a**b)", "query: At character 11: a pattern may not hold '**'."},
        {"like(name,%2A*)", "query: At character 11: a pattern may not hold '**'."},
        {"search=**", "query: At character 1: a pattern may not hold '**'."},
        {"a=%zz", "query: Expected two hexadecimal digits behind '%' at character 3."},
        {"a=%4", "query: Expected two hexadecimal digits behind '%' at character 3."},
        {"a=%FF", "query: It is not valid UTF-8."},
        {"null(a,maybe)", "query: Expected true or false at character 8."},
        {"range(a,1)", "query: Expected ',' at character 10."},
        {"ordering(name)&a=1&ordering(id)", "query: At character 20: ordering() may come once."},
        {"ordering(a,b,c,d,e,f)", "query: At character 20: no more than 5 fields to order by."},
        {"ordering(name", "query: Expected ',' or ')' at the end of the query."},
        {"ordering(--a)", "query: Expected the name of a field at character 11."},
        {"(a=1|limit=10)", "query: At character 1: only filters may stand under an or."},
        {"or(a=1,limit=10)", "query: At character 8: only filters may stand under an or and a not."},
        {"not(ordering(a))", "query: At character 5: only filters may stand under an or and a not."},
        {"limit=1&limit=1", "limit: Given more than once."},
        {"limit=1&eq(limit,2)", "limit: Given more than once."},
        {"limit=x&limit=eq=2", "limit: Given more than once."},
        {"offset=1,offset=2", "offset: Given more than once."},
        {"search=a&search=b", "search: Given more than once."},
        {"ordering(x)==", "query: Expected '&' or the end at character 13."},
        {"ordering(x)=y&limit=3", "query: Expected '&' or the end at character 13."},
        {"ordering(x)=,limit=3", "query: Expected '&' or the end at character 13."},
        {"name=in=(A)=", "query: Expected '&' or the end at character 12."},
        {"name=%22x%22=", "query: Expected '&' or the end at character 13."},
        {"name=null()=", "query: Expected '&' or the end at character 12."},
        {"and(eq(a,1)=,b=2)", "query: Expected ')' at character 12."},
        {"(eq(a,1)=)", "query: Expected ')', '&' or '|' at character 9."},
        {"not(null(a)=)", "query: Expected ')', '&' or '|' at character 12."},
    }));

TEST(ListQuery, WhatIsNegativeOrNoNumberFallsBackToTheDefault) {
  for (const std::string_view value : {"-1", "x", "", "1.5", "10x", "+10", "0x10", "null()", "1e3"}) {
    const auto query = parse_list_query(fmt::format("limit={0}&offset={0}", value));
    ASSERT_TRUE(query) << value;
    EXPECT_EQ(query->limit, limits::page_default) << value;
    EXPECT_EQ(query->offset, 0) << value;
    EXPECT_EQ(parse_list_query(fmt::format("eq(limit,{})", value))->limit, limits::page_default) << value;
  }
}

TEST(ListQuery, ALimitIsSilentlyCapped) {
  EXPECT_EQ(parse_list_query("limit=1000")->limit, 1000);
  EXPECT_EQ(parse_list_query("limit=1001")->limit, 1000);
  EXPECT_EQ(parse_list_query("limit=99999999999999999999999")->limit, 1000);
  EXPECT_EQ(parse_list_query("offset=99999999999999999999999")->offset, SIZE_MAX);
}

TEST(ListQuery, EveryPageOfAListHasItsIdentity) {
  const auto identity = [](std::string_view query) { return parse_list_query(query)->identity; };
  EXPECT_EQ(identity("name=x&limit=10&ordering(id)"), identity("offset=10&name=x&eq(limit,10)&ordering(id)"));
  EXPECT_EQ(identity(""), identity("limit=1,offset=2&min_position=7"));
  EXPECT_NE(identity("name=x"), identity("name=y"));
  EXPECT_NE(identity("search=x"), identity("name=x"));
  EXPECT_NE(identity("ordering(name)"), identity("ordering(-name)"));
  EXPECT_EQ(identity("ordering(name)=&limit=10"), identity("ordering(name)&offset=10"));
}

TEST(ListQuery, KeepsItsLimits) {
  const auto accepted = [](const std::string& query) { return parse_list_query(query).has_value(); };
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '(') + "a=1" + std::string(depth, ')');
  };
  EXPECT_TRUE(accepted(nested(limits::query_depth_max)));
  EXPECT_FALSE(accepted(nested(limits::query_depth_max + 1)));
  EXPECT_FALSE(accepted(nested(limits::query_bytes_max / 2 - 2)));
  const auto terms = [](std::size_t count) {
    std::string query;
    for (std::size_t i = 0; i < count; ++i) query += "a=1&";
    return query;
  };
  EXPECT_TRUE(accepted(terms(limits::query_terms_max)));
  EXPECT_FALSE(accepted(terms(limits::query_terms_max + 1)));
  const auto values = [](std::size_t count) {
    std::string query = "in(a,(1";
    for (std::size_t i = 1; i < count; ++i) query += ",1";
    return query + "))";
  };
  EXPECT_TRUE(accepted(values(limits::query_values_max)));
  EXPECT_FALSE(accepted(values(limits::query_values_max + 1)));
  EXPECT_TRUE(accepted("a=" + std::string(limits::query_bytes_max - 2, 'x')));
  EXPECT_FALSE(accepted("a=" + std::string(limits::query_bytes_max - 1, 'x')));
}

TEST(ListQuery, AnyPartOfAQueryIsReadOrRefusedWithAMessage) {
  const std::string whole =
      "and(like(name,%22*a%20n*%22),or(ne(status,x),in(id,(A,B))))&not((a=1|b=ge=2))&ordering(-a)&search='x'";
  for (std::size_t begin = 0; begin < whole.size(); ++begin) {
    for (std::size_t size = 0; size <= whole.size() - begin; ++size) {
      const auto query = parse_list_query(whole.substr(begin, size));
      if (!query) EXPECT_THAT(query.error().messages.front(), ::testing::StartsWith("query: "));
    }
  }
}

}  // namespace
}  // namespace mintmark::rql_test
