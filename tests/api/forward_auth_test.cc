#include "api/forward_auth.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/api_instance.h"

namespace mintmark::forward_auth_test {
namespace {

using http::RequestBuilder;
using namespace std::chrono_literals;
using namespace ::mintmark::testing;

constexpr std::string_view unauthorized =
    "HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: ApiKey realm=\"mintmark\"\r\nContent-Length: 0\r\n"
    "Date: …\r\n\r\n";
constexpr std::string_view forbidden = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nDate: …\r\n\r\n";

Event granted(std::uint32_t module) {
  Event event;
  event.mutable_permissions_granted()->add_modules(module);
  return event;
}

class ForwardAuthTest : public ::testing::Test {
 protected:
  // A token with this secret, whose every hex digit is 1 unless told.
  Event token(TokenId id, Extension extension, const std::string& name, AccountId account = vendor(1)) const {
    auto event = token_created(id, account, extension, name);
    *event.mutable_token_created()->mutable_secret_digest() =
        instance_.peppers.digest(*Secret::parse(secret_));
    return event;
  }
  void add(TokenId id, const Event& event) {
    History(instance_.memory).add(id, event);
    instance_.project();
  }
  std::string key(TokenId id) const { return "ApiKey " + id.text() + ":" + secret_; }

  // The answer with its date cut out.
  std::string answer(const RequestBuilder& request, bool keep_alive = true) {
    const auto built = request.build();
    std::string out = "kept";
    answer_forward_auth(*instance_.services, built, 0, keep_alive, out);
    EXPECT_TRUE(out.starts_with("kept"));
    out.erase(0, 4);
    constexpr std::size_t date_size = 29;
    const auto at = out.find("Date: ");
    EXPECT_NE(at, std::string::npos);
    EXPECT_EQ(out.substr(at + 6 + date_size, 2), "\r\n");
    return out.replace(at + 6, date_size, "…");
  }
  std::string answer_to_key(const std::string& authorization) {
    return answer(RequestBuilder("GET", "/authorize").header("Authorization", authorization));
  }

