#include "api/metrics.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/api_instance.h"
#include "worker/worker.h"

namespace mintmark::metrics_test {
namespace {

using http::RequestBuilder;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;
using namespace ::mintmark::testing;

class MetricsTest : public ::testing::Test {
 protected:
  void check(const std::string& authorization, const std::string& uri = "/x") {
    const auto built = RequestBuilder("GET", "/authorize")
                           .header("Authorization", authorization)
                           .header("X-Original-Method", "GET")
                           .header("X-Original-URI", uri)
                           .build();
    std::string out;
    ASSERT_TRUE(instance_.api->answer_now(built, 3, true, out));
  }
  // The value behind a metric's name and labels, as it is told.
  std::string value_of(const std::string& metric) {
    const auto text = "\n" + render_metrics(sources_);
    const auto begin = text.find("\n" + metric + " ");
    if (begin == std::string::npos) return "absent";
    const auto value = begin + metric.size() + 2;
    return text.substr(value, text.find('\n', value) - value);
  }
  http::Response get(const std::string& path, const std::string& method = "GET") {
    const auto built = RequestBuilder(method, path).build();
    return run(page_.answer(built, 0));
  }

  ApiInstance instance_;
  AccountId account_ = instance_.open_account("Company");
  CreatedToken token_ = instance_.create_token(account_);
  WorkerCounters worker_;
  http::ConnectionCounters connections_;
  const MetricsSources sources_{*instance_.services, *instance_.api, worker_, connections_, "."};
  MetricsPage page_{sources_};
};

TEST_F(MetricsTest, ChecksAreCountedByTheirVerdictAndAmongTheAnswers) {
  const auto key = "ApiKey " + token_.value.key->text();
  check(key);
  check(key);
  check("ApiKey SU-000-000-000:0000000000000000000000000000000000000000");
  check(key, "not a path");
  EXPECT_EQ(value_of(R"(mintmark_checks_total{verdict="allowed"})"), "2");
  EXPECT_EQ(value_of(R"(mintmark_checks_total{verdict="unauthorized"})"), "1");
  EXPECT_EQ(value_of(R"(mintmark_checks_total{verdict="forbidden"})"), "1");
  EXPECT_EQ(value_of(R"(mintmark_http_responses_total{code="204"})"), "2");
  instance_.call(RequestBuilder("GET", "/healthz"));
  instance_.call(RequestBuilder("GET", "/nothing"));
  instance_.api->refusal(http::ProtocolError::kMalformed);
  EXPECT_EQ(value_of(R"(mintmark_http_responses_total{code="200"})"), "1");
  EXPECT_EQ(value_of(R"(mintmark_http_responses_total{code="404"})"), "1");
  EXPECT_EQ(value_of(R"(mintmark_http_responses_total{code="400"})"), "1");
  EXPECT_EQ(value_of(R"(mintmark_http_responses_total{code="500"})"), "absent");
}

TEST_F(MetricsTest, LogIndexAndJobsAreTold) {
  instance_.project();
  EXPECT_EQ(value_of("mintmark_healthy"), "1");
  EXPECT_EQ(value_of("mintmark_log_position"), std::to_string(instance_.memory.head()));
  EXPECT_EQ(value_of("mintmark_projector_lag_events"), "0");
  EXPECT_EQ(value_of("mintmark_parked_streams"), "0");
  EXPECT_EQ(value_of("mintmark_authorization_index_tokens"), "1");
  EXPECT_NE(value_of("mintmark_authorization_index_bytes"), "0");
  EXPECT_NE(value_of("mintmark_disk_free_bytes"), "absent");
  EXPECT_EQ(value_of("mintmark_passwords_waiting"), "0");
  EXPECT_EQ(value_of(R"(mintmark_jobs{state="waiting"})"), "0");
  EXPECT_EQ(value_of("mintmark_jobs_oldest_due_seconds"), "0");
  instance_.create_token(account_, ZAPIER);  // no worker is there to provision it
  instance_.project();
  instance_.clock.advance(std::chrono::seconds(5));
  EXPECT_EQ(value_of(R"(mintmark_jobs{state="waiting"})"), "1");
  EXPECT_EQ(value_of("mintmark_jobs_oldest_due_seconds"), "5");
  worker_.given_up = 7;
  EXPECT_EQ(value_of(R"(mintmark_attempts_total{outcome="given_up"})"), "7");
  worker_.stale = 3;
  EXPECT_EQ(value_of(R"(mintmark_attempts_total{outcome="stale"})"), "3");
  instance_.healthy = false;
  EXPECT_EQ(value_of("mintmark_healthy"), "0");
}

TEST_F(MetricsTest, ConnectionsAreCountedAndThoseThatWereTurnedAway) {
  connections_.opened();
  connections_.opened();
  connections_.closed();
  for (int i = 0; i < 3; ++i) connections_.refused(1);
  EXPECT_EQ(value_of("mintmark_connections"), "1");
  EXPECT_EQ(value_of("mintmark_connections_refused_total"), "3");
}

TEST_F(MetricsTest, SigningAndVerificationAreToldOnceThereIsSomethingToTell) {
  EXPECT_EQ(value_of("mintmark_tree_head_position"), "absent");
  EXPECT_EQ(value_of("mintmark_log_verified_timestamp_seconds"), "absent");
  instance_.services->signed_position = 0;
  EXPECT_EQ(value_of("mintmark_tree_head_position"), "0") << "none could be signed yet";
  instance_.services->signed_position = 20'852;
  instance_.services->verified_at_s = 1'800'000'000;
  EXPECT_EQ(value_of("mintmark_tree_head_position"), "20852");
  EXPECT_EQ(value_of("mintmark_log_verified_timestamp_seconds"), "1800000000");
}

TEST_F(MetricsTest, WhoHasToWaitIsCounted) {
  instance_.api = std::make_unique<Api>(*instance_.services, ThrottleOptions{1, 1, true});
  const MetricsSources sources{*instance_.services, *instance_.api, worker_, connections_, "."};
  for (int i = 0; i < 3; ++i) instance_.call(RequestBuilder("GET", "/healthz"));
  EXPECT_THAT(render_metrics(sources), HasSubstr("\nmintmark_throttled_total 2\n"));
}

TEST_F(MetricsTest, ThePageAnswersAScraperAndNobodyElse) {
  const auto page = get("/metrics");
  EXPECT_EQ(page.status, 200);
  EXPECT_THAT(page.content_type, StartsWith("text/plain; version=0.0.4"));
  EXPECT_THAT(page.body, HasSubstr("# TYPE mintmark_checks_total counter\n"));
  EXPECT_THAT(page.body, HasSubstr("# TYPE mintmark_log_position gauge\n"));
  EXPECT_EQ(get("/metrics", "HEAD").status, 200);
  EXPECT_EQ(get("/metrics", "POST").status, 405);
  EXPECT_EQ(get("/").status, 404);
  EXPECT_EQ(get("/public/v1/accounts").status, 404);
  EXPECT_EQ(instance_.call(RequestBuilder("GET", "/metrics")).status, 404) << "not on the API's port";
  for (const auto& secret : {token_.value.key->text().substr(15), std::string("SU-"), account_.text()}) {
    EXPECT_THAT(page.body, Not(HasSubstr(secret)));
  }
}

}  // namespace
}  // namespace mintmark::metrics_test
