#include <string>
#include <utility>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/event_export.h"
#include "api/http/body_source.h"
#include "tests/support/api_instance.h"

// What happened in an account, over REST: the list and the export.
namespace mintmark::events_test {
namespace {

namespace json = boost::json;
using http::RequestBuilder;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::StartsWith;
using namespace ::mintmark::testing;

const std::string events = "/public/v1/events";

class EventsTest : public ::testing::Test {
 protected:
  EventsTest() {
    const auto password = instance_.add_user(account_, "ann@example.com").password;
    cookie_ = instance_.sign_in("ann@example.com", password);
    token_ = create_token("Billing");
  }

  http::Response call(std::string_view method, const std::string& target, const std::string& body = "") {
    return instance_.call(RequestBuilder(method, target)
                              .header("Cookie", "mintmark_session=" + cookie_)
                              .header("X-CSRF-Token", csrf_token(*instance_.services, cookie_))
                              .header("Content-Type", "application/json")
                              .client_ip("192.0.2.7")
                              .body(body));
  }
  std::string create_token(const std::string& name) {
    const auto response =
        call("POST", "/public/v1/auth/tokens", R"({"extension":{"id":"EXT-000"},"name":")" + name + "\"}");
    EXPECT_EQ(response.status, 201) << response.body;
    return std::string(json_of(response).at("id").as_string());
  }
  json::array list(const std::string& query = "") {
    const auto response = call("GET", events + query);
    EXPECT_EQ(response.status, 200) << response.body;
    range_ = header_of(response, "Content-Range");
    return json::parse(response.body).as_array();
  }
  std::vector<std::string> types(const std::string& query = "") {
    std::vector<std::string> found;
    for (const auto& event : list(query)) found.emplace_back(event.at("type").as_string());
    return found;
  }
  // The whole body of an answer that comes from a source.
  static std::string read(const http::Response& response) {
    std::string body;
    if (!response.source) return body;
    while (auto piece = run(response.source->next())) body += *piece;
    return body;
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  std::string cookie_;
  std::string token_;
  std::string range_;
};

TEST_F(EventsTest, TheListTellsWhatHappenedNewestFirst) {
  EXPECT_THAT(types(),
              ElementsAre("TokenCreated", "SessionOpened", "PasswordSet", "UserAdded", "AccountOpened"));
  EXPECT_EQ(range_, "items 0-4/5");
  EXPECT_EQ(header_of(call("GET", events), "Cache-Control"), "no-store");
}

TEST_F(EventsTest, AnEventTellsWhoDidWhatWhenToWhatFromWhere) {
  const auto event = list("?limit=1").at(0).as_object();
  const auto stored = instance_.memory.read(instance_.memory.head() - 1, 1).front().recorded;
  EXPECT_EQ(event.at("position").to_number<Position>(), instance_.memory.head());
  EXPECT_EQ(event.at("id").as_string(), EventId::from_bytes(stored.event_id()).text());
  EXPECT_EQ(event.at("at").as_string(), "2025-11-23T15:04:05.000000+00:00");
  EXPECT_EQ(event.at("object"), json::parse(R"({"kind":"token","id":")" + token_ + R"(","name":"Billing"})"));
  EXPECT_EQ(event.at("actor"), json::parse(R"({"kind":"user","id":")" + stored.actor().id() +
                                           R"(","name":"Ann","email":"ann@example.com"})"));
  EXPECT_EQ(event.at("client_ip").as_string(), "192.0.2.7");
  EXPECT_EQ(event.at("request_id").as_string(), stored.request_id());
  EXPECT_EQ(event.at("data").at("token_id").as_string(), token_);
  EXPECT_THAT(json::serialize(event.at("data")), Not(HasSubstr("secret")));
}

TEST_F(EventsTest, NamesAreAsTheyAreNow) {
  ASSERT_EQ(call("PUT", "/public/v1/auth/tokens/" + token_, R"({"name":"Renamed"})").status, 200);
  EXPECT_EQ(list("?type=TokenCreated").at(0).at("object").at("name").as_string(), "Renamed");
  ASSERT_EQ(call("DELETE", "/public/v1/auth/tokens/" + token_).status, 204);
  EXPECT_TRUE(list("?type=TokenCreated").at(0).at("object").at("name").is_null());
  EXPECT_EQ(list("?type=AccountOpened").at(0).at("object").at("name").as_string(), "Acme");
  EXPECT_TRUE(list("?type=SessionOpened").at(0).at("object").at("name").is_null());
}

TEST_F(EventsTest, FiltersFindByWhatIsShown) {
  const auto other = create_token("Other");
  ASSERT_EQ(call("PUT", "/public/v1/auth/tokens/" + token_, R"({"name":"Renamed"})").status, 200);
  EXPECT_THAT(types("?type=TokenCreated"), ElementsAre("TokenCreated", "TokenCreated"));
  EXPECT_EQ(range_, "items 0-1/2");
  EXPECT_THAT(types("?in(type,(TokenUpdated,UserAdded))"), ElementsAre("TokenUpdated", "UserAdded"));
  EXPECT_THAT(types("?like(type,*Opened)"), ElementsAre("SessionOpened", "AccountOpened"));
  EXPECT_THAT(types("?object.kind=token&ne(type,TokenUpdated)&limit=1"), ElementsAre("TokenCreated"));
  EXPECT_EQ(range_, "items 0-0/2");
  EXPECT_THAT(types("?object.kind=token&limit=1&offset=2"), ElementsAre("TokenCreated"));
  EXPECT_EQ(range_, "items 2-2/3");
  EXPECT_THAT(types("?actor.kind=operator&object.kind=account"), ElementsAre("AccountOpened"));
  EXPECT_THAT(types("?client_ip=192.0.2.7&type=TokenUpdated"), ElementsAre("TokenUpdated"));
  EXPECT_THAT(types("?client_ip=192.0.2.8"), IsEmpty());
  EXPECT_EQ(range_, "items 0-0/0");
  EXPECT_THAT(types("?gt(at,2025-11-23T15:04:06+00:00)"), IsEmpty());
  EXPECT_EQ(types("?le(at,2025-11-23T15:04:05+00:00)").size(), 7);
  const auto head = std::to_string(instance_.memory.head());
  EXPECT_THAT(types("?position=" + head), ElementsAre("TokenUpdated"));
  EXPECT_THAT(types("?ge(position," + head + ")"), ElementsAre("TokenUpdated"));
  EXPECT_THAT(types("?search=" + other), ElementsAre("TokenCreated"));
  const auto user = list("?type=UserAdded").at(0).at("object").at("id").as_string();
  EXPECT_THAT(types("?type=TokenCreated&actor.id=" + std::string(user)),
              ElementsAre("TokenCreated", "TokenCreated"));
}

TEST_F(EventsTest, AThingHasItsHistory) {
  create_token("Other");
  ASSERT_EQ(call("PUT", "/public/v1/auth/tokens/" + token_, R"({"name":"Renamed"})").status, 200);
  ASSERT_EQ(call("POST", "/public/v1/auth/tokens/" + token_ + "/reveal").status, 200);
  ASSERT_EQ(call("DELETE", "/public/v1/auth/tokens/" + token_).status, 204);
  const auto of_token = "?object.id=" + token_;
  EXPECT_THAT(types(of_token), ElementsAre("TokenDeleted", "TokenRevealed", "TokenUpdated", "TokenCreated"));
  EXPECT_EQ(range_, "items 0-3/4");
  EXPECT_THAT(types(of_token + "&limit=2&offset=1"), ElementsAre("TokenRevealed", "TokenUpdated"));
  EXPECT_EQ(range_, "items 1-2/4");
  EXPECT_THAT(types(of_token + "&offset=9"), IsEmpty());
  EXPECT_EQ(range_, "items 9-9/4");
  EXPECT_THAT(types(of_token + "&limit=0"), IsEmpty());
  EXPECT_EQ(range_, "items 0-0/4");
  EXPECT_THAT(types(of_token + "&ordering(position)&limit=1"), ElementsAre("TokenCreated"));
  EXPECT_THAT(types(of_token + "&like(type,*ed)&ne(type,TokenDeleted)&limit=1"),
              ElementsAre("TokenRevealed"));
  EXPECT_EQ(range_, "items 0-0/3");
  EXPECT_THAT(types("?object.id=" + account_.text()), ElementsAre("AccountOpened"));
  EXPECT_EQ(types("?not(object.id=" + token_ + ")").size(), 5) << "that asks for all others";
  EXPECT_EQ(types("?(object.id=" + token_ + "|type=AccountOpened)").size(), 5);
  EXPECT_THAT(types("?object.id=SU-000-000-000"), IsEmpty());
}

TEST_F(EventsTest, PagesAndOrderAreAsAsked) {
  for (int i = 0; i < 20; ++i) create_token("Token " + std::to_string(i));
  std::vector<Position> newest_first;
  for (const auto& event : list()) newest_first.push_back(event.at("position").to_number<Position>());
  ASSERT_EQ(newest_first.size(), 25);
  EXPECT_TRUE(std::ranges::is_sorted(newest_first, std::ranges::greater()));
  const auto page = list("?limit=7&offset=10");
  EXPECT_EQ(range_, "items 10-16/25");
  for (std::size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(page.at(i).at("position").to_number<Position>(), newest_first[10 + i]);
  }
  const auto oldest = list("?ordering(position)&limit=3&offset=1");
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(oldest.at(i).at("position").to_number<Position>(), newest_first[23 - i]);
  }
  EXPECT_EQ(list("?ordering(-position)&limit=1").at(0).at("position").to_number<Position>(), newest_first[0]);
  EXPECT_EQ(list("?select(-data,-actor)&limit=1").at(0).as_object().contains("data"), false);
}

