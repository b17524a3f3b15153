// What stays behind: the log shows every step and no secret, and everything else can be made of it.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "domain/api_key.h"
#include "tests/system/fixture.h"

namespace mintmark::testing::record_test {
namespace {

namespace json = boost::json;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

// What a day with tokens leaves in a person's hands.
struct Secrets {
  std::vector<std::string> values;
  std::string kept_key;
};

// Creates, shows, changes and deletes tokens; one custom and one Zapier token are left.
Secrets live_through_a_day(const InitialisedFolder& folder, std::uint16_t port) {
  RestClient client(port);
  client.log_in(folder.email(), folder.password());
  const auto await_active = [&](const json::object& token) {
    expect_eventually([&] { return text(client.get(path_of(token)).object(), "status") == "active"; });
  };
  const auto custom = create_token(client, "Kept");
  const auto zapier = create_token(client, "Zaps", "zapier");
  await_active(zapier);
  EXPECT_EQ(client.post(path_of(custom) + "/reveal", "").status, 200);
  EXPECT_EQ(client.put(path_of(custom), R"({"description":"For the night"})").status, 200);
  EXPECT_EQ(client.remove(path_of(zapier)).status, 204);
  // The worker's withdrawal of the Zapier connection is the thirteenth event: only then the day may end.
  expect_eventually([&] { return client.get("//healthz").object().at("position").as_int64() >= 13; });

  const auto cookie = client.credentials()["Cookie"];
  Secrets secrets;
  secrets.kept_key = text(custom, "token");
  secrets.values = {secrets.kept_key.substr(secrets.kept_key.find(':') + 1), text(zapier, "handle"),
                    folder.password(), cookie.substr(cookie.find('=') + 1),
                    client.credentials()["X-CSRF-Token"]};
  EXPECT_EQ(client.post("/auth/logout", "").status, 204);
  return secrets;
}

std::vector<std::string> types_of(const std::vector<json::object>& events) {
  std::vector<std::string> types;
  types.reserve(events.size());
  for (const auto& event : events) types.push_back(text(event, "type"));
  return types;
}

// The values in hex, and the bytes that the hex stands for.
std::vector<std::string> forms_of(const Secrets& secrets) {
  auto forms = secrets.values;
  for (const auto& value : secrets.values) {
    if (const auto secret = Secret::parse(value))
      forms.emplace_back(secret->bytes.begin(), secret->bytes.end());
  }
  return forms;
}

void expect_none_on_disk(const std::string& folder, const Secrets& secrets) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    for (const auto& form : forms_of(secrets)) {
      EXPECT_EQ(bytes.find(form), std::string::npos) << "a secret lies open in " << entry.path();
    }
  }
}

TEST(Record, EveryStepIsThereAndNoSecret) {
  const InitialisedFolder folder;
  ServerProcess server(folder.path());
  const auto secrets = live_through_a_day(folder, server.port());

  const auto events = replay(folder);
  EXPECT_THAT(types_of(events), ElementsAre("PepperAdded", "AccountOpened", "EmailReserved", "UserAdded",
                                            "PasswordSet", "SessionOpened", "TokenCreated", "TokenCreated",
                                            "ZapierConnectionIssued", "TokenRevealed", "TokenUpdated",
                                            "TokenDeleted", "ZapierConnectionWithdrawn", "SessionClosed"));
  std::int64_t position = 0;
  for (const auto& event : events) EXPECT_EQ(event.at("position").as_int64(), ++position);
  EXPECT_EQ(text(events[6].at("actor").as_object(), "id"), folder.user());
  EXPECT_EQ(text(events[8].at("actor").as_object(), "kind"), "worker");
  EXPECT_EQ(text(events[6], "client_ip"), "127.0.0.1");

  const auto lines = folder.run({"replay"});
  const auto objects = folder.run({"replay", "--json"});
  const auto finished = server.stop();
  EXPECT_EQ(finished.exit_code, 0);
  for (const auto& output : {lines.out, objects.out, finished.err}) {
    for (const auto& form : forms_of(secrets)) EXPECT_THAT(output, Not(HasSubstr(form)));
  }
  EXPECT_EQ(folder.run({"replay", "--json"}).out, objects.out) << "a stopped instance replays the same";
  expect_none_on_disk(folder.path(), secrets);
}

void flip_a_bit(const std::string& path) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  const auto middle = static_cast<std::streamoff>(std::filesystem::file_size(path) / 2);
  file.seekg(middle);
  const auto byte = file.get();
  file.seekp(middle);
  file.put(static_cast<char>(byte ^ 1));
  ASSERT_TRUE(file.flush());
}

