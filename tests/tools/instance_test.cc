#include "tools/instance.h"

#include <chrono>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/schema.h"
#include "tests/support/captured_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/log_folder.h"
#include "tests/support/log_tables.h"
#include "tools/data_folder.h"

namespace mintmark::testing::instance_test {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class InstanceTest : public ::testing::Test {
 protected:
  InstanceTest() { config_.data = folder_.file("a/b/data"); }

  void create() const {
    const auto created = Instance::create(config_);
    ASSERT_TRUE(created) << created.error().messages.front();
  }
  Result<std::unique_ptr<Instance>> open() {
    return Instance::open(config_, [this](const std::string& reason) { failures_.push_back(reason); });
  }
  std::string refusal() {
    const auto instance = open();
    return instance ? "" : instance.error().messages.front();
  }
  // Appends an event, and answers its position.
  Position append() {
    const auto instance = open();
    EXPECT_TRUE(instance) << instance.error().messages.front();
    if (!instance) return 0;
    const auto number = (*instance)->log->head() + 1;
    const auto stream = "account-" + std::to_string(number);
    return append_and_wait(*(*instance)->log, append_request(stream, 0, number)).value().last;
  }
  Position head() {
    const auto instance = open();
    EXPECT_TRUE(instance) << instance.error().messages.front();
    return instance ? (*instance)->log->head() : 0;
  }
  // As a power cut leaves a log whose name was not kept.
  void lose_name() const { fs::rename(config_.log_path(), unfinished_log_path(config_)); }

  TemporaryFolder folder_;
  Config config_;
  std::vector<std::string> failures_;
};

TEST_F(InstanceTest, ThatHasLostItsNameGoesOnWhereItWas) {
  create();
  const auto acknowledged = append();
  lose_name();
  const auto before = contents_of(unfinished_log_path(config_));
  const auto again = Instance::create(config_);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, ErrorKind::kConflict);
  EXPECT_THAT(again.error().messages.front(), HasSubstr("is a whole log of 2 events that has lost its name"));
  EXPECT_TRUE(contents_of(unfinished_log_path(config_)) == before);
  EXPECT_EQ(head(), acknowledged);
  EXPECT_FALSE(fs::exists(unfinished_log_path(config_)));
}

TEST_F(InstanceTest, WhoseMakingWasCutShortIsMadeAnew) {
  create();
  lose_name();
  EXPECT_THAT(refusal(), HasSubstr("holds no instance")) << "nothing but what init writes is in it";
  create();
  EXPECT_EQ(head(), 1U);
  EXPECT_FALSE(fs::exists(unfinished_log_path(config_)));
}

TEST_F(InstanceTest, OfANewerSchemaIsRefusedUntouched) {
  create();
  append();
  LogTables(config_.log_path()).put("default", "schema", std::to_string(event_schema + 1));
  const auto before = contents_of(config_.data);
  EXPECT_THAT(refusal(), HasSubstr(fmt::format("its events are of schema {}", event_schema + 1)));
  EXPECT_TRUE(contents_of(config_.data) == before);
}

TEST_F(InstanceTest, WhoseViewsCannotFollowTheLogDoesNotStart) {
  create();
  const auto position = append();
  append();
  {
    LogTables tables(config_.log_path());
    Recorded recorded;
    ASSERT_TRUE(recorded.ParseFromString(tables.get("events", number_key(position))));
    recorded.clear_event();
    auto& event = *recorded.mutable_event();
    event.GetReflection()->MutableUnknownFields(&event)->AddVarint(999, 1);
    tables.put("events", number_key(position), recorded.SerializeAsString());
  }
  fs::remove_all(config_.views_path());
  const auto instance = open();
  ASSERT_FALSE(instance);
  EXPECT_EQ(instance.error().kind, ErrorKind::kUnavailable);
  const auto why =
      fmt::format("the event at position {} is of a kind that this version does not know", position);
  EXPECT_THAT(instance.error().messages.front(), HasSubstr("The views cannot follow the log: " + why));
  EXPECT_THAT(failures_, ::testing::ElementsAre(why));
}