TEST_F(EventsTest, AQueryThatDoesNotFitIsRefused) {
  for (const std::string query : {"?position=first", "?gt(at,yesterday)", "?ordering(type)",
                                  "?like(position,1)", "?gt(type,A)", "?and(type"}) {
    const auto response = call("GET", events + query);
    EXPECT_EQ(response.status, 400) << query;
    EXPECT_THAT(response.body, HasSubstr("RQL_001")) << query;
  }
}

TEST_F(EventsTest, AnAccountSeesItsOwnAlone) {
  const auto before = list();
  const auto stranger = instance_.open_account("Strangers");
  const auto theirs = instance_.create_token(stranger);
  EXPECT_EQ(list(), before);
  EXPECT_EQ(list("?object.id=" + theirs.row.token_id()), list("?object.id=SU-000-000-000"));
  EXPECT_EQ(list("?object.id=" + stranger.text()), list("?object.id=VA-000-000"));
  const auto response = instance_.call(
      RequestBuilder("GET", events).header("Authorization", "ApiKey " + theirs.value.key->text()));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(response.body, Not(HasSubstr(token_)));
}

// A partner's token and a provider's owner act in accounts of others.
TEST_F(EventsTest, OfAnotherAccountsPeopleAndTokensTheIdAloneShows) {
  const auto provider = instance_.open_account("Provider", AccountType::kProvider);
  const auto bob = instance_.add_user(provider, "bob@example.com");
  History history(instance_.memory);
  history.actor.set_kind(Actor::USER);
  history.actor.set_id(bob.id.text());
  history.add(*TokenId::parse(token_), token_renamed("By Bob"));
  const auto theirs = instance_.create_token(provider, CUSTOM, "A partner's label");
  history.actor.set_kind(Actor::TOKEN);
  history.actor.set_id(theirs.row.token_id());
  history.add(*TokenId::parse(token_), token_renamed("By a token"));
  instance_.project();
  const auto shown = list("?type=TokenUpdated");
  EXPECT_EQ(shown.at(0).at("actor"), json::parse(R"({"kind":"token","id":")" + theirs.row.token_id() +
                                                 R"(","name":null,"email":null})"));
  EXPECT_EQ(shown.at(1).at("actor"),
            json::parse(R"({"kind":"user","id":")" + bob.id.text() + R"(","name":null,"email":null})"));
}

