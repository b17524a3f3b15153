// The forms of a backup that there have been (tests/golden/backups), and those that are yet to come.
#include <algorithm>
#include <filesystem>
#include <string>

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "domain/schema.h"
#include "eventstore/bytes.h"
#include "eventstore/checksum.h"
#include "tests/eventstore/backup_fixture.h"

namespace mintmark::testing::backup_form_test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
namespace fs = std::filesystem;

class BackupForm : public BackupFixture {
 protected:
  std::string segment() const { return events + "/events-00000000000000000001-00000000000000000003"; }
  // Changes a segment, and makes its checksum that of what it is then.
  template <class Change>
  void rewrite(Change change) {
    auto bytes = read_file(segment());
    bytes.resize(bytes.size() - checksum_bytes);
    change(bytes);
    write_file(segment(), bytes + checksum(bytes));
  }
};

constexpr std::size_t schema_offset = 8 + 16;

TEST_F(BackupForm, OfEveryEarlierOneIsRestored) {
  struct Golden {
    const char* form;
    const char* magic;
  };
  for (const auto& [form, magic] : {Golden{"form-1", "MMEVENT1"}, Golden{"form-2", "MMEVENT2"}}) {
    SCOPED_TRACE(form);
    const auto golden = fs::path(GOLDEN_FOLDER) / "backups" / form;
    EXPECT_THAT(read_file(golden / "events" / "events-00000000000000000001-00000000000000000016"),
                StartsWith(magic));
    fs::remove_all(target().path);
    const auto restored = restore_log(target(), golden / "events", golden / "vault", no_progress);
    ASSERT_TRUE(restored) << restored.error().messages.front();
    EXPECT_EQ(restored->head, 16U);
    EXPECT_EQ(hex(restored->root), "ee1e6d859b40bc3382ff8cf51e942aed2c34acdc5d7ff88944881e7f4879cb28");
    const auto verified = RocksDbLog::verify_stopped(target(), no_progress);
    ASSERT_TRUE(verified);
    EXPECT_EQ(verified->problem, "");
    EXPECT_EQ(check_vault_backup(golden / "vault", RocksDbLog::log_id_of_stopped(target()).value()), 8U);
  }
}

TEST_F(BackupForm, ThatSaysNoSchemaIsGoneOnWith) {
  append(1);
  back_up();
  rewrite(
      [](std::string& bytes) { bytes = "MMEVENT1" + bytes.substr(8, 16) + bytes.substr(schema_offset + 8); });
  append(2);
  EXPECT_EQ(back_up().events, 3U);
  EXPECT_EQ(restore_refusal(), "");
}

TEST_F(BackupForm, OfANewerSchemaIsRefused) {
  append(1);
  back_up();
  EXPECT_EQ(get_little_endian(read_file(segment()).substr(schema_offset, 8)), event_schema);
  rewrite([](std::string& bytes) {
    std::string newer;
    put_little_endian(newer, event_schema + 1);
    std::ranges::copy(newer, bytes.begin() + schema_offset);
  });
  const auto why = fmt::format("its events are of schema {}, and this version knows schema {}",
                               event_schema + 1, event_schema);
  EXPECT_THAT(restore_refusal(), HasSubstr(why));
  append(2);
  EXPECT_THAT(backup_events(*log, events).error().messages.front(), HasSubstr(why));
}

TEST_F(BackupForm, OfAnUnknownFormIsRefused) {
  append(1);
  back_up();
  rewrite([](std::string& bytes) { bytes[7] = '3'; });
  EXPECT_THAT(restore_refusal(), HasSubstr("it is no segment"));
}

}  // namespace
}  // namespace mintmark::testing::backup_form_test
