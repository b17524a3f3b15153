#include "api/token_query.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/list_response.h"
#include "api/token_page.h"
#include "tests/support/api_instance.h"

// Token lists over columns, held against a filter of the represented objects that is written here from the
// contract's words alone.
namespace mintmark::token_query_test {
namespace {

namespace json = boost::json;
using namespace ::mintmark::testing;

struct Row {
  std::string id, name, description, external_id, status, extension, expires, created;
  std::size_t place = 0;  // in the whole list
};

std::string value_of(const Row& row, const std::string& field) {
  if (field == "id") return row.id;
  if (field == "name") return row.name;
  if (field == "description") return row.description;
  if (field == "external_id") return row.external_id;
  if (field == "status") return row.status;
  if (field == "extension.id") return row.extension;
  if (field == "expiration_date") return row.expires;
  return row.created;
}

// Every date here is printed in UTC by the same function, so that texts compare as dates do.
std::vector<Row> read_rows(const http::Response& response) {
  std::vector<Row> rows;
  for (const auto& value : json::parse(response.body).as_array()) {
    const auto text = [](const json::value& member) {
      return member.is_null() ? std::string() : std::string(member.as_string());
    };
    rows.push_back({text(value.at("id")), text(value.at("name")), text(value.at("description")),
                    text(value.at("external_id")), text(value.at("status")),
                    text(value.at("extension").at("id")), text(value.at("expiration_date")),
                    text(value.at("events").at("created").at("at")), rows.size()});
  }
  return rows;
}

std::string lower(std::string text) {
  for (auto& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

// A pattern by backtracking.
bool fits(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern.front() == '*') {
    for (std::size_t skip = 0; skip <= text.size(); ++skip) {
      if (fits(pattern.substr(1), text.substr(skip))) return true;
    }
    return false;
  }
  return !text.empty() && pattern.front() == text.front() && fits(pattern.substr(1), text.substr(1));
}

// A random query, as text and as what it means.
struct Question {
  std::string text;
  std::function<bool(const Row&)> answer;
};

class Questions {
 public:
  Questions(std::uint32_t seed, const std::vector<Row>& rows) : engine_(seed), rows_(rows) {}

  Question ask(int depth) {
    const auto dice = below(depth == 0 ? 6 : 10);
    if (dice < 4) return about_text();
    if (dice < 6) return about_date();
    if (dice == 6) {
      auto part = ask(depth - 1);
      return {"not(" + part.text + ")", [part](const Row& row) { return !part.answer(row); }};
    }
    auto left = ask(depth - 1);
    auto right = ask(depth - 1);
    if (dice == 7) {
      return {"and(" + left.text + "," + right.text + ")",
              [left, right](const Row& row) { return left.answer(row) && right.answer(row); }};
    }
    const auto either = [left, right](const Row& row) { return left.answer(row) || right.answer(row); };
    if (dice == 8) return {"or(" + left.text + "," + right.text + ")", either};
    return {"(" + left.text + "|" + right.text + ")", either};
  }

  std::string any_of(const std::string& field) { return value_of(rows_[below(rows_.size())], field); }
  std::size_t below(std::size_t end) { return engine_() % end; }
  std::string one_of(std::initializer_list<const char*> choices) {
    return *(choices.begin() + below(choices.size()));
  }

 private:
  Question about_text() {
    const auto field = one_of({"id", "name", "description", "external_id", "status", "extension.id"});
    const auto value = any_of(field);
    const auto part = value.substr(value.empty() ? 0 : below(value.size()), 1 + below(4));
    switch (below(5)) {
      case 0:
        return {field + "=\"" + value + "\"", [=](const Row& row) { return value_of(row, field) == value; }};
      case 1:
        return {"ne(" + field + ",'" + value + "')",
                [=](const Row& row) { return value_of(row, field) != value; }};
      case 2: {
        const auto other = any_of(field);
        return {"in(" + field + ",('" + value + "','" + other + "'))", [=](const Row& row) {
                  return value_of(row, field) == value || value_of(row, field) == other;
                }};
      }
      case 3: {
        const auto pattern = one_of({"*", ""}) + part + one_of({"*", ""});
        return {"like(" + field + ",'" + (pattern == "**" ? "*" : pattern) + "')",
                [=](const Row& row) { return fits(pattern, value_of(row, field)); }};
      }
      default: {
        const auto pattern = part.substr(0, 1) + "*" + part.substr(part.empty() ? 0 : 1);
        return {"ilike(" + field + ",'" + pattern + "')",
                [=](const Row& row) { return fits(lower(pattern), lower(value_of(row, field))); }};
      }
    }
  }

  Question about_date() {
    const auto field = one_of({"expiration_date", "events.created.at"});
    const auto value = any_of(field);
    if (value.empty()) {
      return {"eq(" + field + ",null())", [=](const Row& row) { return value_of(row, field).empty(); }};
    }
    const auto op = one_of({"gt", "ge", "lt", "le", "eq"});
    return {op + "(" + field + "," + value + ")", [=](const Row& row) {
              const auto shown = value_of(row, field);
              if (shown.empty()) return false;
              if (op == "gt") return shown > value;
              if (op == "ge") return shown >= value;
              if (op == "lt") return shown < value;
              return op == "le" ? shown <= value : shown == value;
            }};
  }

  std::mt19937 engine_;
  const std::vector<Row>& rows_;
};

// Nulls come last, or first where the order descends.
void sort_naively(std::vector<Row>& rows, const std::vector<std::string>& order) {
  std::ranges::sort(rows, [&](const Row& left, const Row& right) {
    for (const auto& by : order) {
      const bool descending = by.starts_with('-');
      const auto field = by.substr(descending ? 1 : 0);
      auto a = value_of(left, field);
      auto b = value_of(right, field);
      if (field == "expiration_date") a = a.empty() ? "~" : a, b = b.empty() ? "~" : b;
      if (a != b) return descending ? a > b : a < b;
    }
    return left.place < right.place;
  });
}

class TokenQueryProperty : public ::testing::TestWithParam<std::uint32_t> {
 protected:
  TokenQueryProperty() : engine_(GetParam()) {}

  void create() {
    const auto text = [this](const std::string& start) {
      std::string made = start;
      for (auto size = engine_() % 6; size > 0; --size) made.push_back("abAB 12%"[engine_() % 8]);
      return made;
    };
    auto event = token_created(token_id(static_cast<std::uint32_t>(engine_() % 1'000'000'000)), account_,
                               engine_() % 3 == 0 ? ZAPIER : CUSTOM, text("n"));
    auto& created = *event.mutable_token_created();
    if (engine_() % 2 == 0) created.set_external_id(text("e"));
    if (engine_() % 3 == 0) created.set_description(text("same "));
    const auto now = instance_.clock.now().time_since_epoch().count();
    const auto days = static_cast<std::int64_t>(engine_() % 40) - 10;
    if (engine_() % 2 == 0) created.set_expires_at_us(now + days * 86'400'000'000);
    AppendRequest request;
    const auto position = instance_.memory.head() + 1;
    request.streams.push_back({stream_of(*TokenId::parse(created.token_id())), 0, {}});
    request.streams.back().events.push_back({event_id(position), event});
    request.metadata.recorded_at = History::recorded_at(position);
    ASSERT_TRUE(append_and_wait(instance_.memory, std::move(request)));
  }

  http::Response list(const std::string& query) {
    const auto parsed = parse_list_query(query);
    EXPECT_TRUE(parsed) << query << "\n" << (parsed ? "" : parsed.error().messages.front());
    return answer_token_list(*instance_.services, ApiInstance::caller(account_), *parsed);
  }

  static std::string encoded(const std::string& query) {
    std::string text;
    for (const auto c : query) text += c == '%' ? "%25" : c == ' ' ? "%20" : std::string(1, c);
    return text;
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  History history_{instance_.memory};
  std::mt19937 engine_;
};

TEST_P(TokenQueryProperty, AnswersAsANaiveFilterOfTheWholeList) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  for (int i = 0; i < 700; ++i) create();
  instance_.project();
  const auto all = read_rows(list("limit=1000"));
  ASSERT_EQ(all.size(), 700);
  Questions questions(GetParam(), all);
  std::size_t found = 0;
  for (int i = 0; i < 150; ++i) {
    const auto question = questions.ask(3);
    auto query = encoded(question.text);
    std::vector<Row> expected;
    std::ranges::copy_if(all, std::back_inserter(expected), question.answer);
    if (questions.below(3) == 0) {
      const auto word = questions.any_of("name").substr(0, 2 + questions.below(2));
      query += "&search='" + encoded(word) + "'";
      std::erase_if(expected, [&](const Row& row) {
        const auto pattern = "*" + lower(word) + "*";
        return !fits(pattern, lower(row.id)) && !fits(pattern, lower(row.name)) &&
               !fits(pattern, lower(row.description)) && !fits(pattern, lower(row.external_id));
      });
    }
    std::vector<std::string> order;
    for (auto count = questions.below(3); count > 0; --count) {
      order.push_back(
          questions.one_of({"", "-"}) +
          questions.one_of({"name", "status", "extension.id", "id", "expiration_date", "events.created.at"}));
    }
    if (!order.empty()) query += fmt::format("&ordering({})", fmt::join(order, ","));
    sort_naively(expected, order);
    const auto offset = questions.below(2) == 0 ? 0 : questions.below(50);
    const auto limit = 1 + questions.below(30);
    const auto page = list(fmt::format("{}&limit={}&offset={}", query, limit, offset));
    ASSERT_EQ(page.status, 200) << query << "\n" << page.body;
    std::string shown;
    std::string wanted;
    for (const auto& row : read_rows(page)) shown += row.id + " ";
    for (auto at = offset; at < expected.size() && at < offset + limit; ++at) wanted += expected[at].id + " ";
    ASSERT_EQ(shown, wanted) << query;
    EXPECT_TRUE(page.headers.front().second.ends_with(fmt::format("/{}", expected.size()))) << query;
    found += expected.size();
  }
  EXPECT_GT(found, 1000) << "the questions found too little to be worth asking";
}

TEST_P(TokenQueryProperty, ColumnsAgreeWithRowsOnDisk) {
  for (int i = 0; i < 1500; ++i) create();
  instance_.project();
  // The same list twice: by rows, and by columns that a filter which all pass makes necessary.
  for (const auto* page :
       {"limit=100", "limit=7&offset=990", "limit=1000&offset=600", "limit=0", "offset=1500"}) {
    const auto rows = list(page);
    const auto columns = list(std::string(page) + "&ne(name,x)");
    EXPECT_EQ(rows.body, columns.body) << page;
    EXPECT_EQ(rows.headers, columns.headers) << page;
  }
  EXPECT_EQ(list("limit=7&offset=1400").body, list("limit=7&offset=1400&ne(name,x)").body);
}

TEST_P(TokenQueryProperty, PagingShowsNoTokenTwiceWhileOthersComeAndGo) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  for (int i = 0; i < 300; ++i) create();
  instance_.project();
  for (const std::string query : {"", "ordering(name)", "ne(name,x)", "ordering(-id,name)", "like(id,*1*)"}) {
    const auto before = read_rows(list(query + "&limit=1000"));
    std::vector<std::string> shown;
    std::vector<std::string> deleted;
    for (std::size_t offset = 0;; offset += 20) {
      const auto page = read_rows(list(fmt::format("{}&limit=20&offset={}", query, offset)));
      if (page.empty()) break;
      for (const auto& row : page) shown.push_back(row.id);
      for (auto count = engine_() % 5; count > 0; --count) create();
      // Deleted ones have been shown, or will be, or are new.
      const auto rows = read_rows(list("limit=1000&ne(description,another%20list)"));
      for (auto count = engine_() % 3; count > 0; --count) {
        const auto& victim = rows[engine_() % rows.size()];
        if (std::ranges::find(deleted, victim.id) != deleted.end()) continue;
        history_.add(stream_of(*TokenId::parse(victim.id)), token_deleted());
        deleted.push_back(victim.id);
      }
      instance_.project();
    }
    auto once = shown;
    std::ranges::sort(once);
    EXPECT_EQ(std::ranges::adjacent_find(once), once.end()) << query;
    // What was created after the first page is in none.
    for (const auto& id : shown)
      EXPECT_TRUE(std::ranges::any_of(before, [&](const Row& row) { return row.id == id; })) << query;
    EXPECT_GT(shown.size(), before.size() / 2) << query;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, TokenQueryProperty, ::testing::Range(1U, 4U));

TEST(TokenQuery, FindsCreatorsByTheirIdNameAndAddress) {
  ApiInstance instance;
  const auto account = instance.open_account("Acme");
  const auto user = instance.add_user(account, "ann@example.com");
  auto caller = ApiInstance::caller(account);
  caller.actor.set_kind(Actor::USER);
  caller.actor.set_id(user.id.text());
  NewToken wanted;
  wanted.name = "by Ann";
  ASSERT_TRUE(run(create_token(*instance.services, caller, wanted)));
  instance.create_token(account, CUSTOM, "by an operator");
  instance.project();
  const auto names = [&](const std::string& query) {
    std::string names;
    const auto response = answer_token_list(*instance.services, caller, parse_list_query(query).value());
    for (const auto& row : read_rows(response)) names += row.name + ";";
    return names;
  };
  EXPECT_EQ(names(""), "by an operator;by Ann;");
  EXPECT_EQ(names("events.created.by.id=" + user.id.text()), "by Ann;");
  EXPECT_EQ(names("events.created.by.name=Ann"), "by Ann;");
  EXPECT_EQ(names("ilike(events.created.by.email,*@EXAMPLE.com)"), "by Ann;");
  EXPECT_EQ(names("events.created.by.email=null()"), "by an operator;");
  EXPECT_EQ(names("permissions.id=MD-0001"), "");
  EXPECT_EQ(names("permissions.id=null()"), "by an operator;by Ann;");
  EXPECT_EQ(names("extension.name=zapier"), "");
}

}  // namespace
}  // namespace mintmark::token_query_test