TEST_F(EventsTest, AnExportIsAllThatTheFiltersFindOldestFirst) {
  for (int i = 0; i < 300; ++i) create_token("Token");
  const auto response = call("GET", events + "/export?format=jsonl&type=TokenCreated&limit=3");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.content_type, "application/jsonl");
  EXPECT_EQ(header_of(response, "Content-Disposition"),
            "attachment; filename=\"events-" + account_.text() + ".jsonl\"");
  create_token("Later");
  auto body = read(response);
  std::size_t lines = 0;
  Position last = 0;
  while (!body.empty()) {
    const auto end = body.find('\n');
    const auto event = json::parse(body.substr(0, end)).as_object();
    body.erase(0, end + 1);
    EXPECT_EQ(event.at("type").as_string(), "TokenCreated");
    EXPECT_LT(last, event.at("position").to_number<Position>());
    last = event.at("position").to_number<Position>();
    if (lines == 0) {
      EXPECT_EQ(event, list("?type=TokenCreated&ordering(position)&limit=1").at(0).as_object());
    }
    ++lines;
  }
  EXPECT_EQ(lines, 301) << "without what came after it had begun";
}

TEST_F(EventsTest, AnExportInCsvHasALineAnEvent) {
  const auto evil = create_token("=HYPERLINK(1)");
  const auto response = call("GET", events + "/export?format=csv&object.id=" + evil);
  EXPECT_EQ(response.content_type, "text/csv; charset=utf-8");
  const auto body = read(response);
  EXPECT_THAT(body,
              StartsWith("position,at,type,object_kind,object_id,object_name,actor_kind,actor_id,actor_name,"
                         "actor_email,client_ip,request_id,id,data\r\n" +
                         std::to_string(instance_.memory.head()) +
                         ",2025-11-23T15:04:05.000000+00:00,TokenCreated,token," + evil +
                         ",\"'=HYPERLINK(1)\",user,UR-"));
  EXPECT_THAT(body, HasSubstr("\"{\"\"token_id\"\":\"\"" + evil));
  EXPECT_EQ(std::ranges::count(body, '\n'), 2);
}

