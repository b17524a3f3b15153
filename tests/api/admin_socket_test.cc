#include "api/admin_socket.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <gmock/gmock.h>
#include <sys/stat.h>

#include "tests/api/administration_fixture.h"
#include "tests/support/captured_log.h"
#include "tests/support/log_folder.h"
#include "tests/support/log_tables.h"

namespace mintmark::admin_socket_test {
namespace {

namespace asio = boost::asio;
namespace fs = std::filesystem;
using ::testing::HasSubstr;
using testing::write_file;

class AdminSocketTest : public testing::AdministrationTest {
 protected:
  Result<boost::json::object> ask(const boost::json::object& command) {
    const auto client = AdminClient::connect(path_);
    if (!client) return fail(ErrorKind::kNotFound, "nobody listens");
    return client->run(command, [this](std::string line) { lines_.push_back(std::move(line)); });
  }

  // Sends bytes as they are, ends, and returns all that comes.
  std::string send_raw(const std::string& bytes) {
    asio::io_context context;
    asio::local::stream_protocol::socket socket(context);
    socket.connect(path_);
    asio::write(socket, asio::buffer(bytes));
    socket.shutdown(asio::socket_base::shutdown_send);
    std::string answer;
    boost::system::error_code end;
    asio::read(socket, asio::dynamic_buffer(answer), end);
    return answer;
  }

  const std::string path_ = folder_.file("admin.sock");
  std::vector<std::string> lines_;
};

TEST_F(AdminSocketTest, ACommandGoesThereAndItsResultComesBack) {
  const AdminSocket socket(path_, *instance_->administration);
  const auto opened = ask({{"command", "account.open"}, {"name", "Acme"}});
  ASSERT_TRUE(opened);
  EXPECT_THAT(std::string(opened->at("account").as_string()), ::testing::StartsWith("VA-"));
  EXPECT_EQ(instance_->log->head(), 2);
}

TEST_F(AdminSocketTest, ItsEndEndsWhatReadsTheWholeLog) {
  {
    const AdminSocket socket(path_, *instance_->administration);
    EXPECT_TRUE(ask({{"command", "verify"}}));
  }
  const auto stopped = administer({{"command", "verify"}});
  ASSERT_FALSE(stopped);
  EXPECT_EQ(stopped.error().kind, ErrorKind::kUnavailable);
  EXPECT_THAT(stopped.error().messages.front(), HasSubstr("was not read to its end"));
}

TEST_F(AdminSocketTest, ItsPathMayBeAsLongAsASocketsName) {
  EXPECT_TRUE(AdminSocket::check_path(std::string(107, 'x')));
  const auto refused = AdminSocket::check_path(std::string(108, 'x'));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(refused.error().messages.front(), HasSubstr("longer than the 107 bytes"));
}

TEST_F(AdminSocketTest, LinesComeBeforeTheResult) {
  const AdminSocket socket(path_, *instance_->administration);
  for (int i = 0; i < 600; ++i) open_account();
  ASSERT_TRUE(ask({{"command", "replay"}}));
  EXPECT_EQ(lines_.size(), 601);
  EXPECT_THAT(lines_[0], HasSubstr("PepperAdded"));
}

TEST_F(AdminSocketTest, AnErrorComesBackInItsWords) {
  const AdminSocket socket(path_, *instance_->administration);
  const auto refused = ask({{"command", "account.open"}});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().messages, std::vector<std::string>{"name: This field is required."});
}

TEST_F(AdminSocketTest, ACommandThatThrowsIsAnsweredAndTheNextIsServed) {
  open_account();
  instance_.reset();
  testing::LogTables(config_.log_path()).put("events", testing::number_key(2), "not an event");
  open();
  const AdminSocket socket(path_, *instance_->administration);
  const auto failed = ask({{"command", "replay"}});
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().kind, ErrorKind::kUnavailable);
  EXPECT_EQ(failed.error().messages,
            std::vector<std::string>{"The command failed; the server's log says why."});
  EXPECT_TRUE(ask({{"command", "account.list"}}));
}

TEST_F(AdminSocketTest, TheActorIsWhoTheKernelSaysItIs) {
  const AdminSocket socket(path_, *instance_->administration);
  ASSERT_TRUE(ask({{"command", "account.open"}, {"name", "Acme"}, {"operator", "mallory"}}));
  const auto actor = instance_->log->read(1, 1).front().recorded.actor();
  EXPECT_EQ(actor.kind(), Actor::OPERATOR);
  EXPECT_NE(actor.id(), "mallory");
  EXPECT_NE(actor.id(), "");
}

