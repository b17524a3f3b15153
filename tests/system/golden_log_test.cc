// Logs as earlier versions of the program left them (tests/golden/logs), under this one.
#include <cstdint>
#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::golden_log_test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;

const fs::path golden_logs = GOLDEN_LOGS;

class GoldenLog : public ::testing::Test {
 protected:
  // Lays out a data folder with that log in it, and where there is one its key.
  void take(const std::string& format) {
    fs::create_directories(data() + "/keys");
    fs::copy(golden_logs / format, data() + "/log", fs::copy_options::recursive);
    const auto key = golden_logs / (format + ".key");
    if (fs::exists(key)) take_key(key);
  }
  void take_key(const fs::path& from) {
    const auto key = data() + "/keys/key-encryption-key";
    fs::copy_file(from, key, fs::copy_options::overwrite_existing);
    fs::permissions(key, fs::perms::owner_read | fs::perms::owner_write);
  }
  std::string data() const { return folder_.file("data"); }
  Finished run(Arguments command) const {
    command.insert(command.end(), {"--data", data()});
    return run_mintmark(std::move(command));
  }
  json::object run_json(Arguments command) const {
    command.emplace_back("--json");
    const auto finished = run(command);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return json::parse(finished.out).as_object();
  }
  void expect_verified(std::int64_t events, std::string_view root) const {
    const auto verified = run_json({"verify"});
    EXPECT_EQ(verified.at("head").as_int64(), events);
    EXPECT_EQ(text(verified, "root"), root);
  }

  TemporaryFolder folder_;
};

// Their keys are gone with the folders that they were made in.
TEST_F(GoldenLog, OfFormats1And2VerifiesAndIsRefusedWithoutItsKeyAndUnderAnother) {
  struct Golden {
    const char* format;
    std::int64_t events;
    const char* root;
  };
  const InitialisedFolder other;
  for (const auto& [format, events, root] :
       {Golden{"format-1", 5, "a7ac3bcc0df3c865f8ff7565440d7d5004b8464c639e7add878e25b6658ae39b"},
        Golden{"format-2", 14, "96a101b4fbbb4da79b9798396ebac0cafe39d2cdf27994def981a3016e760ebf"}}) {
    SCOPED_TRACE(format);
    fs::remove_all(data());
    take(format);
    expect_verified(events, root);
    for (const Arguments& command :
         {Arguments{"rebuild", "--all"}, Arguments{"serve", "--listen", "127.0.0.1:0"}}) {
      fs::remove(data() + "/keys/key-encryption-key");
      const auto without = run(command);
      EXPECT_EQ(without.exit_code, 1);
      EXPECT_THAT(without.err, HasSubstr("key-encryption-key"));
      take_key(other.file("keys/key-encryption-key"));
      const auto under_another = run(command);
      EXPECT_EQ(under_another.exit_code, 1);
      EXPECT_THAT(under_another.err, HasSubstr("not the one that this data folder was made with"));
      expect_verified(events, root);
    }
  }
}

TEST_F(GoldenLog, OfFormat3VerifiesRebuildsAndServes) {
  take("format-3");
  expect_verified(16, "ee1e6d859b40bc3382ff8cf51e942aed2c34acdc5d7ff88944881e7f4879cb28");
  for (const auto* finding : {"there was no old one", "equal to the old one"}) {
    const auto rebuilt = run({"rebuild", "--all"});
    EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
    EXPECT_THAT(rebuilt.out, HasSubstr(finding));
    EXPECT_THAT(rebuilt.out, ::testing::Not(HasSubstr("not equal")));
  }
  const auto password = text(run_json({"user", "password", "--email", "owner@example.com"}), "password");
  ServerProcess server(data());
  RestClient client(server.port());
  client.log_in("owner@example.com", password);
  std::set<std::string> names;
  for (const auto& token : client.get("/auth/tokens").array()) {
    const auto& listed = token.as_object();
    names.insert(text(listed, "name"));
    const auto revealed = client.post(path_of(listed) + "/reveal", "");
    EXPECT_EQ(revealed.status, 200) << revealed.body;
    if (text(listed, "name") == "Zapier") continue;  // its owner is shown a handle
    EXPECT_EQ(authorize(server.port(), text(revealed.object(), "token")), 204) << text(listed, "name");
  }
  EXPECT_EQ(names, (std::set<std::string>{"Billing", "Orders", "After the rotation", "Zapier"}))
      << "and not the one that was deleted";
  const auto made = create_token(client, "Made now");
  EXPECT_EQ(authorize(server.port(), text(made, "token")), 204);
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_EQ(text(run_json({"verify"}), "problem"), "");
}

}  // namespace
}  // namespace mintmark::testing::golden_log_test