TEST_F(EventsTest, AnExportWantsAFormat) {
  for (const std::string query : {"", "?format=xml", "?format=csv&format=csv"}) {
    const auto response = call("GET", events + "/export" + query);
    EXPECT_EQ(response.status, 400);
    EXPECT_THAT(response.body, HasSubstr("format: "));
  }
  EXPECT_EQ(call("GET", events + "/export?format=csv&ordering(type)").status, 400);
}

TEST(CsvField, IsQuotedWhereItMustBeAndNeverAFormula) {
  EXPECT_EQ(csv_field(""), "");
  EXPECT_EQ(csv_field("plain - text"), "plain - text");
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
  EXPECT_EQ(csv_field("say \"x\""), "\"say \"\"x\"\"\"");
  EXPECT_EQ(csv_field("a\nb"), "\"a\nb\"");
  for (const std::string evil : {"=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "  =1", "\uFF1D1",
                                 "\uFF0B", "\uFF0D1", "\uFF20"}) {
    EXPECT_EQ(csv_field(evil), "\"'" + evil + "\"");
  }
}

TEST(StreamSlots, AreLimitedForEachAccountAndForAll) {
  StreamSlots slots(limits::event_streams_max, limits::event_streams_per_account_max);
  std::vector<StreamSlots::Slot> held;
  for (std::size_t i = 0; i < limits::event_streams_per_account_max; ++i) {
    held.push_back(slots.enter(vendor(1)).value());
  }
  EXPECT_EQ(slots.enter(vendor(1)).error(), StreamSlots::Full::kName);
  held.pop_back();
  held.push_back(slots.enter(vendor(1)).value());
  for (std::uint32_t account = 2; held.size() < limits::event_streams_max; ++account) {
    for (std::size_t i = 0;
         i < limits::event_streams_per_account_max && held.size() < limits::event_streams_max; ++i) {
      held.push_back(slots.enter(vendor(account)).value());
    }
  }
  EXPECT_EQ(slots.enter(vendor(999'999)).error(), StreamSlots::Full::kAll);
  held.clear();
  EXPECT_TRUE(slots.enter(vendor(999'999)));
}

}  // namespace
}  // namespace mintmark::events_test
