#include "domain/api_key.h"

#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace mintmark::api_key_test {
namespace {

constexpr std::string_view secret_text = "000102030405060708090a0b0c0d0e0f10111213";
constexpr std::string_view key_text = "SU-160-984-824:000102030405060708090a0b0c0d0e0f10111213";

Secret counting_secret() {
  Secret secret{};
  for (std::size_t i = 0; i < secret.bytes.size(); ++i) secret.bytes[i] = static_cast<std::uint8_t>(i);
  return secret;
}

TEST(SecretText, IsFortyLowerCaseHexCharacters) {
  EXPECT_EQ(counting_secret().hex(), secret_text);
  Secret highest{};
  highest.bytes.fill(0xFF);
  EXPECT_EQ(highest.hex(), std::string(40, 'f'));
}

TEST(SecretText, ParsesWhatItPrintsAndNothingElse) {
  const auto parsed = Secret::parse(secret_text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->bytes, counting_secret().bytes);
  const std::string good(secret_text);
  for (const auto& text :
       {std::string(), good.substr(1), good + "0", good.substr(2), good + "00", "G" + good.substr(1),
        "A" + good.substr(1), " " + good.substr(1), good.substr(0, 39) + " ", "-" + good.substr(1),
        good.substr(0, 39) + '\0', good.substr(0, 39) + '\xFF', std::string(40, '`'), std::string(40, '/'),
        std::string(40, ':'), std::string(40, 'g'), std::string(40, '@')}) {
    EXPECT_FALSE(Secret::parse(text)) << text;
  }
}

TEST(ApiKeyText, NamesTheTokenLeftAndProvesItRight) {
  const auto key = ApiKey::parse(key_text);
  ASSERT_TRUE(key);
  EXPECT_EQ(key->id, TokenId::from_value(160'984'824));
  EXPECT_EQ(key->secret.bytes, counting_secret().bytes);
  EXPECT_EQ(key->text(), key_text);
}

TEST(ApiKeyText, ParsesNothingElse) {
  const std::string good(key_text);
  const std::string id = good.substr(0, 14);
  for (const auto& text :
       {std::string(), std::string(":"), id, id + ":", id + std::string(secret_text),
        id + "::" + std::string(secret_text), id + ";" + std::string(secret_text), good + " ", " " + good,
        good + ":", good.substr(0, good.size() - 1), good + "0", "UR" + good.substr(2), "su" + good.substr(2),
        "SU-160-984-82:0" + std::string(secret_text), std::string(secret_text) + ":" + id}) {
    EXPECT_FALSE(ApiKey::parse(text)) << text;
  }
}

TEST(AuthorizationHeader, TakesTheSchemeInAnyCaseAndOneOrMoreSpaces) {
  for (const std::string_view scheme :
       {"ApiKey ", "apikey ", "APIKEY ", "aPiKeY ", "ApiKey  ", "ApiKey      "}) {
    const auto key = parse_authorization(std::string(scheme) + std::string(key_text));
    ASSERT_TRUE(key) << scheme;
    EXPECT_EQ(key->text(), key_text);
  }
}

TEST(AuthorizationHeader, GivesNothingForAnythingElse) {
  const std::string key(key_text);
  const std::string malformed[] = {std::string(),
                                   std::string(" "),
                                   std::string("ApiKey"),
                                   std::string("ApiKey "),
                                   std::string("ApiKey    "),
                                   key,
                                   "ApiKey" + key,
                                   " ApiKey " + key,
                                   "ApiKey\t" + key,
                                   "ApiKey \t" + key,
                                   "ApiKey " + key + " ",
                                   "ApiKey " + key + "\r\n",
                                   "Bearer " + key,
                                   "Api-Key " + key,
                                   "Api Key " + key,
                                   "ApiKe " + key,
                                   "ApiKeyy " + key,
                                   "ApiKey: " + key,
                                   "ApiKey \"" + key + "\"",
                                   "ApiKey " + key + "," + key,
                                   "ApiKey " + key + ", ApiKey " + key,
                                   "ApiKey key=" + key,
                                   "ApiKey SU-160-984-824",
                                   "ApiKey SU-160-984-824:",
                                   "ApiKey " + std::string(secret_text),
                                   "Basic dXNlcjpwYXNz",
                                   "\xC1piKey " + key,
                                   std::string("ApiKey\0", 7) + key,
                                   std::string(100'000, 'A'),
                                   "ApiKey " + std::string(100'000, ' ')};
  for (const auto& value : malformed) {
    EXPECT_FALSE(parse_authorization(value)) << value.substr(0, 80);
  }
}

TEST(AuthorizationHeader, GivesNothingForAKeyWithAnyOneCharacterSpoilt) {
  const std::string good = "ApiKey " + std::string(key_text);
  for (std::size_t i = 0; i < good.size(); ++i) {
    auto spoilt = good;
    spoilt[i] = '*';
    EXPECT_FALSE(parse_authorization(spoilt)) << spoilt;
    EXPECT_FALSE(parse_authorization(good.substr(0, i))) << i;
  }
}

}  // namespace
}  // namespace mintmark::api_key_test
