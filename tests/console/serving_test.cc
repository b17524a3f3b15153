#include <algorithm>
#include <optional>
#include <string>
#include <string_view>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "api/console.h"
#include "api/console_files.h"
#include "tests/support/request_builder.h"

namespace mintmark::serving_test {
namespace {

using http::RequestBuilder;
using testing::AllOf;
using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr std::string_view gzip_magic = "\x1f\x8b";

std::optional<std::string> header(const http::Response& response, std::string_view name) {
  const auto found = std::ranges::find(response.headers, name, [](const auto& field) { return field.first; });
  return found == response.headers.end() ? std::nullopt : std::optional(found->second);
}

http::Response get(std::string_view path, std::string_view accept_encoding = "") {
  RequestBuilder builder("GET", path);
  if (!accept_encoding.empty()) builder.header("Accept-Encoding", accept_encoding);
  const auto response = answer_console(builder.build());
  return response.value_or(http::Response{404, "", "", {}});
}

// The address of the script that the page names.
std::string script_path() {
  const auto page = get("/").body;
  const auto begin = page.find("/assets/", page.find("<script"));
  const auto end = page.find('"', begin);
  return begin == std::string::npos ? "" : page.substr(begin, end - begin);
}

TEST(ConsoleServing, TheViewsAreTheOnePage) {
  const auto page = get("/");
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/html; charset=utf-8");
  EXPECT_THAT(page.body, StartsWith("<!doctype html>"));
  for (const auto* view :
       {"/tokens", "/general", "/sign-in", "/webhooks", "/deliveries", "/activity", "/users",
        "/tokens?page=2", "/tokens/SU-160-984-824", "/webhooks/WH-160-984-824"}) {
    EXPECT_EQ(get(view).body, page.body) << view;
  }
}

TEST(ConsoleServing, WhatIsNoFileIsNotAnswered) {
  for (const auto* path : {"/assets/", "/assets/none.js", "/assets/../index.html", "/index.html", "/tokens/",
                           "/tokens/SU-1", "/webhooks/WH-1", "/webhooks/", "/public", "/favicon.ico", "*"}) {
    EXPECT_FALSE(answer_console(RequestBuilder("GET", path).build())) << path;
  }
}

TEST(ConsoleServing, ThePageIsFreshAndAssetsAreKeptForEver) {
  EXPECT_EQ(header(get("/"), "Cache-Control"), "no-cache");
  const auto script = get(script_path());
  EXPECT_EQ(script.status, 200);
  EXPECT_EQ(script.content_type, "text/javascript; charset=utf-8");
  EXPECT_EQ(header(script, "Cache-Control"), "public, max-age=31536000, immutable");
}

TEST(ConsoleServing, NothingInlineAndNothingFromElsewhere) {
  for (const auto& path : {std::string("/"), script_path()}) {
    const auto response = get(path);
    const auto policy = header(response, "Content-Security-Policy").value_or("");
    EXPECT_THAT(policy, AllOf(StartsWith("default-src 'none'"), HasSubstr("script-src 'self';"),
                              HasSubstr("style-src 'self';"), EndsWith("frame-ancestors 'none'"),
                              Not(HasSubstr("unsafe")), Not(HasSubstr("*"))));
    EXPECT_EQ(header(response, "X-Content-Type-Options"), "nosniff");
    EXPECT_EQ(header(response, "X-Frame-Options"), "DENY");
    EXPECT_EQ(header(response, "Referrer-Policy"), "no-referrer");
  }
  EXPECT_THAT(get("/").body, AllOf(Not(HasSubstr("<style")), Not(HasSubstr("style=")), Not(HasSubstr("//"))));
}

TEST(ConsoleServing, CompressedWhereTheClientTakesIt) {
  const auto path = script_path();
  const auto plain = get(path);
  EXPECT_EQ(header(plain, "Content-Encoding"), std::nullopt);
  EXPECT_EQ(header(plain, "Vary"), "Accept-Encoding");
  for (const auto* accepted : {"gzip", "deflate, gzip;q=0.5, br", "GZIP ; q=1", "*", "br, *;q=0.1"}) {
    const auto response = get(path, accepted);
    EXPECT_EQ(header(response, "Content-Encoding"), "gzip") << accepted;
    EXPECT_THAT(response.body, StartsWith(gzip_magic));
    EXPECT_LT(response.body.size(), plain.body.size());
  }
  for (const auto* refused : {"br", "identity", "gzip;q=0", "gzip; q=0.000, *", "*;q=0", ",,;"}) {
    EXPECT_EQ(header(get(path, refused), "Content-Encoding"), std::nullopt) << refused;
    EXPECT_EQ(get(path, refused).body, plain.body);
  }
}

TEST(ConsoleServing, OnlyReading) {
  EXPECT_EQ(answer_console(RequestBuilder("HEAD", "/").build())->status, 200);
  const auto refused = answer_console(RequestBuilder("POST", "/tokens").build());
  EXPECT_EQ(refused->status, 405);
  EXPECT_EQ(header(*refused, "Allow"), "GET, HEAD, OPTIONS");
  const auto options = answer_console(RequestBuilder("OPTIONS", "/").build());
  EXPECT_EQ(options->status, 204);
  EXPECT_EQ(header(*options, "Allow"), "GET, HEAD, OPTIONS");
}

TEST(ConsoleServing, TheFirstLoadIsSmall) {
  std::size_t bytes = 0;
  for (const auto& path : {std::string("/"), script_path()}) bytes += get(path, "gzip").body.size();
  const auto page = get("/").body;
  const auto style = page.find("/assets/", page.find("stylesheet"));
  bytes += get(page.substr(style, page.find('"', style) - style), "gzip").body.size();
  RecordProperty("first_load_bytes", static_cast<int>(bytes));
  EXPECT_LE(bytes, 300U * 1024);
}

}  // namespace
}  // namespace mintmark::serving_test