TEST_F(InstanceTest, ThatNothingHappenedToKeepsItsSnapshot) {
  create();
  append();
  const fs::path snapshot = config_.index_snapshot_path();
  const auto long_ago = fs::last_write_time(snapshot) - std::chrono::hours(1);
  fs::last_write_time(snapshot, long_ago);
  head();
  EXPECT_EQ(fs::last_write_time(snapshot), long_ago);
  append();
  EXPECT_NE(fs::last_write_time(snapshot), long_ago);
}

TEST_F(InstanceTest, IsHeldToItsTreeHeadsWhateverStandsBetweenThem) {
  create();
  const auto yesterday = folder_.file("yesterday");
  fs::copy(config_.log_path(), yesterday, fs::copy_options::recursive);
  append();
  {
    const auto instance = open();
    ASSERT_TRUE(instance);
    ASSERT_TRUE((*instance)->tree_heads->publish());
    EXPECT_FALSE((*instance)->services->damage_found);
  }
  const auto heads = read_file(config_.tree_heads_path());
  write_file(config_.tree_heads_path(), "a line of nobody's\n\n" + heads);
  {
    const auto instance = open();
    ASSERT_TRUE(instance) << "whoever can write there cannot keep the service from starting";
    EXPECT_TRUE((*instance)->services->damage_found) << "but is told of";
  }
  fs::remove_all(config_.log_path());
  fs::copy(yesterday, config_.log_path(), fs::copy_options::recursive);
  EXPECT_THAT(refusal(), HasSubstr("but a tree head of position 2 was signed"));
}

TEST_F(InstanceTest, TellsOfADamagedHeadAnchor) {
  create();
  append();
  const auto path = config_.log_path() + "/anchor";
  auto anchor = read_file(path);
  anchor[60] = static_cast<char>(anchor[60] ^ 1);
  write_file(path, anchor);
  {
    const CapturedLog captured;
    const auto instance = open();
    ASSERT_TRUE(instance);
    EXPECT_TRUE((*instance)->services->damage_found);
    EXPECT_TRUE(captured.has("a bit of slot 0 of the head anchor"));
  }
  anchor = read_file(path);
  anchor.replace(60, 20, 20, 'x');
  write_file(path, anchor);
  const CapturedLog captured;
  const auto instance = open();
  ASSERT_TRUE(instance);
  EXPECT_FALSE((*instance)->services->damage_found) << "a crash leaves that too";
  EXPECT_TRUE(captured.has("slot 0 of the head anchor is not whole"));
}

TEST_F(InstanceTest, TellsWhereItsTreeHeadsAreGone) {
  create();
  {
    const CapturedLog captured;
    EXPECT_TRUE(open());
    EXPECT_FALSE(captured.has("is held to no tree head")) << "none was ever signed";
  }
  EXPECT_EQ(read_file(config_.tree_heads_path()), "") << "begun with its key";
  const CapturedLog captured;
  EXPECT_TRUE(open());
  EXPECT_FALSE(captured.has("is held to no tree head"));
  fs::remove(config_.tree_heads_path());
  EXPECT_TRUE(open());
  EXPECT_TRUE(captured.has("is held to no tree head: is its disk mounted?"));
}

TEST_F(InstanceTest, WhoseTreeHeadsCannotBeReadTellsButIsNotDamaged) {
  create();
  EXPECT_TRUE(open());
  fs::remove(config_.tree_heads_path());
  fs::create_directory(config_.tree_heads_path());
  const CapturedLog captured;
  const auto instance = open();
  ASSERT_TRUE(instance);
  EXPECT_TRUE(captured.has("cannot be used: Is a directory"));
  EXPECT_FALSE((*instance)->services->damage_found) << "they may be readable at the next look";
}

}  // namespace
}  // namespace mintmark::testing::instance_test
