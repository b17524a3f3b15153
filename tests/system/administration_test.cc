// The operator's commands: the same beside a running server, through its socket, and on a stopped instance.
#include <algorithm>
#include <filesystem>
#include <fstream>

#include <boost/json/parse.hpp>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/system/fixture.h"

namespace mintmark::testing::administration_test {
namespace {

namespace json = boost::json;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::MatchesRegex;

std::vector<std::string> members_of(const json::object& object) {
  std::vector<std::string> names;
  for (const auto& member : object) names.emplace_back(member.key());
  return names;
}

class Administration : public ::testing::Test {
 protected:
  // Every command once, with the form of what it answers.
  void expect_forms() {
    const auto custom = folder_.run_json(
        {"token", "create", "--account", folder_.account(), "--name", "C", "--type", "custom"});
    EXPECT_THAT(members_of(custom), ElementsAre("id", "key"));
    EXPECT_THAT(text(custom, "key"), MatchesRegex(text(custom, "id") + ":[0-9a-f]{40}"));
    const auto zapier = folder_.run_json(
        {"token", "create", "--account", folder_.account(), "--name", "Z", "--type", "zapier"});
    EXPECT_THAT(members_of(zapier), ElementsAre("id", "handle"));
    EXPECT_THAT(text(zapier, "handle"), MatchesRegex("[0-9a-f]{40}"));

    const auto shown = folder_.run_json({"token", "show", text(custom, "id")});
    EXPECT_EQ(text(shown, "name"), "C");
    EXPECT_TRUE(shown.at("token").is_null());
    const auto listed = folder_.run_json({"token", "list", "--account", folder_.account(), "--limit", "2"});
    EXPECT_THAT(members_of(listed), ElementsAre("total", "tokens"));
    EXPECT_EQ(listed.at("tokens").as_array().at(1).as_object(), shown);
    for (const auto* change : {"deactivate", "activate"}) {
      EXPECT_THAT(members_of(folder_.run_json({"token", change, text(custom, "id")})),
                  ElementsAre("id", "status", "position"));
    }
    EXPECT_THAT(members_of(folder_.run_json({"token", "rotate", text(custom, "id")})),
                ElementsAre("id", "key"));
    EXPECT_THAT(members_of(folder_.run_json({"token", "delete", text(custom, "id")})),
                ElementsAre("id", "position"));

    const auto opened = folder_.run_json({"account", "open", "--name", "Another", "--type", "provider"});
    EXPECT_THAT(text(opened, "account"), MatchesRegex("PA-[0-9]{3}-[0-9]{3}"));
    EXPECT_THAT(members_of(folder_.run_json(
                    {"account", "rename", "--account", text(opened, "account"), "--name", "Other"})),
                ElementsAre("account", "name"));
    const auto email = "user" + std::to_string(++users_) + "@example.com";
    const auto user =
        folder_.run_json({"user", "add", "--account", text(opened, "account"), "--email", email});
    EXPECT_THAT(members_of(user), ElementsAre("user", "email", "password"));
    EXPECT_THAT(members_of(folder_.run_json({"user", "password", "--email", email})),
                ElementsAre("email", "password"));
    const auto second = "second-" + email;
    folder_.run_json({"user", "add", "--account", text(opened, "account"), "--email", second});
    const auto role = folder_.run_json({"user", "role", "--email", second, "--role", "auditor"});
    EXPECT_THAT(members_of(role), ElementsAre("user", "role"));
    EXPECT_EQ(text(role, "role"), "auditor");
    const auto stopped = folder_.run_json({"user", "deactivate", "--email", second});
    EXPECT_THAT(members_of(stopped), ElementsAre("user", "status"));
    EXPECT_EQ(text(stopped, "status"), "inactive");
    EXPECT_EQ(text(folder_.run_json({"user", "activate", "--email", second}), "status"), "active");
    const auto partner = folder_.run_json({"partner", "create", "--name", "Zapier"});
    EXPECT_THAT(members_of(partner), ElementsAre("id", "key"));
    EXPECT_THAT(text(partner, "key"), MatchesRegex(text(partner, "id") + ":[0-9a-f]{40}"));
    EXPECT_EQ(folder_.run_json({"user", "list", "--account", text(opened, "account")})
                  .at("users")
                  .as_array()
                  .size(),
              2U);
    EXPECT_THAT(members_of(folder_.run_json({"account", "list"})), ElementsAre("accounts"));
    const auto signed_head = folder_.run_json({"tree-head", "sign"});
    EXPECT_THAT(members_of(signed_head), ElementsAre("head", "root", "note"));
    EXPECT_THAT(members_of(folder_.run_json({"tree-head", "key"})), ElementsAre("public_key"));
    EXPECT_THAT(members_of(folder_.run_json({"keys", "rotate"})), ElementsAre("wrapped_anew", "pepper"));
    EXPECT_THAT(members_of(folder_.run_json(
                    {"backup", "--events", backups_.file("events"), "--vault", backups_.file("vault")})),
                ElementsAre("head", "root", "events", "segments", "vault_keys"));
    expect_forms_of_jobs();
    const auto verified = folder_.run_json({"verify"});
    EXPECT_THAT(members_of(verified),
                ElementsAre("head", "root", "problem", "tree_heads", "signed_and_lost", "note"));
    EXPECT_EQ(text(verified, "problem"), "");
  }

