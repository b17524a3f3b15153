// What Zapier's app does with a handle, against the real program and its worker.
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::exchange_test {
namespace {

namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::Not;

class Exchange : public ::testing::Test {
 protected:
  static RestResponse exchange(RestClient& partner, const std::string& handle) {
    return partner.post("/auth/tokens", json::serialize(json::object{{"handle", handle}}));
  }
  static std::string key_of(const RestResponse& exchanged) {
    return text(exchanged.object(), "id") + ":" + text(exchanged.object(), "token");
  }

  InitialisedFolder folder_;
};

TEST_F(Exchange, AHandleLivesAsLongAsItsToken) {
  const auto made = folder_.run_json({"partner", "create", "--name", "Zapier"});
  std::string handle;
  std::string key;
  std::string id;
  {
    ServerProcess server(folder_.path());
    RestClient partner(server.port());
    partner.use_key(text(made, "key"));
    RestClient owner(server.port());
    owner.log_in(folder_.email(), folder_.password());

    // At once: the exchange waits for the worker.
    const auto token = create_token(owner, "Zaps", "zapier");
    id = text(token, "id");
    const auto first = exchange(partner, text(token, "handle") + "@" + server.endpoint() + "/public/v1");
    ASSERT_EQ(first.status, 200) << first.body;
    EXPECT_EQ(text(first.object(), "status"), "active");
    EXPECT_EQ(authorize(server.port(), key_of(first)), 204);

    const auto rotated = owner.post(path_of(token) + "/rotate", "");
    ASSERT_EQ(rotated.status, 200) << rotated.body;
    handle = text(rotated.object(), "handle");
    EXPECT_EQ(authorize(server.port(), key_of(first)), 401);
    expect_error(exchange(partner, text(token, "handle")), 400, "VAL_001");
    const auto second = exchange(partner, handle);
    ASSERT_EQ(second.status, 200) << second.body;
    key = key_of(second);
    EXPECT_EQ(authorize(server.port(), key), 204);

    ASSERT_EQ(owner.post(path_of(token) + "/deactivate", "").status, 200);
    expect_error(exchange(partner, handle), 400, "VAL_001");
    ASSERT_EQ(owner.post(path_of(token) + "/activate", "").status, 200);
  }
  // Handles are known again after a restart, also to a view that is made anew.
  EXPECT_EQ(folder_.run({"rebuild", "handle_index"}).exit_code, 0);
  ServerProcess server(folder_.path());
  RestClient partner(server.port());
  partner.use_key(text(made, "key"));
  const auto again = exchange(partner, handle);
  ASSERT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(key_of(again), key);
  RestClient by_key(server.port());
  by_key.use_key(key);
  EXPECT_EQ(by_key.get("/accounts").array().size(), 1U) << "Zapier's app looks at the account first";
  ASSERT_EQ(by_key.remove(path_of(id)).status, 204);
  expect_error(exchange(partner, handle), 400, "VAL_001");
  EXPECT_EQ(authorize(server.port(), key), 401);

  folder_.run_json({"token", "delete", text(made, "id")});
  expect_error(exchange(partner, handle), 401, "AUTH_001");
}

TEST_F(Exchange, EveryOneIsInTheLogAndNoHandleIs) {
  ServerProcess server(folder_.path());
  const auto made = folder_.run_json({"partner", "create", "--name", "Zapier"});
  RestClient partner(server.port());
  partner.use_key(text(made, "key"));
  const auto token = folder_.run_json(
      {"token", "create", "--account", folder_.account(), "--name", "Z", "--type", "zapier"});
  ASSERT_EQ(exchange(partner, text(token, "handle")).status, 200);
  ASSERT_EQ(exchange(partner, text(token, "handle")).status, 200);
  const auto listed = folder_.run({"replay", "--token", text(token, "id")});
  EXPECT_THAT(listed.out, HasSubstr("HandleExchanged"));
  EXPECT_THAT(listed.out, HasSubstr("by token " + text(made, "id")));
  std::size_t exchanges = 0;
  for (const auto& event : replay(folder_)) {
    const auto line = json::serialize(event);
    EXPECT_THAT(line, Not(HasSubstr(text(token, "handle"))));
    if (line.find("HandleExchanged") != std::string::npos) ++exchanges;
  }
  EXPECT_EQ(exchanges, 2U);
  const auto stopped = server.stop();
  EXPECT_EQ(stopped.exit_code, 0);
  EXPECT_THAT(stopped.err, Not(HasSubstr(text(token, "handle"))));
}

}  // namespace
}  // namespace mintmark::testing::exchange_test
