#include "api/json.h"

#include <string>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/limits.h"

namespace mintmark::json_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using namespace std::string_literals;

std::string nested(std::size_t depth) {
  std::string text = "{\"a\":";
  for (std::size_t i = 1; i < depth; ++i) text += '[';
  for (std::size_t i = 1; i < depth; ++i) text += ']';
  return text + (depth == 1 ? "1}" : "}");
}

TEST(ParseJsonObject, TakesObjectsWithWhitespaceAroundThem) {
  for (const auto& text : {"{}"s, " \t\r\n{ } \r\n\t "s, "{\"a\":null,\"b\":[1,2.5e3,true,\"\\u00e9\\n\"]}"s,
                           "{\"caf\xC3\xA9\":\"\xF0\x9F\x98\x80\"}"s}) {
    EXPECT_TRUE(parse_json_object(text)) << text;
  }
}

TEST(ParseJsonObject, TheLastOfMembersWithOneNameCounts) {
  EXPECT_EQ(boost::json::serialize(*parse_json_object(R"({"a":1,"a":2})")), R"({"a":2})");
}

TEST(ParseJsonObject, RefusesWhatIsNoJson) {
  for (const auto& text : {""s,
                           " "s,
                           "{"s,
                           "}"s,
                           "{\"a\":}"s,
                           "{\"a\" 1}"s,
                           "{'a':1}"s,
                           "{a:1}"s,
                           "{\"a\":1,}"s,
                           "{\"a\":01}"s,
                           "{\"a\":NaN}"s,
                           "{\"a\":+1}"s,
                           "{\"a\":\"\n\"}"s,
                           "{\"a\":\"\\x\"}"s,
                           "{\"a\":1}{}"s,
                           "{} x"s,
                           "{\"a\":\"\xFF\"}"s,
                           "{\"a\":\"\xC0\x80\"}"s,
                           "{\"a\":\"\xED\xA0\x80\"}"s,
                           "{\"a\":\"\\ud800\"}"s,
                           "\xEF\xBB\xBF{}"s,
                           "{\"a\":1\0}"s,
                           "{}\0"s,
                           "/**/{}"s,
                           "{\"a\":\"x"s,
                           "{\"a\":tru"s,
                           "{\"a\":12"s}) {
    const auto parsed = parse_json_object(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().kind, ErrorKind::kInvalid) << text;
    EXPECT_THAT(parsed.error().messages, ElementsAre(StartsWith("body: Not valid JSON near byte "))) << text;
  }
}

TEST(ParseJsonObject, RefusesValuesThatAreNoObject) {
  for (const auto text : {"null", "[]", "1", "\"{}\"", "true", "[{}]"}) {
    const auto parsed = parse_json_object(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_THAT(parsed.error().messages, ElementsAre("body: Must be a JSON object.")) << text;
  }
}

TEST(ParseJsonObject, NamesTheByteWhereItStopped) {
  EXPECT_THAT(parse_json_object("{\"a\": x}").error().messages.front(), HasSubstr("near byte 6:"));
  EXPECT_THAT(parse_json_object("{} x").error().messages.front(), HasSubstr("near byte "));
}

TEST(ParseJsonObject, NeverShowsWhatTheBodyHeld) {
  EXPECT_THAT(parse_json_object("{\"password\":\"hunter2").error().messages.front(),
              ::testing::Not(HasSubstr("hunter2")));
}

TEST(ParseJsonObject, TakesDepthUpToTheLimitAndNoDeeper) {
  EXPECT_TRUE(parse_json_object(nested(limits::json_depth_max)));
  EXPECT_FALSE(parse_json_object(nested(limits::json_depth_max + 1)));
  EXPECT_FALSE(parse_json_object(nested(100'000)));
}

class JsonFieldsTest : public ::testing::Test {
 protected:
  std::vector<std::string> messages() {
    if (!errors_.any()) return {};
    return std::move(errors_).error().error().messages;
  }

  const boost::json::object object_ = *parse_json_object(
      R"({"text":"x","empty":"","null":null,"number":1,"list":[],"object":{"id":"y"},"flag":true,
          "date":"2030-01-31","bad date":"2030-02-31"})");
  FieldErrors errors_;
  JsonFields fields_{object_, errors_};
};

TEST_F(JsonFieldsTest, TextIsAStringOrAbsent) {
  EXPECT_EQ(fields_.text("text"), "x");
  EXPECT_EQ(fields_.text("empty"), "");
  EXPECT_EQ(fields_.text("absent"), std::nullopt);
  EXPECT_THAT(messages(), ElementsAre());
}

TEST_F(JsonFieldsTest, NullReadsAsEmptyTextOnlyWhereItMay) {
  EXPECT_EQ(fields_.text("null", true), "");
  EXPECT_EQ(fields_.text("null"), std::nullopt);
  EXPECT_THAT(messages(), ElementsAre("null: Must be a string."));
}

TEST_F(JsonFieldsTest, TextOfAnotherTypeIsAnErrorAndAbsent) {
  for (const auto name : {"number", "list", "object", "flag"})
    EXPECT_EQ(fields_.text(name, true), std::nullopt);
  EXPECT_THAT(messages(), ElementsAre("number: Must be a string.", "list: Must be a string.",
                                      "object: Must be a string.", "flag: Must be a string."));
}

TEST_F(JsonFieldsTest, RequiredTextMustBeThereAndAString) {
  EXPECT_EQ(fields_.required_text("text"), "x");
  EXPECT_EQ(fields_.required_text("absent"), std::nullopt);
  EXPECT_EQ(fields_.required_text("null"), std::nullopt);
  EXPECT_THAT(messages(), ElementsAre("absent: This field is required.", "null: Must be a string."));
}

TEST_F(JsonFieldsTest, ATimeIsADateAsTextNullOrAbsent) {
  EXPECT_EQ(fields_.time("date"), parse_time("2030-01-31"));
  EXPECT_EQ(fields_.time("null"), std::nullopt);
  EXPECT_EQ(fields_.time("absent"), std::nullopt);
  EXPECT_FALSE(errors_.any());
  for (const auto name : {"bad date", "number", "flag", "list"}) EXPECT_EQ(fields_.time(name), std::nullopt);
  EXPECT_THAT(messages(), ElementsAre(StartsWith("bad date: Must be a date"), StartsWith("number: Must be"),
                                      StartsWith("flag: Must be"), StartsWith("list: Must be")));
}

TEST_F(JsonFieldsTest, AnObjectIsOneNullOrAbsent) {
  ASSERT_NE(fields_.object("object"), nullptr);
  EXPECT_EQ(fields_.object("object")->at("id").as_string(), "y");
  EXPECT_EQ(fields_.object("null"), nullptr);
  EXPECT_EQ(fields_.object("absent"), nullptr);
  EXPECT_FALSE(errors_.any());
  for (const auto name : {"text", "number", "list"}) EXPECT_EQ(fields_.object(name), nullptr);
  EXPECT_THAT(messages(), ElementsAre("text: Must be an object.", "number: Must be an object.",
                                      "list: Must be an object."));
}

}  // namespace
}  // namespace mintmark::json_test