TEST_F(AdminSocketTest, OnlyItsOwnerMayOpenItAndTheUmaskIsAsBefore) {
  const auto before = ::umask(022);
  {
    const AdminSocket socket(path_, *instance_->administration);
    struct stat status{};
    ASSERT_EQ(::stat(path_.c_str(), &status), 0);
    EXPECT_TRUE(S_ISSOCK(status.st_mode));
    EXPECT_EQ(status.st_mode & 0777U, 0600U);
  }
  EXPECT_EQ(::umask(before), 022U);
}

TEST_F(AdminSocketTest, TheFileIsGoneWithTheSocketAndAStaleOneIsReplaced) {
  write_file(path_, "left by a crash");
  {
    const AdminSocket socket(path_, *instance_->administration);
    EXPECT_TRUE(ask({{"command", "account.list"}}));
  }
  EXPECT_FALSE(fs::exists(path_));
  EXPECT_EQ(AdminClient::connect(path_), nullptr);
}

TEST_F(AdminSocketTest, WhereNobodyListensThereIsNoClient) {
  EXPECT_EQ(AdminClient::connect(path_), nullptr);
  write_file(path_, "no socket");
  EXPECT_EQ(AdminClient::connect(path_), nullptr);
  EXPECT_EQ(AdminClient::connect(folder_.file(std::string(200, 'x'))), nullptr);
}

TEST_F(AdminSocketTest, APathThatIsTooLongThrowsAndLeavesTheUmask) {
  const auto before = ::umask(022);
  EXPECT_THROW(AdminSocket(folder_.file(std::string(200, 'x')), *instance_->administration),
               boost::system::system_error);
  EXPECT_THROW(AdminSocket(folder_.file("no/folder"), *instance_->administration),
               boost::system::system_error);
  EXPECT_EQ(::umask(before), 022U);
}

TEST_F(AdminSocketTest, WhatIsNoCommandIsAnsweredOrDroppedAndTheNextIsServed) {
  const AdminSocket socket(path_, *instance_->administration);
  EXPECT_THAT(send_raw("nonsense\n"), HasSubstr("{\"error\":[\"body: Not valid JSON"));
  EXPECT_EQ(send_raw("[]\n"), "{\"error\":[\"body: Must be a JSON object.\"]}\n");
  EXPECT_EQ(send_raw(""), "");
  EXPECT_EQ(send_raw("{\"command\":\"account.list\"}"), "");  // no newline: it never came whole
  EXPECT_TRUE(ask({{"command", "account.list"}}));
}

// A file of tree heads that cannot be read before somebody writes to it keeps a verification under way.
TEST_F(AdminSocketTest, OneVerificationRunsAtATimeAndEndsWithWhoWaitsForIt) {
  const testing::CapturedLog captured;
  const AdminSocket socket(path_, *instance_->administration);
  const auto heads = folder_.file("heads");
  ASSERT_EQ(::mkfifo(heads.c_str(), 0600), 0);
  asio::io_context context;
  asio::local::stream_protocol::socket client(context);
  client.connect(path_);
  const boost::json::object command{{"command", "verify"}, {"tree_heads", heads}};
  asio::write(client, asio::buffer(boost::json::serialize(command) + "\n"));
  auto second = ask({{"command", "verify"}});
  while (second) second = ask({{"command", "verify"}});  // until the other is under way
  EXPECT_EQ(second.error().kind, ErrorKind::kConflict);
  client.shutdown(asio::socket_base::shutdown_send);
  EXPECT_EQ(ask({{"command", "verify"}}).error().kind, ErrorKind::kConflict)
      << "who says no more still waits";

  client.close();
  EXPECT_TRUE(ask({{"command", "account.list"}}));  // taken behind that
  {
    const std::ofstream writer(heads);
  }
  auto next = ask({{"command", "verify"}});
  while (!next) next = ask({{"command", "verify"}});
  EXPECT_EQ(lines_.back(), "100 %");
  EXPECT_TRUE(captured.has("given up: The log was not read to its end"));
}

TEST_F(AdminSocketTest, ACommandUnderWayWhenItEndsIsFinishedFirst) {
  auto socket = std::make_unique<AdminSocket>(path_, *instance_->administration);
  asio::io_context context;
  std::vector<asio::local::stream_protocol::socket> clients;
  for (int i = 0; i < 8; ++i) {
    clients.emplace_back(context);
    clients.back().connect(path_);
    asio::write(clients.back(), asio::buffer(std::string("{\"command\":\"verify\"}\n")));
  }
  EXPECT_TRUE(ask({{"command", "account.list"}}));  // so the others have been taken
  socket.reset();
  EXPECT_FALSE(fs::exists(path_));
}

}  // namespace
}  // namespace mintmark::admin_socket_test
