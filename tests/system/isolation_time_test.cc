// That the time of an answer does not tell another account's thing from one that nobody has.
#include <algorithm>
#include <chrono>
#include <random>
#include <utility>

#include <gmock/gmock.h>

#include "tests/system/fixture.h"
#include "tests/system/foreign_things.h"

namespace mintmark::testing::isolation_time_test {
namespace {

using Nanoseconds = std::chrono::steady_clock::duration;

// The chance that a random one of `left` is greater than a random one of `right`: the statistic of Mann and
// Whitney's test, as a share of all pairs. A half where both are of one distribution.
double chance_greater(std::vector<Nanoseconds> left, std::vector<Nanoseconds> right) {
  std::ranges::sort(right);
  double greater = 0;
  for (const auto& value : left) {
    const auto [first, last] = std::ranges::equal_range(right, value);
    greater += static_cast<double>(first - right.begin()) + static_cast<double>(last - first) / 2;
  }
  return greater / static_cast<double>(left.size() * right.size());
}

TEST(ChanceGreater, IsAHalfForOneDistributionAndOneForALaterOne) {
  const auto times = [](int from) {
    std::vector<Nanoseconds> values;
    for (int i = 0; i < 100; ++i) values.emplace_back(from + i);
    return values;
  };
  EXPECT_DOUBLE_EQ(chance_greater(times(0), times(0)), 0.5);
  EXPECT_DOUBLE_EQ(chance_greater(times(200), times(0)), 1);
  EXPECT_NEAR(chance_greater(times(10), times(0)), 0.595, 0.001);
}

class IsolationTime : public ServerTest {
 protected:
  static void SetUpTestSuite() {
    ServerTest::SetUpTestSuite();
    stranger_ = folder().open_account("stranger");
    RestClient stranger(server().port());
    stranger.log_in(stranger_.email, stranger_.password);
    things_ = make_things(stranger, stranger_);
    const auto token = path_of(things_.at("tokens"));
    for (int i = 0; i < 20; ++i) stranger.post(token + "/rotate", "");  // a history to be read
  }

  struct Request {
    std::string method;
    std::string foreign;  // path
    std::string absent;
    std::string body;
  };

  // Measures requests about either, mixed in random order so that whatever else the machine does meets both
  // alike, and gives the chance that one about the foreign thing takes longer.
  static double compare(RestClient& client, const Request& request) {
    constexpr std::size_t samples = 400;
    constexpr std::size_t warm_up = 50;
    std::vector<Nanoseconds> foreign;
    std::vector<Nanoseconds> absent;
    std::mt19937 engine(1);  // NOLINT(cert-msc32-c,cert-msc51-cpp): the same order in every run
    for (std::size_t i = 0; i < samples + warm_up; ++i) {
      const bool foreign_first = (engine() & 1U) != 0;
      for (const bool is_foreign : {foreign_first, !foreign_first}) {
        const auto& path = is_foreign ? request.foreign : request.absent;
        const auto begin = std::chrono::steady_clock::now();
        const auto status = client.send(request.method, path, request.body).status;
        const auto took = std::chrono::steady_clock::now() - begin;
        if (status != 404) ADD_FAILURE() << request.method << path << " answers " << status;
        if (i >= warm_up) (is_foreign ? foreign : absent).push_back(took);
      }
    }
    return chance_greater(std::move(foreign), std::move(absent));
  }

  // With 400 samples of one distribution the chance strays from a half by 0.02 (its standard deviation), so
  // that the bound is ten times beyond what comes by accident, on whatever machine: load meets both kinds
  // alike. Reading another account's row, which takes some microseconds, passes it.
  static void expect_alike(RestClient& client, const std::vector<Request>& requests) {
    constexpr double stray_max = 0.2;
    const auto before = server().position();
    for (const auto& request : requests) {
      const auto chance = compare(client, request);
      RecordProperty(request.method + request.foreign, std::to_string(chance));
      EXPECT_NEAR(chance, 0.5, stray_max) << request.method << ' ' << request.foreign;
    }
    EXPECT_EQ(server().position(), before);
  }

  // A request about the stranger's thing of that kind and about one that nobody has.
  static Request about(const std::string& method, const std::string& collection, const std::string& kind,
                       const std::string& action = "", const std::string& body = "") {
    const auto path = collection + "/" + kind + "/";
    return {method, path + things_.at(kind) + action, path + absent_id(kind) + action, body};
  }

  static inline InitialisedFolder::Person stranger_;
  static inline IdsByKind things_;
};

TEST_F(IsolationTime, AnswersToAProgramAboutForeignThingsTakeAsLongAsAboutAbsentOnes) {
  auto client = owner();
  auto by_key = bearer(text(create_token(client, "Ours"), "token"));
  const auto named = R"({"name":"ours"})";
  const auto own_account = "/accounts/" + folder().account();
  const auto foreign_account = "/accounts/" + stranger_.account;
  const auto absent_account = "/accounts/" + absent_id("accounts");
  expect_alike(by_key, {
                           about("GET", "/auth", "tokens"),
                           about("PUT", "/auth", "tokens", "", named),
                           about("DELETE", "/auth", "tokens"),
                           about("POST", "/auth", "tokens", "/reveal"),
                           about("GET", "/auth", "tokens", "/permissions"),
                           about("GET", "/notifications", "webhooks"),
                           about("PUT", "/notifications", "webhooks", "", R"({"label":"ours"})"),
                           about("DELETE", "/notifications", "webhooks"),
                           about("POST", "/notifications", "webhooks", "/test"),
                           about("GET", "/notifications", "webhooks", "/deliveries"),
                           about("GET", "", "extensions"),
                           about("PUT", "", "extensions", "", named),
                           about("DELETE", "", "extensions"),
                           about("GET", "", "jobs"),
                           about("POST", "", "jobs", "/retry"),
                           about("GET", own_account, "users"),
                           {"GET", foreign_account, absent_account, ""},
                           {"GET", foreign_account + "/users", absent_account + "/users", ""},
                       });
}

TEST_F(IsolationTime, AnswersToAPersonAboutForeignThingsTakeAsLongAsAboutAbsentOnes) {
  auto client = owner();
  const auto own_account = "/accounts/" + folder().account();
  expect_alike(client, {
                           about("DELETE", "/auth", "sessions"),
                           about("PUT", own_account, "users", "", R"({"name":"ours"})"),
                           about("POST", own_account, "users", "/deactivate"),
                           about("DELETE", own_account, "users"),
                           {"PUT", "/accounts/" + stranger_.account, "/accounts/" + absent_id("accounts"),
                            R"({"name":"ours"})"},
                       });
}

}  // namespace
}  // namespace mintmark::testing::isolation_time_test
