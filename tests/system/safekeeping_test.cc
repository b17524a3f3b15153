// What keeps the record trustworthy over years: signed tree heads, verification, the rotation of keys.
#include <atomic>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>

#include "tests/system/safekeeping_fixture.h"

namespace mintmark::testing::safekeeping_test {
namespace {

namespace fs = std::filesystem;
namespace json = boost::json;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class Safekeeping : public SafekeepingTest {};

TEST_F(Safekeeping, SignsTreeHeadsThatTheLogIsHeldTo) {
  const auto heads = elsewhere_.file("tree-heads");
  ServerProcess server(folder_.path(), {"--tree-heads-file", heads});
  create("First");
  const auto note = folder_.run({"tree-head", "sign"});
  EXPECT_EQ(note.exit_code, 0) << note.err;
  EXPECT_THAT(note.out, StartsWith("mintmark/"));
  EXPECT_THAT(read_file(heads), HasSubstr(note.out));
  const auto name = note.out.substr(0, note.out.find('\n'));
  EXPECT_THAT(folder_.run({"tree-head", "key"}).out, StartsWith(name + "+"));
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0);
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_EQ(folder_.run({"verify", "--tree-heads-file", heads}).exit_code, 0);
}

TEST_F(Safekeeping, SignsTreeHeadsAtItsInterval) {
  const auto heads = elsewhere_.file("tree-heads");
  const ServerProcess server(folder_.path(), {"--tree-heads-file", heads, "--tree-head-interval", "1"});
  for (const auto* name : {"First", "Second"}) {
    create(name);
    const auto position = server.position();
    expect_eventually([&] { return newest_tree_head(heads) >= position; });
  }
}

TEST_F(Safekeeping, SignsNoTreeHeadByItselfWithoutAnInterval) {
  const auto heads = elsewhere_.file("tree-heads");
  ServerProcess server(folder_.path(), {"--tree-heads-file", heads, "--tree-head-interval", "0"});
  create("First");
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_EQ(newest_tree_head(heads), 0);
}

TEST_F(Safekeeping, CatchesAFolderThatWasRolledBack) {
  const auto heads = elsewhere_.file("tree-heads");
  create("Monday");
  const auto yesterday = elsewhere_.file("yesterday");
  fs::copy(folder_.path(), yesterday, fs::copy_options::recursive);
  {
    ServerProcess server(folder_.path(), {"--tree-heads-file", heads});
    create("Tuesday");
    EXPECT_EQ(server.stop().exit_code, 0) << "and signs what there is";
  }
  fs::remove_all(folder_.path());
  fs::copy(yesterday, folder_.path(), fs::copy_options::recursive);
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0) << "nothing in the folder itself can tell";
  const auto verified = folder_.run({"verify", "--tree-heads", heads});
  EXPECT_EQ(verified.exit_code, 3);
  EXPECT_THAT(verified.err, HasSubstr("but a tree head of position "));
  const auto started = folder_.run({"serve", "--listen", "127.0.0.1:0", "--tree-heads-file", heads});
  EXPECT_EQ(started.exit_code, 1);
  EXPECT_THAT(started.err, HasSubstr("but a tree head of position "));
}

TEST_F(Safekeeping, VerifiesInTheBackground) {
  create("First");
  const ServerProcess server(folder_.path(), {"--verify-rate", "1000000", "--log-level", "debug"});
  server.await_log(std::to_string(server.position()) + " events verified, none missing or changed");
  EXPECT_FALSE(RestClient(server.port()).get("//healthz").object().at("damage_found").as_bool());
}

// Flips a bit in the first block of the largest table, which is that of the events.
void damage_an_old_event(const std::string& log) {
  fs::path largest;
  for (const auto& entry : fs::directory_iterator(log + "/rocksdb")) {
    if (entry.path().extension() != ".sst") continue;
    if (largest.empty() || fs::file_size(entry.path()) > fs::file_size(largest)) largest = entry.path();
  }
  auto bytes = read_file(largest);
  ASSERT_GT(bytes.size(), 8192U) << "several blocks, so that a start does not need the first";
  bytes[100] = static_cast<char>(bytes[100] ^ 1);
  std::ofstream file(largest, std::ios::binary | std::ios::trunc);
  file << bytes;
  ASSERT_TRUE(file.flush());
}

TEST_F(Safekeeping, FindsDamageInTheBackground) {
  {
    ServerProcess server(folder_.path());
    auto client = owner(server);
    for (int i = 0; i < 40; ++i) create_token(client, "Token " + std::to_string(i));
    EXPECT_EQ(server.stop().exit_code, 0);
  }
  EXPECT_EQ(folder_.run({"account", "list"}).exit_code, 0) << "and moves the events into a table";
  damage_an_old_event(folder_.file("log"));
  const ServerProcess server(folder_.path(), {"--verify-rate", "1000000"});
  expect_eventually(
      [&] { return RestClient(server.port()).get("//healthz").object().at("damage_found").as_bool(); });
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 3);
}

