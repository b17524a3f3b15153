#include "api/token_query.h"

#include <algorithm>
#include <array>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "api/list_response.h"
#include "api/token_page.h"
#include "tests/api/naive_tokens.h"
#include "tests/support/api_instance.h"
#include "tests/support/long_form.h"

// Token lists over columns, held against a filter of the represented objects that is written here from the
// contract's words alone.
namespace mintmark::token_query_test {
namespace {

using namespace ::mintmark::naive_tokens;
using namespace ::mintmark::testing;

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
    if (engine_() % 2 == 0) created.set_expires_at_us(now + days * 86'400'000'000 + fraction());
    const auto id = *TokenId::parse(created.token_id());
    AppendRequest request;
    const auto position = instance_.memory.head() + 1;
    request.streams.push_back({stream_of(id), 0, {}});
    request.streams.back().events.push_back({event_id(position), event});
    // Several in one second, and the clock may go back inside it.
    request.metadata.recorded_at = History::recorded_at(position / 8) + std::chrono::microseconds(fraction());
    request.metadata.actor.set_kind(engine_() % 2 == 0 ? Actor::OPERATOR : Actor::USER);
    request.metadata.actor.set_id(people_[engine_() % people_.size()]);
    ASSERT_TRUE(append_and_wait(instance_.memory, std::move(request)));
    if (engine_() % 3 == 0) grant(id);
    if (engine_() % 3 == 0) use(id);
  }

  void grant(TokenId id) {
    Event granted;
    for (auto count = 1 + engine_() % 3; count > 0; --count) {
      const std::array<std::uint32_t, 5> modules{1, 2, 20, 63, 64};
      granted.mutable_permissions_granted()->add_modules(modules[engine_() % modules.size()]);
    }
    history_.add(id, granted);
  }

  void use(TokenId id) {
    Event used;
    auto& use = *used.mutable_tokens_used()->add_uses();
    use.set_token(id.value());
    const auto at = instance_.clock.now().time_since_epoch().count() - 60'000'000;
    use.set_last_used_at_us(at + static_cast<std::int64_t>(engine_() % 9) * 1'000'000 + fraction());
    history_.add("usage-" + account_.text(), used);
  }

  // Of a second.
  std::int64_t fraction() { return static_cast<std::int64_t>(engine_() % 1'000'000); }

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

