#include "api/module_table.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "domain/token.h"

namespace mintmark::module_table_test {
namespace {

const std::optional<std::uint64_t> everything;

ModuleTable table(UnmappedPaths unmapped = UnmappedPaths::kRestricted) {
  return ModuleTable::make({{1, "Agreements", {"/agreements"}},
                            {2, "Reports", {"GET,HEAD /reports", "/agreements/*/reports/"}},
                            {3, "Writing", {"/reports"}}},
                           unmapped)
      .value();
}

TEST(ModuleTable, MapsAPathAndAllBelowIt) {
  const auto modules = table();
  for (const auto* path :
       {"/agreements", "/agreements/", "/agreements/AGP-1", "/agreements?limit=1", "/public/v1/agreements",
        "/public/v1/agreements/?x", "/%61greements", "/agreements#x", "/agreements/%c3%a9"}) {
    EXPECT_TRUE(modules.allows(module_bit(1), "GET", path)) << path;
    EXPECT_FALSE(modules.allows(module_bit(2), "GET", path)) << path;
    EXPECT_TRUE(modules.allows(everything, "GET", path)) << path;
  }
  for (const auto* path :
       {"/agreementsx", "/agreement", "/x/agreements", "/public/v1", "/public/v1x/agreements", "/"}) {
    EXPECT_FALSE(modules.allows(module_bit(1), "GET", path)) << path;
  }
}

TEST(ModuleTable, TheRuleWithTheMostSegmentsDecidesAndThenTheFirst) {
  const auto modules = table();
  EXPECT_TRUE(modules.allows(module_bit(2), "POST", "/agreements/AGP-1/reports/7"));
  EXPECT_FALSE(modules.allows(module_bit(1), "POST", "/agreements/AGP-1/reports/7"));
  EXPECT_TRUE(modules.allows(module_bit(2), "GET", "/reports"));
  EXPECT_FALSE(modules.allows(module_bit(2), "POST", "/reports"));
  EXPECT_TRUE(modules.allows(module_bit(3), "POST", "/reports"));
  EXPECT_FALSE(modules.allows(module_bit(3), "GET", "/reports"));
}

TEST(ModuleTable, WhatNoRuleMapsIsRefusedOrAllowedAsConfigured) {
  const auto mode = [](UnmappedPaths unmapped, std::optional<std::uint64_t> permissions) {
    return table(unmapped).allows(permissions, "GET", "/elsewhere");
  };
  EXPECT_TRUE(mode(UnmappedPaths::kRestricted, everything));
  EXPECT_FALSE(mode(UnmappedPaths::kRestricted, module_bit(1)));
  EXPECT_TRUE(mode(UnmappedPaths::kAllow, everything));
  EXPECT_TRUE(mode(UnmappedPaths::kAllow, module_bit(1)));
  EXPECT_FALSE(mode(UnmappedPaths::kRefuse, everything));
  EXPECT_FALSE(mode(UnmappedPaths::kRefuse, module_bit(1)));
  EXPECT_TRUE(table(UnmappedPaths::kRefuse).allows(everything, "GET", "/agreements"));
}

// What the API behind the gateway might read as another path than we do.
TEST(ModuleTable, PathsThatMayBeReadInTwoWaysAreRefusedToTokensWithPermissions) {
  for (const auto& path : std::vector<std::string>{"",
                                                   "agreements",
                                                   "/agreements/../billing",
                                                   "/agreements/./x",
                                                   "/agreements/%2e%2e/billing",
                                                   "//agreements",
                                                   "/agreements//x",
                                                   "/agreements%2fx",
                                                   "/agreements%2Fx",
                                                   "/agreements/%5c..",
                                                   "/agreements/..;/x",
                                                   "/agreements\\x",
                                                   "/agreements/%00",
                                                   "/agreements/%",
                                                   "/agreements/%4",
                                                   "/agreements/%zz",
                                                   "/agreements/%252e",
                                                   "/agreements/..",
                                                   "/agreements/%c0%ae%c0%ae/billing",
                                                   "/agreements/\xC0\xAE",
                                                   "/agreements/%ff",
                                                   "/agreements/%ed%a0%80",
                                                   "/" + std::string(20'000, 'a')}) {
    EXPECT_FALSE(table().allows(module_bit(1), "GET", path)) << path;
    EXPECT_FALSE(table(UnmappedPaths::kAllow).allows(~std::uint64_t{0}, "GET", path)) << path;
    EXPECT_FALSE(table(UnmappedPaths::kRefuse).allows(everything, "GET", path)) << path;
    EXPECT_TRUE(table().allows(everything, "GET", path)) << path;
  }
}

TEST(ModuleTable, SaysWhatIsWrongWithIt) {
  const auto error = [](std::vector<Module> modules) {
    const auto made = ModuleTable::make(std::move(modules), UnmappedPaths::kAllow);
    return made ? std::string() : made.error().messages.front();
  };
  EXPECT_EQ(error({{0, "A", {}}}), "module \"A\": its id must be MD-0001 to MD-0064, and its own");
  EXPECT_NE(error({{65, "A", {}}}), "");
  EXPECT_NE(error({{1, "A", {}}, {1, "B", {}}}), "");
  EXPECT_EQ(error({{1, "", {}}}), "MD-0001: its name must have 1 to 32 characters, and be its own");
  EXPECT_NE(error({{1, "A", {}}, {2, "A", {}}}), "");
  EXPECT_EQ(error({{1, "A", {"agreements"}}}), "rule \"agreements\": its path must be /segment/…");
  for (const auto* rule :
       {"", "/", "GET", "get /a", "GET, /a", " /a", "/a//b", "/a/../b", "/a?b", "/%61", "/a/b*"}) {
    EXPECT_NE(error({{1, "A", {rule}}}), "") << rule;
  }
}

TEST(ModuleTable, HasTheModulesOfThePlatform) {
  const auto standard = ModuleTable::standard();
  ASSERT_NE(standard.find(1), nullptr);
  EXPECT_EQ(standard.find(1)->name, "Agreements");
  EXPECT_EQ(standard.find(64), nullptr);
  for (const auto& module : standard.modules()) {
    EXPECT_EQ(parse_module_id(module_id(module.number)), module.number);
  }
}

TEST(ModuleIds, AreReadInOneFormOnly) {
  EXPECT_EQ(parse_module_id("MD-0007"), 7U);
  for (const auto* text : {"", "MD-", "MD-7", "MD-00007", "md-0007", "MD-000x", "XX-0007"}) {
    EXPECT_FALSE(parse_module_id(text)) << text;
  }
}

}  // namespace
}  // namespace mintmark::module_table_test