// The largest file in a log's tables whose name has that in it.
std::string largest_table_file(const std::string& log, const std::string& part) {
  std::string largest;
  for (const auto& entry : fs::directory_iterator(log + "/rocksdb")) {
    if (entry.path().filename().string().find(part) == std::string::npos) continue;
    if (largest.empty() || entry.file_size() > fs::file_size(largest)) largest = entry.path();
  }
  EXPECT_FALSE(largest.empty()) << part;
  return largest;
}

void flip_in_the_middle(const std::string& path) {
  auto bytes = read_file(path);
  ASSERT_GT(bytes.size(), 16U) << path;
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(path, bytes);
}

// Says that a greater tree was signed.
void edit_tree_heads(const std::string& path) {
  auto heads = read_file(path);
  ASSERT_NE(heads.find('\n'), std::string::npos);
  heads.insert(heads.find('\n') + 1, "9");
  write_file(path, heads);
}

TEST_F(Safekeeping, VerifyEndsWithThreeForEveryKindOfDamage) {
  ServerProcess server(folder_.path());
  create("In a table at the next start");
  EXPECT_EQ(server.stop().exit_code, 0);
  {
    ServerProcess again(folder_.path());
    create("In the write-ahead log");
    EXPECT_EQ(again.stop().exit_code, 0) << "and signs a tree head";
  }
  const auto sound = elsewhere_.file("sound");
  fs::copy(folder_.path(), sound, fs::copy_options::recursive);
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0);

  const auto log = folder_.file("log");
  struct Damage {
    const char* what;
    std::function<void()> make;
    const char* problem;
  };
  const std::vector<Damage> kinds{
      {"write-ahead log", [&] { flip_in_the_middle(largest_table_file(log, ".log")); }, ""},
      {"MANIFEST", [&] { flip_in_the_middle(largest_table_file(log, "MANIFEST")); },
       "tables cannot be opened"},
      {"CURRENT", [&] { write_file(log + "/rocksdb/CURRENT", "MANIFEST\n"); }, "tables cannot be opened"},
      {"table gone", [&] { fs::remove(largest_table_file(log, ".sst")); }, ""},
      {"anchor gone", [&] { fs::remove(log + "/anchor"); }, "head anchor cannot be read"},
      {"tree heads edited", [&] { edit_tree_heads(folder_.file("tree-heads")); }, "was not signed by"},
      {"signing key gone", [&] { fs::remove(folder_.file("keys/tree-head-key")); }, "signing key"},
  };
  for (const auto& damage : kinds) {
    SCOPED_TRACE(damage.what);
    fs::remove_all(folder_.path());
    fs::copy(sound, folder_.path(), fs::copy_options::recursive);
    damage.make();
    const auto for_people = folder_.run({"verify"});
    EXPECT_EQ(for_people.exit_code, 3) << for_people.err;
    EXPECT_THAT(for_people.err, HasSubstr("mintmark: the log is damaged: "));
    EXPECT_THAT(for_people.err, HasSubstr(damage.problem));
    const auto for_scripts = folder_.run({"verify", "--json"});
    EXPECT_EQ(for_scripts.exit_code, 3);
    const auto problem = text(json::parse(for_scripts.out).as_object(), "problem");
    EXPECT_NE(problem, "");
    EXPECT_THAT(problem, HasSubstr(damage.problem));
  }
}

TEST_F(Safekeeping, VerifyEndsWithThreeBesideAServerToo) {
  ServerProcess server(folder_.path());
  folder_.run_json({"tree-head", "sign"});
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0);
  const auto heads = folder_.file("tree-heads");
  const auto sound = read_file(heads);
  edit_tree_heads(heads);
  auto verified = folder_.run({"verify"});
  EXPECT_EQ(verified.exit_code, 3);
  EXPECT_THAT(verified.err, HasSubstr("was not signed by"));
  write_file(heads, sound);
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0);
  write_file(folder_.file("log/anchor"), std::string(8192, '\0'));
  verified = folder_.run({"verify"});
  EXPECT_EQ(verified.exit_code, 3);
  EXPECT_THAT(verified.err, HasSubstr("head anchor"));
}

TEST_F(Safekeeping, CatchesAFolderThatWasRolledBackAndWentOn) {
  const auto heads = elsewhere_.file("tree-heads");
  create("Monday");
  const auto yesterday = elsewhere_.file("yesterday");
  fs::copy(folder_.path(), yesterday, fs::copy_options::recursive);
  create("Tuesday");
  folder_.run_json({"tree-head", "sign", "--tree-heads-file", heads});
  fs::remove_all(folder_.path());
  fs::copy(yesterday, folder_.path(), fs::copy_options::recursive);
  for (int i = 0; i < 3; ++i) create("Another Tuesday");
  EXPECT_EQ(folder_.run({"verify"}).exit_code, 0) << "nothing in the folder itself can tell";
  for (const Arguments& command :
       {Arguments{"verify", "--tree-heads", heads},
        Arguments{"serve", "--listen", "127.0.0.1:0", "--tree-heads-file", heads}}) {
    const auto refused = folder_.run(command);
    EXPECT_EQ(refused.exit_code, command[0] == "verify" ? 3 : 1);
    EXPECT_THAT(refused.err, HasSubstr(" is not that of a signed tree head"));
  }
}

