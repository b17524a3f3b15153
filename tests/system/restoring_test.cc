// Backups and what is made out of them: the drill of docs/backup.md.
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/system/safekeeping_fixture.h"

namespace mintmark::testing::restoring_test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;

class Restoring : public SafekeepingTest {};

TEST_F(Restoring, ABackupThatWasMadeBesideTheRunningServer) {
  const auto events = elsewhere_.file("events");
  const auto vault = elsewhere_.file("vault");
  std::vector<std::string> kept;
  std::string deleted;
  json::object backup;
  {
    ServerProcess server(folder_.path());
    auto client = owner(server);
    for (int i = 0; i < 5; ++i) kept.push_back(text(create_token(client, "Token"), "token"));
    deleted = text(create_token(client, "Deleted later"), "token");
    folder_.run_json({"backup", "--events", events, "--vault", vault});
    const auto older_vault = read_file(vault);
    EXPECT_EQ(client.remove(path_of(id_of(deleted))).status, 204);
    backup = folder_.run_json({"backup", "--events", events});
    EXPECT_EQ(backup.at("events").as_int64(), 1) << "the deletion alone";
    EXPECT_EQ(read_file(vault), older_vault);
    create_token(client, "Lost");
    EXPECT_EQ(server.stop().exit_code, 0) << "and signs what there is";
  }
  const auto heads = folder_.file("tree-heads");
  const auto lost = newest_tree_head(heads) - backup.at("head").to_number<std::uint64_t>();
  EXPECT_GT(lost, 0U) << "as in every real loss";

  // The drill of docs/backup.md, on another machine.
  const auto restored = elsewhere_.file("restored");
  fs::create_directories(restored + "/keys");
  fs::copy(folder_.file("keys"), restored + "/keys", fs::copy_options::recursive);
  const Arguments restore{"restore", "--data", restored, "--events", events, "--vault", vault, "--json"};
  const auto finished = run_mintmark(restore);
  ASSERT_EQ(finished.exit_code, 0) << finished.err;
  EXPECT_THAT(finished.out, HasSubstr(text(backup, "root")));
  Arguments verify{"verify", "--data", restored, "--tree-heads", heads};
  EXPECT_EQ(run_mintmark(verify).exit_code, 3) << "nobody must restore unnoticed";
  verify.emplace_back("--restored");
  const auto verified = run_mintmark(verify);
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
  EXPECT_THAT(verified.out, HasSubstr(text(backup, "root")));
  EXPECT_THAT(verified.out,
              HasSubstr(std::to_string(lost) + " events behind them were signed, and are lost"));
  const auto again = run_mintmark(restore);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("nothing is restored over it"));

  const auto refused =
      run_mintmark({"serve", "--data", restored, "--listen", "127.0.0.1:0", "--tree-heads-file", heads});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("but a tree head of position "));
  fs::rename(heads, heads + ".before-the-loss");
  ServerProcess server(restored, {"--tree-heads-file", heads});
  auto client = owner(server);
  for (const auto& key : kept) {
    EXPECT_EQ(authorize(server.port(), key), 204);
    const auto revealed = client.post(path_of(id_of(key)) + "/reveal", "");
    EXPECT_EQ(revealed.status, 200) << revealed.body;
    EXPECT_EQ(text(revealed.object(), "token"), key);
  }
  EXPECT_EQ(authorize(server.port(), deleted), 401);
  EXPECT_EQ(client.post(path_of(id_of(deleted)) + "/reveal", "").status, 404)
      << "although the vault's backup is older than the deletion";
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_GE(newest_tree_head(heads), backup.at("head").to_number<std::uint64_t>()) << "new ones are signed";
}

TEST_F(Restoring, IsNotTheFirstTimeThatABackupIsRead) {
  const auto events = elsewhere_.file("events");
  const auto vault = elsewhere_.file("vault");
  create("Kept");
  const auto backup = folder_.run_json({"backup", "--events", events, "--vault", vault});
  const Arguments check{"backup", "--check", "--events", events, "--vault", vault};
  auto checked = run_mintmark(check);
  EXPECT_EQ(checked.exit_code, 0) << checked.err;
  EXPECT_THAT(checked.out, HasSubstr("events, none missing or changed; root " + text(backup, "root")));
  EXPECT_EQ(run_mintmark({"backup", "--check", "--vault", vault}).exit_code, 2);
  const auto head = backup.at("head").to_number<std::uint64_t>();
  for (const auto& file : {vault, fmt::format("{}/events-{:020}-{:020}", events, 1, head)}) {
    const auto sound = read_file(file);
    write_file(file, sound.substr(0, sound.size() / 2));
    checked = run_mintmark(check);
    EXPECT_EQ(checked.exit_code, 3);
    EXPECT_THAT(checked.err, HasSubstr(file + " cannot be used: "));
    auto for_scripts = check;
    for_scripts.emplace_back("--json");
    const auto told = run_mintmark(for_scripts);
    EXPECT_EQ(told.exit_code, 3);
    EXPECT_THAT(text(boost::json::parse(told.out).as_object(), "problem"),
                HasSubstr(file + " cannot be used: "));
    write_file(file, sound);
  }
}

TEST_F(Restoring, BesideViewsAndJobsThatAreAheadOfTheBackup) {
  const auto events = elsewhere_.file("events");
  const auto vault = elsewhere_.file("vault");
  const auto kept = create("Kept");
  folder_.run_json({"backup", "--events", events, "--vault", vault});
  for (int i = 0; i < 3; ++i) create("Lost");
  fs::remove_all(folder_.file("log"));
  folder_.run_json({"restore", "--events", events, "--vault", vault});
  const auto refused = folder_.run({"serve", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(refused.exit_code, 1);
  EXPECT_THAT(refused.err, HasSubstr("`mintmark rebuild --all` makes it anew"));
  const auto rebuilt = folder_.run({"rebuild", "--all"});
  EXPECT_THAT(rebuilt.out, HasSubstr("planned again at the next start")) << rebuilt.err;
  const ServerProcess server(folder_.path());
  EXPECT_EQ(authorize(server.port(), kept), 204);
}

TEST_F(Restoring, NothingWithoutTheRightKey) {
  const auto events = elsewhere_.file("events");
  const auto vault = elsewhere_.file("vault");
  folder_.run_json({"backup", "--events", events, "--vault", vault});
  const auto restored = elsewhere_.file("restored");
  const Arguments restore{"restore", "--data", restored, "--events", events, "--vault", vault};
  const auto without = run_mintmark(restore);
  EXPECT_EQ(without.exit_code, 1);
  EXPECT_THAT(without.err, HasSubstr("key-encryption-key"));
  const auto other = elsewhere_.file("another-instance");
  ASSERT_EQ(run_mintmark({"init", "--data", other, "--email", "other@example.com"}).exit_code, 0);
  auto with_another = restore;
  with_another.insert(with_another.end(), {"--key-file", other + "/keys/key-encryption-key"});
  const auto wrong = run_mintmark(with_another);
  EXPECT_EQ(wrong.exit_code, 1);
  EXPECT_THAT(wrong.err, HasSubstr("not the one that this data folder was made with"));
  EXPECT_FALSE(fs::exists(restored + "/log"));
  EXPECT_FALSE(fs::exists(restored + "/log.unfinished"));
}

}  // namespace
}  // namespace mintmark::testing::restoring_test
