#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/list_response.h"
#include "api/openapi.h"
#include "tests/support/api_instance.h"
#include "tests/support/log_folder.h"

// What each list can be filtered, ordered and searched by: as the published contract says, as our own
// document says, and as the things that are shown have it.
namespace mintmark::list_fields_test {
namespace {

namespace json = boost::json;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using namespace ::mintmark::testing;

using Names = std::vector<std::string>;

struct List {
  std::string path;      // in our document
  std::string contract;  // its path in the contract; empty for one of ours
  FieldTable fields;
  Names contract_order;   // what the contract's prose lets it be ordered by
  Names contract_search;  // and searched by
};

const Names user_dates = {"events.created.at", "events.invited.at", "events.activated.at",
                          "events.signed.at"};

const std::vector<List>& lists() {
  static const std::vector<List> all = {
      {"/auth/tokens",
       "/auth/tokens",
       token_fields,
       {"events.created.at", "expiration_date", "extension.id", "id", "name", "status"},
       {}},
      {"/auth/tokens/{id}/permissions",
       "/auth/tokens/{token_pk}/permissions",
       token_permission_fields,
       {"id", "object.id"},
       {"id", "object.id"}},
      {"/accounts",
       "/accounts",
       account_fields,
       {"events.created.at", "external_id", "id"},
       {"id", "external_id"}},
      {"/accounts/{id}/users",
       "/accounts/{account_pk}/users",
       user_fields,
       {"id", "name", "email", "events.created.at", "events.invited.at", "events.activated.at",
        "events.signed.at"},
       {"id", "name", "email", "external_id"}},
      {"/extensions", "/extensions", extension_fields, {"id", "name", "status", "priority", "featured"}, {}},
      {"/modules", "/modules", module_fields, {"id", "name"}, {"id", "name"}},
      {"/notifications/webhooks",
       "/notifications/webhooks",
       webhook_fields,
       {"active", "type"},
       {"description", "id", "label", "product.id", "product.name"}},
      {"/notifications/webhooks/{id}/deliveries", "", delivery_fields, {}, {}},
      {"/jobs", "", job_fields, {}, {}},
      {"/events", "", event_fields, {}, {}},
      {"/auth/sessions", "", session_fields, {}, {}},
  };
  return all;
}

// Of the contract's lists, what nothing here has.
const std::set<std::string>& without_meaning() {
  static const std::set<std::string> names = {"domain.auth.enforce",
                                              "domain.auth.idp.id",
                                              "domain.id",
                                              "idp.id",
                                              "permissions",
                                              "tags.id",
                                              "tags.name"};
  return names;
}

template <class Wanted>
Names names_of(FieldTable fields, Wanted wanted) {
  Names names;
  for (const auto& field : fields) {
    if (wanted(field)) names.emplace_back(field.name);
  }
  return names;
}
Names filters_of(FieldTable fields) {
  return names_of(fields, [](const Field&) { return true; });
}
Names order_of(FieldTable fields) {
  return names_of(fields, [](const Field& field) { return field.orderable; });
}
Names search_of(FieldTable fields) {
  return names_of(fields, [](const Field& field) { return field.searchable; });
}

// The query's parameters that are filters; what has a definition of its own in the document is none.
Names filter_parameters(const json::object& operation) {
  static const std::set<std::string_view> others = {"limit", "offset", "search", "min_position"};
  Names names;
  for (const auto& entry : operation.at("parameters").as_array()) {
    const auto& parameter = entry.as_object();
    if (parameter.contains("$ref") || parameter.at("in").as_string() != "query") continue;
    const std::string name(parameter.at("name").as_string());
    if (!others.contains(name)) names.push_back(name);
  }
  return names;
}

const json::object& contract_list(const List& list) {
  static const json::object facts = json::parse(read_file("tests/golden/contract/facts.json")).as_object();
  return facts.at("operations").at("GET " + list.contract).as_object();
}

const json::object& described_list(const List& list) {
  static const json::object document = json::parse(openapi_document()).as_object();
  return document.at("paths").at("/public/v1" + list.path).at("get").as_object();
}

TEST(ListFields, EveryFilterOfTheContractIsThereOrHasNoMeaningHere) {
  std::size_t seen = 0;
  for (const auto& list : lists()) {
    if (list.contract.empty()) continue;
    SCOPED_TRACE(list.path);
    const auto ours = filters_of(list.fields);
    for (const auto& name : filter_parameters(contract_list(list))) {
      ++seen;
      const bool is_ours = std::ranges::find(ours, name) != ours.end();
      EXPECT_NE(is_ours, without_meaning().contains(name)) << name;
    }
    EXPECT_THAT(order_of(list.fields), IsSupersetOf(list.contract_order));
    EXPECT_THAT(search_of(list.fields), IsSupersetOf(list.contract_search));
  }
  EXPECT_GE(seen, 40U);
}

TEST(ListFields, TheDocumentTellsEveryFilterOrderAndSearch) {
  for (const auto& list : lists()) {
    SCOPED_TRACE(list.path);
    const auto& operation = described_list(list);
    std::set<std::string> described;
    for (const auto& name : filter_parameters(operation)) {
      if (!without_meaning().contains(name)) described.insert(name);
    }
    const auto filters = filters_of(list.fields);
    EXPECT_THAT(described, ElementsAreArray(std::set<std::string>(filters.begin(), filters.end())));
    const std::string description(operation.at("description").as_string());
    const auto told = [](const Names& names) { return fmt::format("`{}`.", fmt::join(names, "`, `")); };
    if (const auto order = order_of(list.fields); !order.empty()) {
      EXPECT_THAT(description, HasSubstr("`ordering()` takes " + told(order)));
    }
    if (const auto search = search_of(list.fields); !search.empty()) {
      EXPECT_THAT(description, HasSubstr("`search` looks in " + told(search)));
    }
  }
}

class ShownFieldsTest : public ::testing::Test {
 protected:
  ShownFieldsTest() {
    const auto ann = instance_.add_user(account_, "ann@example.com");
    cookie_ = instance_.sign_in("ann@example.com", ann.password);
    const auto invited = json_of(call("POST", users_, R"({"email":"bob@example.com","role":"member"})"));
    bob_ = std::string(invited.at("id").as_string());
    instance_.clock.advance(std::chrono::hours(1));
    instance_.sign_in("bob@example.com", std::string(invited.at("password").as_string()));
  }
  http::Response call(std::string_view method, const std::string& target, const std::string& body = "") {
    return instance_.call(http::RequestBuilder(method, "/public/v1" + target)
                              .header("Cookie", "mintmark_session=" + cookie_)
                              .header("X-CSRF-Token", csrf_token(*instance_.services, cookie_))
                              .header("Content-Type", "application/json")
                              .body(body));
  }
  json::array listed(const std::string& query) {
    const auto response = call("GET", users_ + "?" + query);
    EXPECT_EQ(response.status, 200) << response.body;
    return json::parse(response.body).as_array();
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const std::string users_ = "/accounts/" + account_.text() + "/users";
  std::string cookie_;
  std::string bob_;
};

TEST_F(ShownFieldsTest, UsersAreFoundAndOrderedByEachDateThatTheyShow) {
  const auto bob = json_of(call("GET", users_ + "/" + bob_));
  for (const auto& field : user_dates) {
    SCOPED_TRACE(field);
    const auto event = field.substr(7, field.rfind('.') - 7);
    const std::string at(bob.at("events").at(event).at("at").as_string());
    EXPECT_FALSE(listed("eq(" + field + "," + at + ")").empty());
    EXPECT_TRUE(listed("gt(" + field + ",2999-01-01)").empty());
    EXPECT_EQ(listed("ordering(-" + field + ")").size(), 2);
  }
  const auto invited = listed("ne(events.invited.at,null())");
  ASSERT_EQ(invited.size(), 1);
  EXPECT_EQ(invited[0].at("id").as_string(), bob_);
  EXPECT_EQ(listed("ordering(-events.signed.at)&limit=1")[0].at("id").as_string(), bob_);
}

TEST_F(ShownFieldsTest, UsersAreFoundByTheirGroup) {
  for (const auto* query : {"groups.id=UG-000-002", "groups.name=member", "in(groups.id,(UG-000-002))"}) {
    const auto found = listed(query);
    ASSERT_EQ(found.size(), 1) << query;
    EXPECT_EQ(found[0].at("id").as_string(), bob_) << query;
  }
  EXPECT_TRUE(listed("groups.id=UG-000-003").empty());
}

}  // namespace
}  // namespace mintmark::list_fields_test