// Of a copy of the folder that has the log alone, with what the operator has given away.
TEST_F(Safekeeping, AnAuditorHoldsACopyToItsTreeHeadsWithThePublicKeyAlone) {
  const auto heads = elsewhere_.file("tree-heads");
  create("Monday");
  const auto yesterday = elsewhere_.file("yesterday");
  fs::create_directory(yesterday);
  fs::copy(folder_.file("log"), yesterday + "/log", fs::copy_options::recursive);
  folder_.run_json({"tree-head", "sign", "--tree-heads-file", heads});
  create("Tuesday");
  folder_.run_json({"tree-head", "sign", "--tree-heads-file", heads});
  const auto today = elsewhere_.file("today");
  fs::create_directory(today);
  fs::copy(folder_.file("log"), today + "/log", fs::copy_options::recursive);
  const auto key = text(folder_.run_json({"tree-head", "key"}), "public_key");

  const auto verify = [&](const std::string& copy, const std::string& with) {
    return run_mintmark({"verify", "--data", copy, "--tree-heads", heads, "--public-key", with});
  };
  auto sound = verify(today, key);
  EXPECT_EQ(sound.exit_code, 0) << sound.err;
  EXPECT_THAT(sound.out, HasSubstr("; held to 2 tree heads"));
  const auto rolled_back = verify(yesterday, key);
  EXPECT_EQ(rolled_back.exit_code, 3);
  EXPECT_THAT(rolled_back.err, HasSubstr("but a tree head of position "));
  const auto other = elsewhere_.file("another-instance");
  ASSERT_EQ(run_mintmark({"init", "--data", other, "--account-name", "Other", "--email", "other@example.com"})
                .exit_code,
            0);
  const auto others_key =
      json::parse(run_mintmark({"tree-head", "key", "--data", other, "--json"}).out).as_object();
  const auto foreign = verify(today, text(others_key, "public_key"));
  EXPECT_EQ(foreign.exit_code, 2);
  EXPECT_THAT(foreign.err, HasSubstr("The public key is that of mintmark/"));
  EXPECT_EQ(verify(today, "mintmark/nonsense").exit_code, 2);
  const auto without = run_mintmark({"verify", "--data", today, "--tree-heads", heads});
  EXPECT_EQ(without.exit_code, 3);
  EXPECT_THAT(without.err, HasSubstr("--public-key"));

  // A line of somebody else's spoils none of the others, and is told last.
  write_file(heads, "a line of nobody's\n\n" + read_file(heads));
  EXPECT_THAT(verify(yesterday, key).err, HasSubstr("but a tree head of position "));
  const auto spoilt = verify(today, key);
  EXPECT_EQ(spoilt.exit_code, 3);
  EXPECT_THAT(spoilt.err, HasSubstr("the one at line 1 was not signed by " + key));
}

TEST_F(Safekeeping, RotatesItsKeysWhileTokensAreUsedAndMade) {
  ServerProcess server(folder_.path());
  const auto old_file = read_file(folder_.file("keys/key-encryption-key"));
  std::vector<std::string> keys;
  for (int i = 0; i < 5; ++i) keys.push_back(create("Token"));
  std::atomic<bool> done = false;
  std::atomic<int> refused = 0;
  std::vector<std::string> made;
  std::thread checking([&, first = keys.front()] {
    while (!done) refused += authorize(server.port(), first) != 204;
  });
  std::thread creating([&, client = owner(server)]() mutable {
    while (!done || made.empty()) made.push_back(text(create_token(client, "Made meanwhile"), "token"));
  });
  for (int round = 0; round < 3; ++round) {
    const auto rotated = folder_.run_json({"keys", "rotate"});
    EXPECT_EQ(rotated.at("pepper").as_int64(), round + 2);
    EXPECT_GE(rotated.at("wrapped_anew").as_int64(), 7) << "five tokens, a user and a pepper at least";
  }
  done = true;
  checking.join();
  creating.join();
  EXPECT_EQ(refused, 0);
  keys.insert(keys.end(), made.begin(), made.end());
  keys.push_back(create("After"));
  EXPECT_NE(read_file(folder_.file("keys/key-encryption-key")), old_file);

  const auto expect_all_valid = [&](const ServerProcess& running) {
    auto client = owner(running);
    for (const auto& key : keys) {
      EXPECT_EQ(authorize(running.port(), key), 204);
      EXPECT_EQ(text(client.post(path_of(id_of(key)) + "/reveal", "").object(), "token"), key);
    }
  };
  expect_all_valid(server);
  EXPECT_EQ(server.stop().exit_code, 0);
  expect_all_valid(ServerProcess(folder_.path()));

  const auto file = folder_.file("keys/key-encryption-key");
  std::ofstream(file, std::ios::trunc) << old_file;
  const auto with_old = folder_.run({"serve", "--listen", "127.0.0.1:0"});
  EXPECT_EQ(with_old.exit_code, 1);
  EXPECT_THAT(with_old.err, HasSubstr("not the one that this data folder was made with"));
}

}  // namespace
}  // namespace mintmark::testing::safekeeping_test
