#include "api/errors.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <set>
#include <string>

#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/log_folder.h"

// Every error as it goes out: tests/golden/errors/<name>.txt. Clients compare codes and whole headers, so
// they change on purpose alone: MINTMARK_UPDATE_GOLDEN=1 writes the files.
namespace mintmark::errors_test {
namespace {

namespace fs = std::filesystem;
using testing::read_file;
using testing::write_file;

const fs::path folder = "tests/golden/errors";

std::map<std::string, http::Response> all_errors() {
  const std::vector<std::string> messages = {"name: This field is required.", "a \"quoted\" \\ caf\xC3\xA9"};
  std::map<std::string, http::Response> errors;
  const auto add = [&](const std::string& name, ErrorKind kind) {
    errors[name] = error_response(Error{kind, messages});
  };
  add("invalid", ErrorKind::kInvalid);
  add("invalid_query", ErrorKind::kInvalidQuery);
  add("unauthenticated", ErrorKind::kUnauthenticated);
  add("forbidden", ErrorKind::kForbidden);
  add("not_found", ErrorKind::kNotFound);
  add("conflict", ErrorKind::kConflict);
  add("taken", ErrorKind::kTaken);
  add("precondition_failed", ErrorKind::kPreconditionFailed);
  add("unavailable", ErrorKind::kUnavailable);
  add("outcome_unknown", ErrorKind::kOutcomeUnknown);
  add("insufficient_storage", ErrorKind::kInsufficientStorage);
  using enum http::ProtocolError;
  errors["protocol_malformed"] = error_response(kMalformed);
  errors["protocol_head_too_large"] = error_response(kHeadTooLarge);
  errors["protocol_body_too_large"] = error_response(kBodyTooLarge);
  errors["protocol_request_timeout"] = error_response(kRequestTimeout);
  errors["protocol_unsupported_version"] = error_response(kUnsupportedVersion);
  errors["protocol_unsupported_encoding"] = error_response(kUnsupportedEncoding);
  errors["protocol_expectation_failed"] = error_response(kExpectationFailed);
  errors["internal_error"] = internal_error_response();
  errors["method_not_allowed"] = method_not_allowed("GET, HEAD, OPTIONS");
  errors["too_many_requests"] = too_many_requests(std::chrono::seconds(7));
  errors["unsupported_media_type"] = unsupported_media_type();
  return errors;
}

std::string text_of(const http::Response& response) {
  auto text = fmt::format("{}\nContent-Type: {}\n", response.status, response.content_type);
  for (const auto& [name, value] : response.headers) text += fmt::format("{}: {}\n", name, value);
  return text + "\n" + response.body + "\n";
}

TEST(Errors, EachIsAsItsGoldenFileHasIt) {
  const auto* update = std::getenv("MINTMARK_UPDATE_GOLDEN");
  if (update != nullptr && std::string_view(update) == "1") {
    fs::create_directories(folder);
    for (const auto& [name, response] : all_errors()) write_file(folder / (name + ".txt"), text_of(response));
  }
  for (const auto& [name, response] : all_errors()) {
    EXPECT_EQ(text_of(response), read_file(folder / (name + ".txt"))) << name;
  }
}

TEST(Errors, NoGoldenFileIsLeftOver) {
  const auto errors = all_errors();
  for (const auto& entry : fs::directory_iterator(folder)) {
    EXPECT_TRUE(errors.contains(entry.path().stem().string())) << entry.path();
  }
}

TEST(Errors, EveryBodyHasTheContractsFormAndExactlyItsContentType) {
  for (const auto& [name, response] : all_errors()) {
    EXPECT_EQ(response.content_type, "application/json") << name;
    const auto body = boost::json::parse(response.body).as_object();
    EXPECT_EQ(body.size(), 2) << name;
    EXPECT_TRUE(body.at("error_code").is_string()) << name;
    ASSERT_FALSE(body.at("errors").as_array().empty()) << name;
    for (const auto& message : body.at("errors").as_array()) EXPECT_TRUE(message.is_string()) << name;
  }
}

TEST(Errors, OneCodeMeansOneStatus) {
  std::map<std::string, std::set<int>> statuses;
  for (const auto& [name, response] : all_errors()) {
    const auto body = boost::json::parse(response.body).as_object();
    statuses[std::string(body.at("error_code").as_string())].insert(response.status);
  }
  for (const auto& [code, found] : statuses) EXPECT_EQ(found.size(), 1) << code;
}

TEST(Errors, WhatMayBeRetriedSaysWhen) {
  for (const auto& [name, response] : all_errors()) {
    const bool retried = response.status == 429 || response.status == 503 || response.status == 507;
    const bool told = std::ranges::any_of(response.headers,
                                          [](const auto& header) { return header.first == "Retry-After"; });
    EXPECT_EQ(told, retried) << name;
  }
}

}  // namespace
}  // namespace mintmark::errors_test