TEST(Record, VerifyRebuildAndRestartFindTheSame) {
  const InitialisedFolder folder;
  // What was used last is recorded by a stop, and remembered until then; neither is asked here.
  ServerProcess server(folder.path(), {"--usage-interval", "0"});
  const auto secrets = live_through_a_day(folder, server.port());
  const auto all_of = [](std::uint16_t port, const std::string& key) {
    RestClient client(port);
    client.use_key(key);
    return client.get("/auth/tokens?select(-last_used_at)").body + client.get("/accounts").body +
           client.get("/extensions").body;
  };
  const auto before = all_of(server.port(), secrets.kept_key);
  const auto running = folder.run_json({"verify"});
  EXPECT_EQ(text(running, "problem"), "");
  const auto while_serving = folder.run({"rebuild", "--all"});
  EXPECT_EQ(while_serving.exit_code, 1);
  EXPECT_THAT(while_serving.err, HasSubstr("A server runs on this data folder"));
  EXPECT_EQ(server.stop().exit_code, 0);

  auto stopped = folder.run_json({"verify"});
  EXPECT_GT(stopped.at("tree_heads").as_int64(), running.at("tree_heads").as_int64()) << "a stop signs one";
  stopped["tree_heads"] = running.at("tree_heads");
  EXPECT_EQ(stopped, running);
  for (int i = 0; i < 2; ++i) {
    const auto rebuilt = folder.run({"rebuild", "--all"});
    EXPECT_EQ(rebuilt.exit_code, 0) << rebuilt.err;
    EXPECT_EQ(std::ranges::count(rebuilt.out, '\n'), 7) << rebuilt.out;
    EXPECT_THAT(rebuilt.out, Not(HasSubstr("not equal")));
  }
  flip_a_bit(folder.file("authorization-index"));
  const auto unequal = folder.run({"rebuild", "--all"});
  EXPECT_EQ(unequal.exit_code, 3);
  EXPECT_THAT(unequal.out, HasSubstr("not equal to the old one: the file is damaged"));
  EXPECT_EQ(folder.run({"rebuild", "--all"}).exit_code, 0) << "it took the other's place";
  const auto remove_what_is_derived = [&folder] {
    std::filesystem::remove_all(folder.file("views"));
    std::filesystem::remove(folder.file("authorization-index"));
  };
  remove_what_is_derived();
  const auto made = folder.run({"rebuild", "--all"});
  EXPECT_EQ(made.exit_code, 0) << made.err;
  EXPECT_THAT(made.out, AllOf(HasSubstr("there was no old one"), Not(HasSubstr("equal"))));
  remove_what_is_derived();
  ServerProcess again(folder.path());
  EXPECT_EQ(all_of(again.port(), secrets.kept_key), before) << "views and index come back from the log alone";
  EXPECT_EQ(authorize(again.port(), secrets.kept_key), 204);
}

TEST(Record, ReplayShowsThePartThatIsAskedFor) {
  const InitialisedFolder folder;
  ServerProcess server(folder.path());
  live_through_a_day(folder, server.port());
  const auto events = replay(folder);
  const auto count = [&](const Arguments& filter) {
    Arguments command{"replay", "--json"};
    command.insert(command.end(), filter.begin(), filter.end());
    const auto finished = folder.run(command);
    EXPECT_EQ(finished.exit_code, 0) << finished.err;
    return std::ranges::count(finished.out, '\n');
  };
  const auto custom = text(events[6], "stream").substr(std::string_view("token-").size());
  EXPECT_EQ(count({"--from", "7"}), 8);
  EXPECT_EQ(count({"--from", "7", "--to", "8"}), 2);
  EXPECT_EQ(count({"--token", custom}), 3);
  EXPECT_EQ(count({"--type", "TokenCreated"}), 2);
  EXPECT_EQ(count({"--actor", "zapier"}), 2);
  EXPECT_EQ(count({"--actor", folder.user()}), 7);
  EXPECT_EQ(count({"--from", "2000-01-01", "--to", "2000-01-02"}), 0);
  EXPECT_EQ(count({"--account", "VA-999-999"}), folder.account() == "VA-999-999" ? 12 : 0);
  EXPECT_EQ(count({"--account", folder.account()}), 12);
  for (const Arguments& bad :
       {Arguments{"--from", "soon"}, {"--token", "SU-1"}, {"--type", "Nothing"}, {"--account", "x"}}) {
    Arguments command{"replay"};
    command.insert(command.end(), bad.begin(), bad.end());
    const auto finished = folder.run(command);
    EXPECT_EQ(finished.exit_code, 2) << bad[0];
    EXPECT_THAT(finished.err, HasSubstr(bad[0].substr(2)));
    EXPECT_EQ(finished.out, "");
  }
}

}  // namespace
}  // namespace mintmark::testing::record_test
