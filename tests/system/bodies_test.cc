// Bodies that make no sense: each gets a clear error in the contract's form, and nothing is written.
#include <gmock/gmock.h>

#include "domain/limits.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::bodies_test {
namespace {

using ::testing::HasSubstr;
using namespace std::string_literals;

struct BadBody {
  std::string body;
  std::string message;  // what one of the errors must say
};

std::string repeated(std::string_view part, std::size_t times) {
  std::string text;
  for (std::size_t i = 0; i < times; ++i) text += part;
  return text;
}

// A body to create a token with, but for this name.
BadBody named(const std::string& json, const std::string& message = "name: ") {
  return {R"({"extension":{"id":"EXT-000"},"name":)" + json + "}", message};
}
// One with a further member.
BadBody with(const std::string& member, const std::string& message) {
  return {R"({"name":"x","extension":{"id":"EXT-000"},)" + member + "}", message};
}
BadBody of_extension(const std::string& json, const std::string& message = "extension") {
  return {R"({"name":"x","extension":)" + json + "}", message};
}

const std::vector<BadBody> not_json = {
    {"", "body: "},
    {" ", "body: "},
    {"{", "body: "},
    {R"({"name":})", "body: "},
    {R"({"name":"x",})", "body: "},
    {R"({name:"x"})", "body: "},
    {R"({'name':'x'})", "body: "},
    {R"({"name":"x"} trailing)", "body: "},
    {R"({"name":"x"}{"name":"y"})", "body: "},
    {R"({"name":"x"}/* remark */)", "body: "},
    {R"({"name":NaN})", "body: "},
    {"[]", "body: Must be a JSON object."},
    {R"([{"name":"x","extension":{"id":"EXT-000"}}])", "body: Must be a JSON object."},
    {"null", "body: Must be a JSON object."},
    {R"("text")", "body: Must be a JSON object."},
    {"12", "body: Must be a JSON object."},
    {R"({"name":"x)" + "\0"s + R"(","extension":{"id":"EXT-000"}})", "body: "},
    {"{\0}"s, "body: "},
    {"{\"name\":\"line\nbreak\"}", "body: "},
    {"\xEF\xBB\xBF{}", "body: "},
    {R"({"x":)" + repeated("[", limits::json_depth_max) + repeated("]", limits::json_depth_max) + "}",
     "body: "},
    {repeated("[", limits::request_body_bytes_max), "body: "},
    {repeated(R"({"a":)", 40'000), "body: "},
};

const std::vector<BadBody> bad_names = {
    {R"({"extension":{"id":"EXT-000"}})", "name: This field is required."},
    named("null"),
    named("5"),
    named("true"),
    named("{}"),
    named(R"(["x"])"),
    named(R"("")", "name: This field may not be blank."),
    named(R"("   ")", "name: This field may not be blank."),
    named("\"" + repeated("x", limits::token_name_max + 1) + "\"", "no more than 128 characters"),
    named("\"" + repeated("\xC3\xA9", limits::token_name_max + 1) + "\"", "no more than 128 characters"),
    named(R"("a\u0000b")", "name: Control characters"),
    named(R"("a\nb")", "name: Control characters"),
    named(R"("a\u007fb")", "name: Control characters"),
    named(R"("a\u0085b")", "name: Control characters"),
};

// Boost.JSON refuses them all as malformed JSON, which text has to be UTF-8 (RFC 8259, 8.1).
const std::vector<BadBody> not_utf8 = {
    named("\"\xFF\"", ""),
    named("\"\xC3\"", ""),
    named("\"\xC0\x80\"", ""),
    named("\"\xED\xA0\x80\"", ""),
    named("\"\xF5\x80\x80\x80\"", ""),
    named(R"("\ud800")", ""),
    named(R"("\udc00x")", ""),
    with("\"description\":\"\x80\"", ""),
    with("\"\xFF\":1", ""),
};

const std::vector<BadBody> bad_members = {
    with(R"("description":5)", "description: "),
    with("\"description\":\"" + repeated("x", limits::token_description_max + 1) + "\"", "description: "),
    with(R"("description":"\u0001")", "description: Control"),
    with(R"("external_id":[])", "external_id: "),
    with("\"external_id\":\"" + repeated("x", limits::token_external_id_max + 1) + "\"", "external_id: "),
    with(R"("owner":"VA-000-000")", "owner: "),
    with(R"("owner":{"id":"nobody"})", "owner: "),
    with(R"("owner":{"id":5})", "id: "),
    with(R"("expiration_date":"2001-01-01T00:00:00Z")", "expiration_date: "),
    with(R"("expiration_date":"1969-12-31")", "expiration_date: "),
    with(R"("expiration_date":"tomorrow")", "expiration_date: "),
    with(R"("expiration_date":"")", "expiration_date: "),
    with(R"("expiration_date":1900000000)", "expiration_date: "),
    with(R"("expiration_date":"2090-13-01")", "expiration_date: "),
    with(R"("expiration_date":"2090-02-30T00:00:00Z")", "expiration_date: "),
    with(R"("expiration_date":"2090-02-03T25:00:00Z")", "expiration_date: "),
    with(R"("expiration_date":"2090-02-03T10:00:00+0100")", "expiration_date: "),
    with(R"("expiration_date":"12090-02-03T10:00:00Z")", "expiration_date: "),
    {R"({"name":"x"})", "extension: This field is required."},
    of_extension("null"),
    of_extension(R"("custom")"),
    of_extension("{}"),
    of_extension("[]"),
    of_extension(R"({"id":"EXT-999"})", "extension: There is no such extension."),
    of_extension(R"({"name":"Custom"})", "extension: There is no such extension."),
    of_extension(R"({"id":"EXT-000","name":"zapier"})", "extension: There is no such extension."),
    of_extension(R"({"id":5})"),
};

class Bodies : public ServerTest {
 protected:
  static void expect_all_refused(std::string_view method, const std::string& path,
                                 const std::vector<BadBody>& bodies, RestClient client) {
    const auto before = server().position();
    for (const auto& [body, message] : bodies) {
      SCOPED_TRACE(body.substr(0, 200));
      const auto answer = client.send(method, path, body);
      expect_error(answer, 400, "VAL_001");
      EXPECT_THAT(answer.body, HasSubstr(message));
    }
    EXPECT_EQ(server().position(), before) << "something was written";
  }
};

TEST_F(Bodies, ThatAreNoJsonObject) {
  auto client = owner();
  expect_all_refused("POST", "/auth/tokens", not_json, owner());
  expect_all_refused("PUT", path_of(create_token(client, "Kept")), not_json, owner());
  expect_all_refused("PUT", "/accounts/" + folder().account(), not_json, owner());
  expect_all_refused("POST", "/auth/login", not_json, anyone());
}

TEST_F(Bodies, WithANameThatIsNone) {
  expect_all_refused("POST", "/auth/tokens", bad_names, owner());
}

TEST_F(Bodies, ThatAreNotUtf8) {
  expect_all_refused("POST", "/auth/tokens", not_utf8, owner());
}

TEST_F(Bodies, WithMembersOfAWrongKindOrValue) {
  expect_all_refused("POST", "/auth/tokens", bad_members, owner());
}

TEST_F(Bodies, TellEveryMistakeAtOnce) {
  const auto answer =
      owner().post("/auth/tokens", R"({"description":1,"external_id":2,"extension":{"id":"EXT-9"}})");
  expect_error(answer, 400, "VAL_001");
  EXPECT_EQ(answer.object().at("errors").as_array().size(), 4U) << answer.body;
}

TEST_F(Bodies, OfUpdatesOfTokens) {
  auto client = owner();
  const auto token = create_token(client, "Kept");
  const std::vector<BadBody> bodies = {
      {R"({"name":null})", "name: "},
      {R"({"name":7})", "name: "},
      {R"({"name":""})", "name: This field may not be blank."},
      {R"({"name":"  "})", "name: This field may not be blank."},
      {R"({"name":")" + repeated("x", limits::token_name_max + 1) + "\"}", "name: "},
      {R"({"name":"\u0000"})", "name: Control"},
      {R"({"name":"Good","description":{}})", "description: "},
      {R"({"name":"Good","external_id":false})", "external_id: "},
      {"{\"name\":\"\xFE\"}", ""},
  };
  expect_all_refused("PUT", path_of(token), bodies, owner());
  EXPECT_EQ(text(client.get(path_of(token)).object(), "name"), "Kept");
}

TEST_F(Bodies, OfUpdatesOfAccounts) {
  const std::vector<BadBody> bodies = {
      {R"({"name":null})", "name: "},
      {R"({"name":""})", "name: "},
      {R"({"name":")" + repeated("x", limits::account_name_max + 1) + "\"}", "name: "},
      {R"({"description":)" + std::string("[]}"), "description: "},
      {R"({"brand":5})", "brand: "},
      {R"({"external_id":")" + repeated("x", limits::account_external_id_max + 1) + "\"}", "external_id: "},
  };
  expect_all_refused("PUT", "/accounts/" + folder().account(), bodies, owner());
}