  ApiInstance instance_;
  const std::string secret_ = std::string(40, '1');
};

TEST_F(ForwardAuthTest, TheGatewaysPathIsAuthorizeAndWhatIsBelowIt) {
  for (const auto target : {"/authorize", "/authorize?x=1", "/authorize/", "/authorize/agreements?x"}) {
    EXPECT_TRUE(is_forward_auth(RequestBuilder("PATCH", target).build())) << target;
  }
  for (const auto target : {"/", "/authorized", "/authorize-x", "/public/authorize", "*", "/Authorize"}) {
    EXPECT_FALSE(is_forward_auth(RequestBuilder("GET", target).build())) << target;
  }
}

TEST_F(ForwardAuthTest, AKeyThatMayIsLetThroughWithWhoseItIs) {
  add(token_id(160'984'824), token(token_id(160'984'824), CUSTOM, "Billing"));
  EXPECT_EQ(answer_to_key(key(token_id(160'984'824))),
            "HTTP/1.1 204 No Content\r\n"
            "X-Mintmark-Account: VA-000-001\r\n"
            "X-Mintmark-Token: SU-160-984-824\r\n"
            "X-Mintmark-Name: Billing\r\n"
            "X-Mintmark-Type: custom\r\n"
            "Date: …\r\n\r\n");
}

TEST_F(ForwardAuthTest, TheRequestsOwnIdComesBackWhereItIsOne) {
  add(token_id(1), token(token_id(1), CUSTOM, "Billing"));
  const auto answer_with = [&](const std::string& authorization, const std::string& id) {
    return answer(RequestBuilder("GET", "/authorize")
                      .header("Authorization", authorization)
                      .header("X-Request-Id", id));
  };
  for (const auto& authorization : {key(token_id(1)), key(token_id(2))}) {
    EXPECT_NE(answer_with(authorization, "a-1").find("\r\nX-Request-Id: a-1\r\nDate: "), std::string::npos);
    for (const auto& bad : {std::string(), std::string("a b"), std::string(129, 'x')})
      EXPECT_EQ(answer_with(authorization, bad).find("X-Request-Id"), std::string::npos) << bad;
  }
}

TEST_F(ForwardAuthTest, IdsKeepTheirZeroesAndNamesAreEncodedForAHeader) {
  const auto provider = AccountId::from_value(AccountType::kProvider, 0);
  add(token_id(7), token(token_id(7), ZAPIER, " 50% caf\xC3\xA9\r\nX-Evil: 1", provider));
  add(token_id(7), connection_issued());
  EXPECT_EQ(answer_to_key(key(token_id(7))),
            "HTTP/1.1 204 No Content\r\n"
            "X-Mintmark-Account: PA-000-000\r\n"
            "X-Mintmark-Token: SU-000-000-007\r\n"
            "X-Mintmark-Name: %2050%25 caf%C3%A9%0D%0AX-Evil: 1\r\n"
            "X-Mintmark-Type: zapier\r\n"
            "Date: …\r\n\r\n");
}

TEST_F(ForwardAuthTest, AConnectionThatEndsIsToldSoInEveryAnswer) {
  add(token_id(1), token(token_id(1), CUSTOM, "x"));
  add(token_id(2), token(token_id(2), ZAPIER, "pending"));
  for (const auto& authorization : {key(token_id(1)), key(token_id(2)), std::string("ApiKey nonsense")}) {
    const auto request = RequestBuilder("GET", "/authorize").header("Authorization", authorization);
    EXPECT_TRUE(answer(request, false).ends_with("Date: …\r\nConnection: close\r\n\r\n"));
  }
}

TEST_F(ForwardAuthTest, WithoutAKnownKeyEveryAnswerIsTheSame401) {
  add(token_id(1), token(token_id(1), CUSTOM, "x"));
  add(token_id(2), token(token_id(2), CUSTOM, "deleted"));
  add(token_id(2), token_deleted());
  EXPECT_EQ(answer(RequestBuilder("GET", "/authorize")), unauthorized);
  const auto known = key(token_id(1));
  for (const auto& authorization : std::vector<std::string>{
           "", "ApiKey", "ApiKey ", known.substr(7), known + "0", known.substr(0, known.size() - 1),
           known.substr(0, known.size() - 1) + "2", known + " ", "Bearer " + known.substr(7),
           "ApiKey SU-000-000-001:" + std::string(40, 'A'), "ApiKey SU-000-000-001",
           "ApiKey\t" + known.substr(7), "Basic dXNlcjpwYXNz", key(token_id(2)), key(token_id(3)),
           std::string(10'000, 'x')}) {
    EXPECT_EQ(answer_to_key(authorization), unauthorized) << authorization;
  }
}

TEST_F(ForwardAuthTest, TheSchemesCaseAndSpacesDoNotMatter) {
  add(token_id(1), token(token_id(1), CUSTOM, "x"));
  for (const auto scheme : {"apikey ", "APIKEY ", "ApiKey    "}) {
    EXPECT_TRUE(answer_to_key(scheme + key(token_id(1)).substr(7)).starts_with("HTTP/1.1 204")) << scheme;
  }
}

TEST_F(ForwardAuthTest, ASecondAuthorizationFieldIsRefusedEvenIfItIsTheSame) {
  add(token_id(1), token(token_id(1), CUSTOM, "x"));
  EXPECT_EQ(answer(RequestBuilder("GET", "/authorize")
                       .header("Authorization", key(token_id(1)))
                       .header("authorization", key(token_id(1)))),
            unauthorized);
}

TEST_F(ForwardAuthTest, AKnownKeyOfATokenThatIsPendingOrExpiredIs403) {
  add(token_id(1), token(token_id(1), ZAPIER, "pending"));
  EXPECT_EQ(answer_to_key(key(token_id(1))), forbidden);
  auto expiring = token(token_id(2), CUSTOM, "expiring");
  const auto expires_at = instance_.clock.now() + 1h;
  expiring.mutable_token_created()->set_expires_at_us(expires_at.time_since_epoch().count());
  add(token_id(2), expiring);
  instance_.clock.advance(1h - 1s);
  EXPECT_TRUE(answer_to_key(key(token_id(2))).starts_with("HTTP/1.1 204"));
  instance_.clock.advance(1s);
  EXPECT_EQ(answer_to_key(key(token_id(2))), forbidden);
}

TEST_F(ForwardAuthTest, OnlyAKeyThatIsLetThroughIsUsed) {
  add(token_id(1), token(token_id(1), ZAPIER, "pending"));
  add(token_id(2), token(token_id(2), CUSTOM, "x"));
  const auto last_use = [&](std::uint32_t number) { return instance_.index.last_use(token_id(number)); };
  answer_to_key(key(token_id(1)));
  answer_to_key("ApiKey SU-000-000-002:" + std::string(40, '2'));
  answer(RequestBuilder("GET", "/authorize")
             .header("Authorization", key(token_id(2)))
             .header("X-Original-URI", "makes no sense"));
  EXPECT_EQ(last_use(1), std::nullopt);
  EXPECT_EQ(last_use(2), std::nullopt);
  answer_to_key(key(token_id(2)));
  EXPECT_EQ(last_use(2), instance_.clock.now());
}

TEST_F(ForwardAuthTest, AWrongSecretOfATokenThatMayNotIsUnknownAndNotForbidden) {
  add(token_id(1), token(token_id(1), ZAPIER, "pending"));
  EXPECT_EQ(answer_to_key("ApiKey SU-000-000-001:" + std::string(40, '2')), unauthorized);
}

TEST_F(ForwardAuthTest, TheMethodOfTheQuestionDoesNotMatter) {
  add(token_id(1), token(token_id(1), CUSTOM, "x"));
  for (const auto method : {"GET", "HEAD", "POST", "DELETE", "OPTIONS", "PROPFIND"}) {
    EXPECT_TRUE(answer(RequestBuilder(method, "/authorize/x").header("Authorization", key(token_id(1))))
                    .starts_with("HTTP/1.1 204"))
        << method;
  }
}

TEST_F(ForwardAuthTest, AnOriginalRequestThatMakesNoSenseIs403) {
  add(token_id(1), token(token_id(1), CUSTOM, "x"));
  struct Case {
    std::string_view field;
    std::string_view value;
    bool makes_sense;
  };
  for (const auto& [field, value, makes_sense] : {
           Case{"X-Original-URI", "/agreements/?x=%00", true},
           Case{"X-Forwarded-Uri", "/", true},
           Case{"X-Original-Method", "PROPFIND", true},
           Case{"X-Forwarded-Method", "GET", true},
           Case{"X-Original-URI", "", false},
           Case{"X-Original-URI", "agreements", false},
           Case{"X-Forwarded-Uri", "http://x/", false},
           Case{"X-Original-Method", "", false},
           Case{"X-Original-Method", "get", false},
           Case{"X-Forwarded-Method", "GET POST", false},
       }) {
    const auto request =
        RequestBuilder("GET", "/authorize").header("Authorization", key(token_id(1))).header(field, value);
    EXPECT_EQ(answer(request).starts_with("HTTP/1.1 204"), makes_sense) << field << ": " << value;
    if (!makes_sense) EXPECT_EQ(answer(request), forbidden);
  }
}

// Of a token that may call agreements alone.
TEST_F(ForwardAuthTest, WhatAClientAddsToWhatItsGatewayTellsOpensNothing) {
  add(token_id(1), token(token_id(1), CUSTOM, "x"));
  add(token_id(1), granted(1));
  using Fields = std::vector<std::pair<std::string_view, std::string_view>>;
  const auto status = [&](std::string_view method, std::string_view target, const Fields& fields) {
    RequestBuilder request(method, target);
    request.header("Authorization", key(token_id(1)));
    for (const auto& [name, value] : fields) request.header(name, value);
    return std::stoi(answer(request).substr(9, 3));
  };
  // As gateways ask that set one pair, or append the path.
  const Fields nginx{{"X-Original-Method", "GET"}, {"X-Original-URI", "/products"}};
  const Fields caddy{{"X-Forwarded-Method", "GET"}, {"X-Forwarded-Uri", "/products"}};
  for (const auto& theirs : {nginx, caddy}) {
    for (const auto* forged : {"X-Original-URI", "X-Forwarded-Uri", "x-original-uri"}) {
      auto fields = theirs;
      fields.emplace_back(forged, "/agreements");
      EXPECT_EQ(status("GET", "/authorize", fields), 403) << forged << ", the client's behind";
      std::ranges::rotate(fields, fields.end() - 1);
      EXPECT_EQ(status("GET", "/authorize", fields), 403) << forged << ", the client's in front";
    }
    EXPECT_EQ(status("GET", "/authorize/agreements", theirs), 403);
  }
  for (const auto* forged : {"X-Original-URI", "X-Forwarded-Uri"}) {
    EXPECT_EQ(status("GET", "/authorize/products", {{forged, "/agreements"}}), 403) << forged;
    EXPECT_EQ(status("GET", "/authorize/", {{forged, "/agreements"}}), 403) << forged;
    // The same, twice: nobody sends that by mistake.
    EXPECT_EQ(status("GET", "/authorize", {{forged, "/agreements"}, {forged, "/agreements"}}), 403);
    // What a proxy makes of two fields.
    EXPECT_EQ(status("GET", "/authorize", {{forged, "/agreements, /products"}}), 403);
  }
  EXPECT_EQ(status("GET", "/authorize/agreements", {}), 204);
  EXPECT_EQ(status("GET", "/authorize/agreements",
                   {{"X-Original-URI", "/agreements"},
                    {"X-Forwarded-Uri", "/agreements"},
                    {"X-Original-Method", "GET"},
                    {"X-Forwarded-Method", "GET"}}),
            204)
      << "all agree";
}

TEST_F(ForwardAuthTest, AClientsMethodOpensNothingEither) {
  instance_.modules = ModuleTable::make({{1, "Reading", {"GET /reports"}}, {2, "Writing", {"POST /reports"}}},
                                        UnmappedPaths::kRestricted)
                          .value();
  add(token_id(1), token(token_id(1), CUSTOM, "x"));
  add(token_id(1), granted(1));
  const auto status = [&](std::string_view asks, std::string_view target, std::string_view theirs,
                          std::string_view told, std::string_view forged, std::string_view as) {
    RequestBuilder request(asks, target);
    request.header("Authorization", key(token_id(1))).header("X-Original-URI", "/reports");
    if (!theirs.empty()) request.header(theirs, told);
    if (!forged.empty()) request.header(forged, as);
    return std::stoi(answer(request).substr(9, 3));
  };
  for (const auto* theirs : {"X-Original-Method", "X-Forwarded-Method"}) {
    EXPECT_EQ(status("GET", "/authorize", theirs, "GET", "", ""), 204);
    EXPECT_EQ(status("GET", "/authorize", theirs, "POST", "", ""), 403);
    for (const auto* forged : {"X-Original-Method", "X-Forwarded-Method"}) {
      EXPECT_EQ(status("GET", "/authorize", theirs, "POST", forged, "GET"), 403) << theirs << forged;
      EXPECT_EQ(status("GET", "/authorize", forged, "GET", theirs, "POST"), 403) << theirs << forged;
    }
    EXPECT_EQ(status("POST", "/authorize/reports", "", "", theirs, "GET"), 403) << "Envoy";
  }
  EXPECT_EQ(status("GET", "/authorize/reports", "", "", "", ""), 204);
  EXPECT_EQ(status("POST", "/authorize/reports", "", "", "", ""), 403);
}

TEST_F(ForwardAuthTest, AnOriginalRequestThatMakesNoSenseTellsNothingWithoutAKey) {
  EXPECT_EQ(answer(RequestBuilder("GET", "/authorize").header("X-Original-URI", "x")), unauthorized);
}

TEST_F(ForwardAuthTest, ADeletionThatWasAnsweredShutsTheKeyOut) {
  const auto account = instance_.open_account("Acme");
  const auto created = instance_.create_token(account);
  const auto authorization = "ApiKey " + created.value.key->text();
  EXPECT_TRUE(answer_to_key(authorization).starts_with("HTTP/1.1 204"));
  const auto caller = ApiInstance::caller(account);
  ASSERT_TRUE(run(delete_token(*instance_.services, caller, created.value.key->id)));
  EXPECT_EQ(answer_to_key(authorization), unauthorized);
}

}  // namespace
}  // namespace mintmark::forward_auth_test
