#include "tests/system/foreign_things.h"

#include <stdexcept>

#include <boost/json/serialize.hpp>
#include <fmt/format.h>

#include "tests/system/fixture.h"

namespace mintmark::testing {
namespace {

namespace json = boost::json;

json::object made(const RestResponse& response, int status) {
  if (response.status != status) throw std::runtime_error(response.body);
  return response.object();
}

}  // namespace

std::string absent_id(std::string_view kind) {
  static const IdsByKind ids = {{"tokens", "SU-000-000-000"},    {"accounts", "VA-000-000"},
                                {"users", "UR-000-000-000"},     {"extensions", "EXT-999-999"},
                                {"modules", "MD-9999"},          {"webhooks", "WH-000-000-000"},
                                {"sessions", "no-such-session"}, {"jobs", "JB-1-3-000000000"}};
  const auto found = ids.find(kind);
  if (found == ids.end()) throw std::logic_error(fmt::format("no id is known for {}", kind));
  return found->second;
}

IdsByKind make_things(RestClient& client, const InitialisedFolder::Person& person) {
  IdsByKind ids = {{"tokens", text(create_token(client, "Theirs"), "id")}, {"users", person.user}};
  const auto sessions = client.get("/auth/sessions");
  ids["sessions"] = text(sessions.array().at(0).as_object(), "id");
  const json::object webhook{{"label", "Theirs"},        {"object_class", "fulfillment_request"},
                             {"product_id", "PRD-1"},    {"description", "x"},
                             {"jwt_secret", "a secret"}, {"external_url", "http://localhost/"},
                             {"http_method", "POST"},    {"active", false}};
  ids["webhooks"] = text(made(client.post("/notifications/webhooks", json::serialize(webhook)), 201), "id");
  ids["extensions"] =
      text(made(client.post("/extensions", R"({"name":"theirs","description":"x"})"), 201), "id");
  // Calls to loopback addresses are refused: it is over at once, and nothing happens behind it any more.
  const auto tested = client.post("/notifications/webhooks/" + ids["webhooks"] + "/test", "");
  ids["jobs"] = text(made(tested, 202), "id");
  expect_eventually([&] { return text(client.get("/jobs/" + ids["jobs"]).object(), "status") == "dead"; });
  return ids;
}

}  // namespace mintmark::testing
