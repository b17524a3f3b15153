#include "domain/ids.h"

#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_set>
#include <vector>

#include <gtest/gtest.h>

namespace mintmark::ids_test {
namespace {

TEST(TokenId, PrintsNineDigitsInGroupsWithLeadingZeros) {
  EXPECT_EQ(TokenId::from_value(0).text(), "SU-000-000-000");
  EXPECT_EQ(TokenId::from_value(7).text(), "SU-000-000-007");
  EXPECT_EQ(TokenId::from_value(160'984'824).text(), "SU-160-984-824");
  EXPECT_EQ(TokenId::from_value(999'999'999).text(), "SU-999-999-999");
}

TEST(TokenId, ParsesWhatItPrints) {
  for (const std::uint32_t value : {0U, 1U, 999U, 1000U, 1'000'000U, 160'984'824U, 999'999'999U}) {
    const auto parsed = TokenId::parse(TokenId::from_value(value).text());
    ASSERT_TRUE(parsed) << value;
    EXPECT_EQ(parsed->value(), value);
  }
}

TEST(TokenId, ParsesNothingElse) {
  for (const std::string_view text : {"",
                                      "SU",
                                      "SU-",
                                      "SU-160-984",
                                      "SU-160-984-82",
                                      "SU-160-984-8244",
                                      "SU-160-984-824 ",
                                      " SU-160-984-824",
                                      "su-160-984-824",
                                      "UR-160-984-824",
                                      "SU160984824",
                                      "SU-160984824",
                                      "SU-16O-984-824",
                                      "SU-160_984-824",
                                      "SU-160-984-82a",
                                      "SU--60-984-824",
                                      "SU-+60-984-824",
                                      "SU-160-984-824\n",
                                      "SU-160-984-８24",
                                      "SU-1609-84-824"}) {
    EXPECT_FALSE(TokenId::parse(text)) << text;
  }
  EXPECT_FALSE(TokenId::parse(std::string_view("SU-160-984-82\0", 14)));
}

TEST(UserId, HasItsOwnPrefixAndType) {
  EXPECT_EQ(UserId::from_value(5'001'002).text(), "UR-005-001-002");
  EXPECT_EQ(UserId::parse("UR-005-001-002"), UserId::from_value(5'001'002));
  EXPECT_FALSE(UserId::parse("SU-005-001-002"));
  EXPECT_FALSE((std::is_convertible_v<UserId, TokenId>));
  EXPECT_FALSE((std::is_constructible_v<UserId, TokenId>));
}

TEST(AccountId, PrintsItsTypeInItsPrefix) {
  EXPECT_EQ(AccountId::from_value(AccountType::kVendor, 42).text(), "VA-000-042");
  EXPECT_EQ(AccountId::from_value(AccountType::kProvider, 999'999).text(), "PA-999-999");
}

TEST(AccountId, ParsesBothTypesAndNothingElse) {
  EXPECT_EQ(AccountId::parse("VA-123-456"), AccountId::from_value(AccountType::kVendor, 123'456));
  EXPECT_EQ(AccountId::parse("PA-123-456"), AccountId::from_value(AccountType::kProvider, 123'456));
  EXPECT_EQ(AccountId::parse("PA-000-000")->type(), AccountType::kProvider);
  EXPECT_EQ(AccountId::parse("VA-999-999")->type(), AccountType::kVendor);
  for (const std::string_view text : {"", "VA", "VA-123-45", "VA-123-4567", "va-123-456", "XA-123-456",
                                      "VA-123-456-789", "VA123456", "VA-12x-456", "VA-123-456 "}) {
    EXPECT_FALSE(AccountId::parse(text)) << text;
  }
}

TEST(AccountId, ACodeStandsForTypeAndDigits) {
  for (const auto type : {AccountType::kVendor, AccountType::kProvider}) {
    for (const std::uint32_t value : {0U, 1U, 999'999U}) {
      const auto id = AccountId::from_value(type, value);
      EXPECT_LT(id.code(), 2 * AccountId::value_end);
      EXPECT_EQ(AccountId::from_code(id.code()), id);
    }
  }
}

TEST(AccountId, AVendorIsNeverTheProviderOfTheSameDigits) {
  const auto vendor = AccountId::from_value(AccountType::kVendor, 7);
  const auto provider = AccountId::from_value(AccountType::kProvider, 7);
  EXPECT_NE(vendor, provider);
  EXPECT_LT(vendor, provider);
  EXPECT_EQ((std::unordered_set<AccountId>{vendor, provider, vendor}.size()), 2U);
}

TEST(ExtensionId, PrintsBuiltInOnesShortAndAnAccountsOwnLong) {
  EXPECT_EQ(ExtensionId::custom().text(), "EXT-000");
  EXPECT_EQ(ExtensionId::zapier().text(), "EXT-001");
  EXPECT_EQ(ExtensionId::from_value(2000).text(), "EXT-002-000");
  EXPECT_EQ(ExtensionId::from_value(999'999).text(), "EXT-999-999");
  EXPECT_TRUE(ExtensionId::zapier().is_built_in());
  EXPECT_FALSE(ExtensionId::from_value(2000).is_built_in());
}

TEST(ExtensionId, ParsesWhatItPrintsAndNothingElse) {
  for (const std::string_view text : {"EXT-000", "EXT-001", "EXT-002-000", "EXT-999-999"}) {
    const auto id = ExtensionId::parse(text);
    ASSERT_TRUE(id) << text;
    EXPECT_EQ(id->text(), text);
  }
  for (const std::string_view text :
       {"", "EXT", "EXT-", "EXT-002", "EXT-999", "EXT-000-000", "EXT-001-999", "ext-000", "EXT-00",
        "EXT-0000", "EXT-123-45", "EXT-123-456-789", "EXT-12x-456", "EXT-123-456 ", "EXT--00"}) {
    EXPECT_FALSE(ExtensionId::parse(text)) << text;
  }
}

TEST(ExtensionId, IsOrderedAsItsText) {
  const std::vector ids{ExtensionId::custom(), ExtensionId::zapier(), ExtensionId::from_value(2000),
                        ExtensionId::from_value(2001), ExtensionId::from_value(999'999)};
  for (std::size_t i = 1; i < ids.size(); ++i) {
    EXPECT_LT(ids[i - 1], ids[i]);
    EXPECT_LT(ids[i - 1].text(), ids[i].text());
  }
}

TEST(Streams, AreNamedByKindAndId) {
  EXPECT_EQ(stream_of(TokenId::from_value(160'984'824)), "token-SU-160-984-824");
  EXPECT_EQ(stream_of(UserId::from_value(1)), "user-UR-000-000-001");
  EXPECT_EQ(stream_of(AccountId::from_value(AccountType::kVendor, 1)), "account-VA-000-001");
  EXPECT_EQ(stream_of(AccountId::from_value(AccountType::kProvider, 1)), "account-PA-000-001");
  EXPECT_EQ(stream_of(ExtensionId::from_value(992'774)), "extension-EXT-992-774");
}

}  // namespace
}  // namespace mintmark::ids_test