TEST_F(Bodies, OfSigningIn) {
  const std::vector<BadBody> bodies = {
      {"{}", "email: This field is required."},
      {R"({"email":"a@example.com"})", "password: This field is required."},
      {R"({"email":5,"password":"x"})", "email: "},
      {R"({"email":"a@example.com","password":null})", "password: "},
      {R"({"email":")" + repeated("x", limits::email_max + 1) + R"(","password":"x"})", "email: "},
      {R"({"email":"a@example.com","password":")" + repeated("x", limits::password_max + 1) + "\"}",
       "password: "},
  };
  expect_all_refused("POST", "/auth/login", bodies, anyone());
}

TEST_F(Bodies, AtTheLimitsAreTaken) {
  auto client = owner();
  const auto name = repeated("\xF0\x9F\x94\x91", limits::token_name_max);
  const std::string body = R"({"extension":{"name":"custom"},"name":")" + name + "\",\"description\":\"" +
                           repeated("d", limits::token_description_max) + "\",\"external_id\":null}";
  const auto padding = std::string(limits::request_body_bytes_max - body.size(), ' ');
  const auto answer = client.post("/auth/tokens", body + padding);
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(text(answer.object(), "name"), name);
  const auto nested = repeated("[", limits::json_depth_max - 1) + repeated("]", limits::json_depth_max - 1);
  EXPECT_EQ(
      client.post("/auth/tokens", R"({"name":"x","extension":{"id":"EXT-000"},"x":)" + nested + "}").status,
      201);
  EXPECT_EQ(client.post("/auth/tokens", with("\"permissions\":null", "").body).status, 201)
      << "unknown members are let be";
}

}  // namespace
}  // namespace mintmark::testing::bodies_test