  // Those of a Zapier token that nobody agrees to.
  void expect_forms_of_jobs() {
    const Arguments of_account{"--account", folder_.account(), "--query", "kind=issue_zapier_connection"};
    const auto with = [&](Arguments command) {
      command.insert(command.end(), of_account.begin(), of_account.end());
      return folder_.run_json(std::move(command));
    };
    const auto listed = with({"jobs", "list"});
    EXPECT_THAT(members_of(listed), ElementsAre("jobs"));
    ASSERT_FALSE(listed.at("jobs").as_array().empty());
    const auto id = text(listed.at("jobs").as_array().front().as_object(), "id");
    const auto cancelled = folder_.run_json({"jobs", "cancel", id});
    EXPECT_EQ(text(cancelled, "id"), id);
    EXPECT_EQ(text(cancelled, "status"), "cancelled");
    EXPECT_EQ(members_of(folder_.run_json({"jobs", "retry", id})), members_of(cancelled));
    EXPECT_THAT(members_of(with({"jobs", "retry", "--dry-run"})), ElementsAre("count"));
  }

  void expect_refusals() {
    const auto refused = [&](const Arguments& command, int code, const std::string& message) {
      const auto finished = folder_.run(command);
      EXPECT_EQ(finished.exit_code, code) << command[1] << finished.err;
      EXPECT_THAT(finished.err, HasSubstr(message));
      EXPECT_EQ(finished.out, "");
    };
    refused({"token", "create", "--account", "VA-1", "--name", "x"}, 2, "account: There is no such account.");
    refused({"token", "create", "--account", folder_.account(), "--name", ""}, 2, "name: ");
    refused({"token", "create", "--account", folder_.account(), "--name", std::string(129, 'x')}, 2,
            "name: ");
    refused({"token", "create", "--account", folder_.account(), "--name", "x", "--type", "other"}, 2,
            "type: ");
    refused({"token", "create", "--account", folder_.account(), "--name", "x", "--expires", "soon"}, 2,
            "expiration_date: ");
    refused({"token", "create", "--account", folder_.account()}, 2, "--name");
    refused({"token", "show", "SU-000-000-000"}, 1, "Token not found.");
    refused({"token", "delete", "nothing"}, 1, "Token not found.");
    refused({"token", "deactivate", "nothing"}, 1, "Token not found.");
    refused({"token", "activate", "SU-000-000-000"}, 1, "Token not found.");
    refused({"token", "rotate", "nothing"}, 1, "Token not found.");
    refused({"account", "rename", "--account", "VA-1", "--name", "x"}, 2, "There is no such account.");
    refused({"account", "rename", "--account", folder_.account(), "--name", ""}, 2, "name: ");
    refused({"user", "add", "--account", folder_.account(), "--email", "nobody"}, 2, "email: ");
    refused({"user", "add", "--account", folder_.account(), "--email", folder_.email()}, 1, "email: ");
    refused({"user", "add", "--account", folder_.account(), "--email", "a@example.com", "--role", "king"}, 2,
            "role: ");
    refused({"user", "password", "--email", "nobody@example.com"}, 1, "no user");
    refused({"user", "role", "--email", "nobody@example.com", "--role", "member"}, 1, "no user");
    refused({"user", "role", "--email", folder_.email(), "--role", "king"}, 2, "role: ");
    refused({"user", "role", "--email", folder_.email(), "--role", "auditor"}, 1, "owner");
    refused({"user", "deactivate", "--email", folder_.email()}, 1, "owner");
    refused({"user", "activate", "--email", "nobody@example.com"}, 1, "no user");
    refused({"partner", "create", "--name", " "}, 2, "name: ");
    refused({"partner", "create"}, 2, "--name");
    refused({"backup"}, 2, "events: ");
    refused({"backup", "--events", backups_.file("kept"), "--vault", backups_.file("kept/vault")}, 2,
            "vault: ");
    refused({"verify", "--tree-heads", backups_.file("missing")}, 1, "There is no file");
    refused({"account", "open", "--name", " "}, 2, "name: ");
    refused({"account", "open", "--name", "\xFF"}, 2, "");
    refused({"account", "open", "--name", "x", "--type", "bank"}, 2, "type: ");
  }