  // The evaluator of the lists that are made whole, asked the same of the first few.
  void expect_the_same_of_objects(const json::array& all, const std::vector<Row>& rows,
                                  const std::string& query, const std::function<bool(const Row&)>& answer) {
    constexpr std::size_t count = 80;
    const auto parsed = parse_list_query(query + "&limit=1000").value();
    const auto few = json::array(all.begin(), all.begin() + count);
    std::string wanted;
    for (std::size_t i = 0; i < count; ++i) {
      if (answer(rows[i])) wanted += rows[i].id + " ";
    }
    std::string shown;
    for (const auto& id : read_ids(respond_with_list(few, token_fields, parsed))) shown += id + " ";
    EXPECT_EQ(shown, wanted) << query;
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  std::vector<std::string> people_ = {"UR-000-000-000", "UR-000-000-001"};
  History history_{instance_.memory};
  std::mt19937 engine_;
};

TEST_P(TokenQueryProperty, AnswersAsANaiveFilterOfTheWholeList) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  for (const auto* email : {"ann@example.com", "bob@example.org"}) {
    const auto id = instance_.add_user(account_, email).id.text();
    people_.insert(people_.end(), 8, id);  // they make many, and many others one or two
  }
  for (int i = 0; i < 40; ++i) people_.push_back(fmt::format("UR-000-001-{:03}", i));
  for (int i = 0; i < 700; ++i) create();
  instance_.project();
  const auto whole = list("limit=1000");
  const auto all = read_rows(whole);
  const auto objects = json::parse(whole.body).as_array();
  ASSERT_EQ(all.size(), 700);
  Questions questions(GetParam(), all);
  std::size_t found = 0;
  for (int i = 0; i < 80; ++i) {
    const auto question = questions.ask(3);
    auto query = encoded(question.text);
    expect_the_same_of_objects(objects, all, query, question.answer);
    std::vector<Row> expected;
    std::ranges::copy_if(all, std::back_inserter(expected), question.answer);
    if (questions.below(3) == 0) {
      const auto word = questions.any_of("name").substr(0, 2 + questions.below(2));
      query += "&search='" + encoded(word) + "'";
      std::erase_if(expected, [&](const Row& row) {
        const auto pattern = "*" + lower(word) + "*";
        return !fits(pattern, lower(row.id)) && !fits(pattern, lower(row.name)) &&
               !fits(pattern, lower(row.value("description"))) &&
               !fits(pattern, lower(row.value("external_id")));
      });
    }
    std::vector<std::string> order;
    for (auto count = questions.below(3); count > 0; --count) {
      order.push_back(questions.one_of({"", "-"}) +
                      questions.one_of({"name", "status", "extension.id", "id", "expiration_date",
                                        "events.created.at", "last_used_at"}));
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
    const auto before = read_ids(list(query + "&limit=1000"));
    std::vector<std::string> shown;
    std::vector<std::string> deleted;
    for (std::size_t offset = 0;; offset += 20) {
      const auto page = read_ids(list(fmt::format("{}&limit=20&offset={}", query, offset)));
      if (page.empty()) break;
      shown.insert(shown.end(), page.begin(), page.end());
      for (auto count = engine_() % 5; count > 0; --count) create();
      // Deleted ones have been shown, or will be, or are new.
      const auto ids = read_ids(list("limit=300&ne(description,another%20list)"));
      for (auto count = engine_() % 3; count > 0; --count) {
        const auto& victim = ids[engine_() % ids.size()];
        if (std::ranges::find(deleted, victim) != deleted.end()) continue;
        history_.add(stream_of(*TokenId::parse(victim)), token_deleted());
        deleted.push_back(victim);
      }
      instance_.project();
    }
    auto once = shown;
    std::ranges::sort(once);
    EXPECT_EQ(std::ranges::adjacent_find(once), once.end()) << query;
    // What was created after the first page is in none.
    for (const auto& id : shown) EXPECT_NE(std::ranges::find(before, id), before.end()) << query;
    EXPECT_GT(shown.size(), before.size() / 2) << query;
  }
}

// With one key, pages of any size, and one step of either at a time.
TEST_P(TokenQueryProperty, TwoWhoPageAtOnceSeeNoTokenTwiceEither) {
  SCOPED_TRACE(fmt::format("seed {}", GetParam()));
  for (int i = 0; i < 150; ++i) create();
  instance_.project();
  for (const std::string query : {"", "ordering(name)", "like(id,*1*)"}) {
    struct Walker {
      std::vector<std::string> shown;
      std::size_t offset = 0;
      bool done = false;
    };
    std::array<Walker, 2> walkers;
    while (!walkers[0].done || !walkers[1].done) {
      auto& walker = walkers[engine_() % 2];
      if (walker.done) continue;
      const auto limit = 5 + engine_() % 3 * 5;
      const auto page = read_rows(list(fmt::format("{}&limit={}&offset={}", query, limit, walker.offset)));
      if (walker.offset == 0 && query.empty()) {
        EXPECT_EQ(page.front().id, read_rows(list("limit=1&ne(name,x)")).front().id)
            << "a first page is fresh";
      }
      for (const auto& row : page) walker.shown.push_back(row.id);
      walker.offset += limit;
      walker.done = page.empty();
      for (auto count = engine_() % 3; count > 0; --count) create();
      instance_.project();
      instance_.clock.advance(std::chrono::milliseconds(engine_() % 900));
    }
    for (auto& walker : walkers) {
      std::ranges::sort(walker.shown);
      EXPECT_EQ(std::ranges::adjacent_find(walker.shown), walker.shown.end()) << query;
      EXPECT_GT(walker.shown.size(), 20);
    }
  }
}

TEST_P(TokenQueryProperty, AFirstPageBeginsAnewOnceNobodyGoesOnWithTheOneBefore) {
  for (int i = 0; i < 30; ++i) create();
  instance_.project();
  const auto ids = [&](const std::string& query) { return read_ids(list(query)); };
  const auto first = ids("limit=10");
  create();
  instance_.project();
  EXPECT_EQ(ids("limit=7&offset=10").front(), ids("limit=1000&ne(name,x)")[11]) << "pages of another size";
  instance_.clock.advance(ListCursors::in_use_max + std::chrono::seconds(1));
  const auto again = ids("limit=10");
  EXPECT_EQ(again[1], first[0]);
  EXPECT_EQ(ids("offset=10&limit=10").front(), first[9]);
}

TEST_P(TokenQueryProperty, APageThatFollowsNoOtherShowsTheListAsItIs) {
  for (int i = 0; i < 5; ++i) create();
  instance_.project();
  const auto ids = [&](const std::string& query) { return read_ids(list(query)); };
  ids("limit=1000");
  create();
  create();
  instance_.project();
  const auto all = ids("limit=1000&ne(name,x)");
  EXPECT_THAT(ids("limit=2&offset=1"), ::testing::ElementsAre(all[1], all[2]));
}

std::uint32_t seeds() {
  return static_cast<std::uint32_t>(number_from_environment("QUERY_SEEDS", 1));
}

INSTANTIATE_TEST_SUITE_P(Seeds, TokenQueryProperty, ::testing::Range(1U, 1 + seeds()));

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
  EXPECT_EQ(names("permissions.id=TP-000-000-000-9999"), "");
  EXPECT_EQ(names("permissions.id=null()"), "by an operator;by Ann;");
  EXPECT_EQ(names("extension.name=zapier"), "");
}

}  // namespace
}  // namespace mintmark::token_query_test
