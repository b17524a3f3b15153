#include "api/openapi.h"

#include <array>
#include <map>
#include <set>
#include <string>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/routes.h"
#include "tests/support/api_instance.h"
#include "tests/support/log_folder.h"

// The document is true: it has the routes that there are, and what the published contract promises
// (tests/golden/contract/facts.json, which make_facts.mjs there makes).
namespace mintmark::openapi_test {
namespace {

namespace json = boost::json;
using testing::ApiInstance;
using ::testing::Contains;
using ::testing::HasSubstr;
using testing::header_of;
using ::testing::Not;

// "GET /public/v1/accounts/{id}" → its operation.
using Operations = std::map<std::string, json::object>;

std::string upper_case(std::string_view text) {
  std::string upper(text);
  for (auto& c : upper) c = c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  return upper;
}

const json::object& document() {
  static const json::object parsed = json::parse(openapi_document()).as_object();
  return parsed;
}

Operations operations() {
  Operations all;
  for (const auto& [path, methods] : document().at("paths").as_object()) {
    for (const auto& [method, operation] : methods.as_object()) {
      all[upper_case(method) + " " + std::string(path)] = operation.as_object();
    }
  }
  return all;
}

std::string key_of(const Route& route) {
  return std::string(route.method) + " " + std::string(route.path);
}

std::string_view name_of(Access access) {
  switch (access) {
    case Access::kPublic:
      return "public";
    case Access::kRead:
      return "read";
    case Access::kWrite:
      return "write";
    case Access::kOwner:
      return "owner";
  }
  return "";
}

TEST(OpenApi, EveryRouteIsDescribedWithItsAccess) {
  const auto described = operations();
  for (const auto& route : routes()) {
    const auto found = described.find(key_of(route));
    ASSERT_NE(found, described.end()) << key_of(route) << " is not in api/openapi.json";
    EXPECT_EQ(found->second.at("x-mintmark-access").as_string(), name_of(route.access)) << key_of(route);
  }
}

TEST(OpenApi, NothingIsDescribedThatIsNotThere) {
  std::set<std::string> present = {"GET /authorize"};  // answered before routing
  for (const auto& route : routes()) present.insert(key_of(route));
  for (const auto& [key, operation] : operations()) {
    EXPECT_TRUE(present.contains(key)) << key << " is no route";
  }
}

TEST(OpenApi, AnOperationHasItsOwnIdAndTheParametersOfItsPath) {
  std::set<std::string> ids;
  for (const auto& [key, operation] : operations()) {
    EXPECT_TRUE(ids.emplace(operation.at("operationId").as_string()).second) << key;
    std::size_t in_path = 0;
    if (const auto* parameters = operation.if_contains("parameters")) {
      for (const auto& parameter : parameters->as_array()) {
        const auto* place = parameter.as_object().if_contains("in");
        if (!place || place->as_string() != "path") continue;
        ++in_path;
        EXPECT_THAT(key, HasSubstr("{" + std::string(parameter.at("name").as_string()) + "}"));
      }
    }
    EXPECT_EQ(in_path, static_cast<std::size_t>(std::ranges::count(key, '{'))) << key;
  }
}

void check_references(const json::value& value) {
  if (const auto* array = value.if_array()) {
    for (const auto& entry : *array) check_references(entry);
  }
  const auto* object = value.if_object();
  if (!object) return;
  for (const auto& [name, member] : *object) {
    check_references(member);
    if (name != "$ref") continue;
    const std::string target(member.as_string());
    ASSERT_TRUE(target.starts_with("#/components/")) << target;
    const auto part = target.substr(std::string_view("#/components/").size());
    const auto& kind = document().at("components").at(part.substr(0, part.find('/'))).as_object();
    EXPECT_TRUE(kind.contains(part.substr(part.find('/') + 1))) << target;
  }
}

TEST(OpenApi, EveryReferenceLeadsSomewhere) {
  check_references(document());
}

// The published contract's operations, under the keys of ours.
const json::object& contract() {
  static const json::object parsed =
      json::parse(testing::read_file("tests/golden/contract/facts.json")).as_object();
  return parsed;
}

// Names of path parameters differ: all become {}.
std::string without_names(const std::string& key) {
  std::string text;
  bool inside = false;
  for (const char c : key) {
    if (c == '}') inside = false;
    if (!inside) text += c;
    if (c == '{') inside = true;
  }
  return text;
}

const json::object& find_operation(const Operations& ours, const std::string& contract_key) {
  static const json::object none;
  auto wanted = without_names(contract_key);
  wanted.insert(wanted.find(' ') + 1, "/public/v1");
  for (const auto& [key, operation] : ours) {
    if (without_names(key) == wanted) return operation;
  }
  return none;
}

std::set<std::string> query_parameters(const json::object& operation, const json::object& components) {
  std::set<std::string> names;
  const auto* parameters = operation.if_contains("parameters");
  if (!parameters) return names;
  for (const auto& entry : parameters->as_array()) {
    const auto* reference = entry.as_object().if_contains("$ref");
    const auto text = reference ? std::string(reference->as_string()) : "";
    const auto& parameter =
        reference ? components.at("parameters").at(text.substr(text.rfind('/') + 1)) : entry;
    if (parameter.at("in").as_string() == "query") names.emplace(parameter.at("name").as_string());
  }
  return names;
}

// The name of the schema of a body, "[]" behind that of an array's items; empty where it has none.
std::string schema_name(const json::object& holder) {
  const auto* content = holder.if_contains("content");
  if (!content) return "";
  const auto* schema = &content->at("application/json").at("schema").as_object();
  std::string suffix;
  if (const auto* items = schema->if_contains("items")) {
    schema = &items->as_object();
    suffix = "[]";
  }
  const auto* reference = schema->if_contains("$ref");
  if (!reference) return "";
  const std::string text(reference->as_string());
  return text.substr(text.rfind('/') + 1) + suffix;
}

// Creating and changing answer the whole thing, of which the contract's Write, Create and Update are parts.
std::string whole(std::string name) {
  for (const std::string_view suffix : {"Write", "Create", "Update"}) {
    if (name.ends_with(suffix)) return name.substr(0, name.size() - suffix.size());
  }
  return name;
}

TEST(OpenApi, EveryOperationOfTheContractIsThereWithItsIdParametersAndSchemas) {
  const auto ours = operations();
  const auto& their_operations = contract().at("operations").as_object();
  ASSERT_EQ(their_operations.size(), 35U);
  for (const auto& [key, value] : their_operations) {
    SCOPED_TRACE(key);
    const auto& theirs = value.as_object();
    const auto& operation = find_operation(ours, key);
    ASSERT_FALSE(operation.empty());
    EXPECT_EQ(operation.at("operationId"), theirs.at("operationId"));
    const auto known = query_parameters(operation, document().at("components").as_object());
    for (const auto& name : query_parameters(theirs, contract().at("components").as_object())) {
      EXPECT_THAT(known, Contains(name));
    }
    if (const auto* body = theirs.if_contains("requestBody")) {
      const auto name = schema_name(body->as_object());
      if (!name.empty()) EXPECT_EQ(schema_name(operation.at("requestBody").as_object()), name);
    }
  }
}

TEST(OpenApi, EveryOperationOfTheContractHasItsAnswers) {
  const auto ours = operations();
  for (const auto& [key, value] : contract().at("operations").as_object()) {
    SCOPED_TRACE(key);
    const auto& responses = find_operation(ours, key).at("responses").as_object();
    for (const auto& [status, response] : value.at("responses").as_object()) {
      ASSERT_TRUE(responses.contains(status)) << status;
      const auto name = schema_name(response.as_object());
      if (name.empty()) continue;
      const auto& answer = responses.at(status).as_object();
      EXPECT_EQ(schema_name(answer), whole(name)) << status;
    }
  }
}

TEST(OpenApi, TheDocumentAndItsPageAreServedToAnybody) {
  ApiInstance instance;
  const auto served = instance.call(http::RequestBuilder("GET", "/openapi.json"));
  EXPECT_EQ(served.status, 200);
  EXPECT_EQ(served.content_type, "application/json");
  EXPECT_EQ(served.body, openapi_document());
  EXPECT_FALSE(document().at("info").at("version").as_string().empty());
  const auto page = instance.call(http::RequestBuilder("GET", "/docs"));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(header_of(page, "Content-Security-Policy"), HasSubstr("default-src 'none'"));
  EXPECT_EQ(instance.call(http::RequestBuilder("GET", "/docs.css")).content_type, "text/css; charset=utf-8");
}

TEST(OpenApi, ThePageHasEveryOperationAndSchemaAndNothingThatItsPolicyForbids) {
  const auto& page = docs_page();
  for (const auto& [key, operation] : operations()) {
    const auto id = std::string(operation.at("operationId").as_string());
    EXPECT_THAT(page, HasSubstr("<section id=\"" + id + "\">"));
    EXPECT_THAT(page, HasSubstr("<a href=\"#" + id + "\">"));
  }
  for (const auto& [name, schema] : document().at("components").at("schemas").as_object()) {
    EXPECT_THAT(page, HasSubstr("<section id=\"schema-" + std::string(name) + "\">"));
  }
  for (const auto* forbidden : {"<script", "style=", "http://", "https://", "onclick"}) {
    EXPECT_THAT(page, Not(HasSubstr(forbidden)));
  }
}

}  // namespace
}  // namespace mintmark::openapi_test