  InitialisedFolder folder_;
  TemporaryFolder backups_;
  int users_ = 0;
};

TEST_F(Administration, AnswersTheSameFormsStoppedAndRunning) {
  std::ofstream(folder_.file("mintmark.toml")) << "provisioning_url = \"http://127.0.0.1:1/\"\n";
  expect_forms();
  ServerProcess server(folder_.path());
  expect_forms();
  const auto refused = folder_.run({"rebuild", "--all", "--json"});
  EXPECT_EQ(refused.exit_code, 1) << "a server runs";
  EXPECT_EQ(refused.out, "");
  EXPECT_EQ(server.stop().exit_code, 0);
  expect_forms();
  const auto version = run_mintmark({"version", "--json"});
  EXPECT_THAT(version.out, MatchesRegex("\\{\"version\":\"[0-9]+\\.[0-9]+\\.[0-9]+\"\\}\n"));
}

TEST_F(Administration, RebuildAnswersWhatItFound) {
  const auto all = folder_.run_json({"rebuild", "--all"});
  EXPECT_THAT(members_of(all), ElementsAre("projections", "jobs_planned_again"));
  EXPECT_FALSE(all.at("jobs_planned_again").as_bool());
  const auto& projections = all.at("projections").as_array();
  EXPECT_EQ(projections.size(), 7U);
  for (const auto& projection : projections) {
    const auto& found = projection.as_object();
    EXPECT_THAT(members_of(found),
                ElementsAre("name", "events", "equal", "had_old", "difference", "parked_streams"));
    EXPECT_TRUE(found.at("equal").as_bool()) << text(found, "name");
    EXPECT_EQ(text(found, "difference"), "");
  }
  std::filesystem::remove_all(folder_.file("views"));
  const auto one = folder_.run_json({"rebuild", "token_list"}).at("projections").as_array();
  ASSERT_EQ(one.size(), 1U);
  EXPECT_EQ(text(one[0].as_object(), "name"), "token_list");
  EXPECT_FALSE(one[0].at("had_old").as_bool());
  EXPECT_FALSE(one[0].at("equal").as_bool());
}

// As `script` gives it one.
TEST_F(Administration, OnATerminalARebuildShowsHowFarItIs) {
  const auto rebuild = std::string(MINTMARK_PROGRAM) + " rebuild --all --data " + folder_.path();
  const auto finished = run_process({.command = {"script", "-qec", rebuild, "/dev/null"}});
  EXPECT_EQ(finished.exit_code, 0) << finished.out;
  EXPECT_THAT(finished.out, HasSubstr("] 100 %"));
  EXPECT_THAT(finished.out, HasSubstr("\r\033[K")) << "taken away in the end";
}

TEST_F(Administration, ARefusedRebuildLeavesTheFolderAsItWas) {
  const TemporaryFolder parent;
  const auto missing = parent.file("typo");
  EXPECT_EQ(run_mintmark({"rebuild", "--all", "--data", missing}).exit_code, 1);
  EXPECT_FALSE(std::filesystem::exists(missing));
  const auto empty = parent.file("empty");
  std::filesystem::create_directory(empty);
  EXPECT_EQ(run_mintmark({"rebuild", "--all", "--data", empty}).exit_code, 1);
  EXPECT_TRUE(std::filesystem::is_empty(empty));
}

TEST_F(Administration, RefusesTheSameStoppedAndRunning) {
  const auto before = replay(folder_).size();
  expect_refusals();
  ServerProcess server(folder_.path());
  expect_refusals();
  EXPECT_EQ(replay(folder_).size(), before);
}

TEST_F(Administration, InitAnswersWhatItMade) {
  const TemporaryFolder parent;
  const Arguments init{"init", "--data",  parent.file("deep/er"), "--account-name",
                       "A",    "--email", "a@example.com",        "--json"};
  const auto made = run_mintmark(init);
  EXPECT_EQ(made.exit_code, 0) << made.err;
  const auto object = json::parse(made.out).as_object();
  EXPECT_THAT(members_of(object), ElementsAre("account", "user", "email", "password"));
  EXPECT_THAT(text(object, "account"), MatchesRegex("VA-[0-9]{3}-[0-9]{3}"));
  EXPECT_THAT(text(object, "user"), MatchesRegex("UR-[0-9]{3}-[0-9]{3}-[0-9]{3}"));
  EXPECT_EQ(text(object, "email"), "a@example.com");
  EXPECT_GE(text(object, "password").size(), 12U);
  const auto again = run_mintmark(init);
  EXPECT_EQ(again.exit_code, 1);
  EXPECT_THAT(again.err, HasSubstr("holds an instance already"));
  auto if_needed = init;
  if_needed.emplace_back("--if-needed");
  const auto not_needed = run_mintmark(if_needed);
  EXPECT_EQ(not_needed.exit_code, 0) << not_needed.err;
  EXPECT_EQ(not_needed.out, "");
  const auto bad = run_mintmark({"init", "--data", parent.file("other"), "--email", "nobody"});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("email: "));
  const auto gone_on = run_mintmark(
      {"init", "--data", parent.file("other"), "--email", "a@example.com", "--if-needed", "--json"});
  EXPECT_EQ(gone_on.exit_code, 0) << gone_on.err;
  EXPECT_THAT(members_of(json::parse(gone_on.out).as_object()),
              ElementsAre("account", "user", "email", "password"));
}

TEST_F(Administration, WorksOnTheRunningServerThroughASocketOfItsOwnersAlone) {
  ServerProcess server(folder_.path());
  struct stat info{};
  ASSERT_EQ(::stat(folder_.file("admin.sock").c_str(), &info), 0);
  EXPECT_TRUE(S_ISSOCK(info.st_mode));
  EXPECT_EQ(info.st_mode & 07777U, 0600U);
  ASSERT_EQ(::stat(folder_.path().c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 07777U, 0700U);

  const auto token =
      folder_.run_json({"token", "create", "--account", folder_.account(), "--name", "Beside"});
  EXPECT_EQ(authorize(server.port(), text(token, "key")), 204)
      << "created beside the server, known to it at once";
  folder_.run_json({"token", "deactivate", text(token, "id")});
  EXPECT_EQ(authorize(server.port(), text(token, "key")), 403);
  folder_.run_json({"token", "activate", text(token, "id")});
  const auto rotated = folder_.run_json({"token", "rotate", text(token, "id")});
  EXPECT_EQ(authorize(server.port(), text(token, "key")), 401);
  EXPECT_EQ(authorize(server.port(), text(rotated, "key")), 204);
  folder_.run_json({"token", "delete", text(token, "id")});
  EXPECT_EQ(authorize(server.port(), text(rotated, "key")), 401);

  const auto password = text(folder_.run_json({"user", "password", "--email", folder_.email()}), "password");
  RestClient client(server.port());
  EXPECT_THROW(client.log_in(folder_.email(), folder_.password()), std::runtime_error);
  client.log_in(folder_.email(), password);
  EXPECT_EQ(server.stop().exit_code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("admin.sock")));
}

TEST_F(Administration, EndsTheSessionsOfAUserWhoIsDeactivated) {
  const auto person = folder_.add_user(folder_.account(), "leaver", "member");
  ServerProcess server(folder_.path());
  RestClient client(server.port());
  client.log_in(person.email, person.password);
  EXPECT_EQ(client.get("/auth/tokens").status, 200);
  folder_.run_json({"user", "deactivate", "--email", person.email});
  EXPECT_EQ(client.get("/auth/tokens").status, 401);
  EXPECT_THROW(client.log_in(person.email, person.password), std::runtime_error);
  folder_.run_json({"user", "activate", "--email", person.email});
  client.log_in(person.email, person.password);
  folder_.run_json({"user", "role", "--email", person.email, "--role", "auditor"});
  EXPECT_EQ(client.post("/auth/tokens", "{}").status, 403);
}

TEST_F(Administration, WorksBesideTheSocketOfAKilledServer) {
  ServerProcess(folder_.path()).kill();
  EXPECT_TRUE(std::filesystem::exists(folder_.file("admin.sock")));
  const auto token = folder_.run_json({"token", "create", "--account", folder_.account(), "--name", "Later"});
  ServerProcess server(folder_.path());
  EXPECT_EQ(authorize(server.port(), text(token, "key")), 204);
}

TEST_F(Administration, AListThatIsCutShortSaysSo) {
  for (const auto* name : {"A", "B", "C"})
    folder_.run_json({"token", "create", "--account", folder_.account(), "--name", name});
  const auto list = [&](const Arguments& further) {
    Arguments command{"token", "list", "--account", folder_.account()};
    command.insert(command.end(), further.begin(), further.end());
    return folder_.run(command);
  };
  const auto cut = list({"--limit", "2"});
  EXPECT_EQ(std::ranges::count(cut.out, '\n'), 2);
  EXPECT_EQ(cut.err, "2 of 3; --offset 2 shows more\n");
  EXPECT_EQ(list({"--limit", "1", "--offset", "1"}).err, "1 of 3; --offset 2 shows more\n");
  for (const auto& whole : {list({}), list({"--offset", "2"}), list({"--offset", "9"})})
    EXPECT_EQ(whole.err, "");
}

TEST_F(Administration, PrintsForPeopleAndExplainsItself) {
  EXPECT_THAT(folder_.run({"account", "list"}).out, MatchesRegex("VA-[0-9]{3}-[0-9]{3}  First company\n"));
  EXPECT_THAT(folder_.run({"user", "list", "--account", folder_.account()}).out,
              HasSubstr("owner@example.com"));
  for (const auto* command : {"version", "--version"})
    EXPECT_THAT(run_mintmark({command}).out, MatchesRegex("mintmark [0-9]+\\.[0-9]+\\.[0-9]+\n"));
  const auto help = run_mintmark({"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const auto* command : {"init", "serve", "replay", "rebuild", "verify", "tree-head", "keys", "backup",
                              "restore", "account", "user", "token", "partner", "jobs", "version"}) {
    EXPECT_THAT(help.out, HasSubstr(std::string("  ") + command + " "));
    EXPECT_EQ(run_mintmark({command, "--help"}).exit_code, 0) << command;
  }
  const std::vector<std::pair<Arguments, std::vector<std::string>>> options{
      {{"init"}, {"--data", "--account-name", "--email", "--json"}},
      {{"serve"}, {"--data", "--listen"}},
      {{"token", "create"}, {"--data", "--account", "--name", "--type", "--json"}},
      {{"replay"}, {"--data", "--from", "--to", "--token", "--account", "--actor", "--type", "--json"}},
      {{"rebuild"}, {"--data", "--all", "--json"}},
      {{"verify"}, {"--data", "--json"}}};
  for (const auto& [command, names] : options) {
    auto asked = command;
    asked.emplace_back("--help");
    const auto told = run_mintmark(asked);
    EXPECT_EQ(told.exit_code, 0);
    for (const auto& name : names) EXPECT_THAT(told.out, HasSubstr(name)) << command.front();
  }
  EXPECT_EQ(run_mintmark({}).exit_code, 2);
  EXPECT_EQ(run_mintmark({"conquer"}).exit_code, 2);
  EXPECT_EQ(run_mintmark({"verify", "--data", folder_.file("nowhere")}).exit_code, 1);
}

TEST_F(Administration, WithoutStandardStreamsNothingIsWrittenIntoTheLogsFiles) {
  const auto run_with = [&](const std::string& command) {
    return run_process({.command = {"bash", "-c", command, MINTMARK_PROGRAM, folder_.path()}}).exit_code;
  };
  EXPECT_EQ(run_with(R"("$0" replay --json --data "$1" <&- >&- 2>&-)"), 0);
  EXPECT_EQ(run_with(R"("$0" replay --json --data "$1" >&-)"), 0);
  EXPECT_EQ(run_with(R"("$0" replay --data "$1/nowhere" <&- 2>&-)"), 1);
  const auto verified = folder_.run({"verify"});
  EXPECT_EQ(verified.exit_code, 0) << verified.err;
}

TEST_F(Administration, WhatCannotBePrintedIsAFailure) {
  for (const auto* command : {R"("$0" account list --json --data "$1" > /dev/full)",
                              R"("$0" replay --data "$1" > /dev/full)", R"("$0" version > /dev/full)"}) {
    const auto lost = run_process({.command = {"bash", "-c", command, MINTMARK_PROGRAM, folder_.path()}});
    EXPECT_EQ(lost.exit_code, 1) << command;
    EXPECT_THAT(lost.err, HasSubstr("what was to be printed could not be: No space left on device"))
        << command;
  }
}

}  // namespace
}  // namespace mintmark::testing::administration_test
