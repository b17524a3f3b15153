#include "domain/text.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "domain/limits.h"

namespace mintmark::text_test {
namespace {

using namespace std::string_view_literals;

struct Counted {
  std::string_view text;
  std::size_t code_points;
};

TEST(Utf8, CountsCodePointsOfEveryLength) {
  const Counted table[] = {
      {"", 0},
      {"abc", 3},
      {"\0"sv, 1},
      {"\x7F", 1},
      {"\xC2\x80", 1},          // U+0080, the first of two bytes
      {"\xDF\xBF", 1},          // U+07FF
      {"\xE0\xA0\x80", 1},      // U+0800, the first of three
      {"\xED\x9F\xBF", 1},      // U+D7FF, before the surrogates
      {"\xEE\x80\x80", 1},      // U+E000, behind them
      {"\xEF\xBF\xBF", 1},      // U+FFFF
      {"\xF0\x90\x80\x80", 1},  // U+10000, the first of four
      {"\xF4\x8F\xBF\xBF", 1},  // U+10FFFF, the last
      {"z\u00DF\u6C34\U0001F34C", 4},
      {"e\u0301", 2},  // a combining accent counts
  };
  for (const auto& [text, code_points] : table) EXPECT_EQ(count_code_points(text), code_points) << text;
}

TEST(Utf8, RefusesWhatIsNotUtf8) {
  for (const std::string_view text : {
           "\x80"sv,
           "\xBF"sv,  // a continuation alone
           "\xC0\x80"sv,
           "\xC1\xBF"sv,  // overlong in two bytes
           "\xE0\x80\x80"sv,
           "\xE0\x9F\xBF"sv,  // overlong in three
           "\xF0\x80\x80\x80"sv,
           "\xF0\x8F\xBF\xBF"sv,  // overlong in four
           "\xED\xA0\x80"sv,
           "\xED\xBF\xBF"sv,              // surrogates
           "\xED\xA0\x80\xED\xB0\x80"sv,  // a pair of them
           "\xF4\x90\x80\x80"sv,
           "\xF5\x80\x80\x80"sv,  // past U+10FFFF
           "\xF8\x88\x80\x80\x80"sv,
           "\xFE"sv,
           "\xFF"sv,  // no such lead
           "\xC2"sv,
           "\xE2\x82"sv,
           "\xF0\x9F\x8D"sv,  // cut off at the end
           "\xC2z"sv,
           "\xE2z\x82"sv,
           "\xE2\x82z"sv,
           "\xF0\x9F\x8Dz"sv,  // cut off inside
           "\xC3\x28"sv,
           "caf\xE9"sv,  // Latin-1
       }) {
    EXPECT_FALSE(count_code_points(text)) << ::testing::PrintToString(text);
    EXPECT_FALSE(count_code_points("before " + std::string(text) + " after"));
  }
}

TEST(ControlCharacters, AreFoundInBothRanges) {
  for (int byte = 0; byte < 0x20; ++byte)
    EXPECT_TRUE(has_control_character(std::string("a") + static_cast<char>(byte) + "b")) << byte;
  EXPECT_TRUE(has_control_character("\x7F"));
  for (int low = 0x80; low < 0xA0; ++low)
    EXPECT_TRUE(has_control_character(std::string("\xC2") + static_cast<char>(low))) << low;
}

TEST(ControlCharacters, AreNotSeenInOrdinaryText) {
  for (const std::string_view text : {"", " ~", "\u00A0", "\u00DF", "\u6C34", "\U0001F34C", "\u0480"})
    EXPECT_FALSE(has_control_character(text)) << text;
}

TEST(EmailAddress, TakesWhatMailSystemsTake) {
  for (const std::string_view text : {"a@b", "ada@example.com", "ada.lovelace+tokens@mail.example.co.uk",
                                      "o'hara@example.com", "j\u00FCrgen@example.com", "a@1-2.example"}) {
    EXPECT_TRUE(is_email(text)) << text;
  }
  EXPECT_TRUE(is_email(std::string(limits::email_max - 12, 'a') + "@example.com"));
}

TEST(EmailAddress, RefusesTheRest) {
  for (const std::string_view text : {""sv,
                                      "ada"sv,
                                      "@"sv,
                                      "@example.com"sv,
                                      "ada@"sv,
                                      "ada@@example.com"sv,
                                      "a@b@c"sv,
                                      "ada @example.com"sv,
                                      "ada@exam ple.com"sv,
                                      " ada@example.com"sv,
                                      "ada@example.com "sv,
                                      "ada@example..com"sv,
                                      "ada@.example.com"sv,
                                      "ada@example.com."sv,
                                      "ada@exa_mple.com"sv,
                                      "ada@ex\u00E4mple.com"sv,
                                      "ada@example.com\n"sv,
                                      "ada\t@example.com"sv,
                                      "ada@example.com\0"sv,
                                      "ad\xFF@example.com"sv,
                                      "ada@[127.0.0.1]"sv}) {
    EXPECT_FALSE(is_email(text)) << text;
  }
  EXPECT_FALSE(is_email(std::string(limits::email_max - 11, 'a') + "@example.com"));
}

}  // namespace
}  // namespace mintmark::text_test
