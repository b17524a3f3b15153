#include "eventstore/key_rotation.h"

#include <atomic>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "eventstore/memory_log.h"
#include "tests/support/event_builders.h"
#include "tests/support/fake_clock.h"
#include "tests/support/log_folder.h"
#include "tests/support/scripted_log.h"

namespace mintmark::testing::key_rotation_test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

constexpr int subjects = 700;  // more than one batch

std::string subject(int number) {
  return "token-" + std::to_string(number);
}

class Rotation : public ::testing::Test {
 protected:
  Rotation() {
    EXPECT_TRUE(create_key_file(path, random));
    reopen();
    EXPECT_TRUE(append_pepper(log, *vault, 0, metadata(), random));
    reopen();
    for (int i = 0; i < subjects; ++i) add(i);
  }

  // As a start of the program: what only memory knew is gone.
  void reopen() {
    const auto file = read_key_file(path);
    ASSERT_TRUE(file) << file.error().messages.front();
    rotation.reset();
    vault = std::make_unique<Vault>(log, *file, random);
    auto loaded = vault->load_peppers();
    peppers = loaded ? std::make_unique<Peppers>(*loaded) : nullptr;
    if (!peppers) return;
    rotation = std::make_unique<KeyRotation>(log, *vault, *peppers, clock, random,
                                             KeyRotation::Options{path, 100ms, rewrite_vault});
  }
  Metadata metadata() const {
    Metadata made;
    made.actor.set_kind(Actor::OPERATOR);
    made.actor.set_id("ada");
    made.recorded_at = clock.now();
    return made;
  }
  // A subject with its key.
  void add(int number) {
    auto [key, write] = vault->make(subject(number));
    auto request = append_request(subject(number), 0, 1000 + static_cast<std::uint64_t>(number));
    request.vault_writes.push_back(std::move(write));
    ASSERT_TRUE(append_and_wait(log, std::move(request)));
    keys.push_back(key);
  }
  void expect_all_open() {
    for (std::size_t i = 0; i < keys.size(); ++i) {
      const auto key = vault->get(subject(static_cast<int>(i)));
      ASSERT_TRUE(key) << key.error().messages.front();
      ASSERT_EQ(*key, keys[i]) << i;
    }
  }
  std::string key_file() const { return read_file(path); }

  TemporaryFolder folder;
  const std::string path = folder.file("kek");
  std::function<Result<void>()> rewrite_vault;
  FakeClock clock;
  SystemRandom random;
  MemoryLog memory{event_id(1)};
  ScriptedLog log{memory};
  std::unique_ptr<Vault> vault;
  std::unique_ptr<Peppers> peppers;
  std::unique_ptr<KeyRotation> rotation;
  std::vector<DataKey> keys;
};

TEST_F(Rotation, WrapsEveryKeyAnewAndAddsAPepper) {
  const auto old_keys = read_key_file(path);
  const auto rows = log.read_vault_after("", 10'000);
  const auto head = log.head();
  const auto report = rotation->run(metadata().actor);
  ASSERT_TRUE(report) << report.error().messages.front();
  EXPECT_EQ(report->wrapped_anew, subjects + 1U);
  EXPECT_EQ(report->pepper, 2U);
  expect_all_open();

  const auto new_keys = read_key_file(path);
  ASSERT_TRUE(new_keys);
  EXPECT_NE(new_keys->current, old_keys->current);
  EXPECT_FALSE(new_keys->previous);
  EXPECT_FALSE(vault->is_rotating());
  for (const auto& row : rows) EXPECT_NE(log.read_vault(row.subject), row.wrapped_key) << row.subject;
  Vault old_vault(log, *old_keys, random);
  EXPECT_FALSE(old_vault.get(subject(1))) << "the old key opens nothing any more";

  ASSERT_EQ(log.head(), head + 1) << "wrapping anew is no event";
  const auto event = log.read(head, 1).front().recorded;
  EXPECT_EQ(event.event().pepper_added().number(), 2U);
  EXPECT_EQ(event.actor().id(), "ada");
  reopen();
  expect_all_open();
  EXPECT_EQ(peppers->newest(), 2U);
}

TEST_F(Rotation, OverAKeyFileThatIsNotTheVaultsChangesNothing) {
  const auto right = key_file();
  KeyEncryptionKey foreign{};
  random.fill(foreign);
  ASSERT_TRUE(replace_key_file(path, {foreign}));
  const auto replaced = key_file();
  const auto refused = rotation->run(metadata().actor);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().messages.front(),
              HasSubstr("does not open under this key file. Nothing was changed."));
  EXPECT_EQ(key_file(), replaced);
  EXPECT_FALSE(vault->is_rotating());
  expect_all_open();
  add(subjects);
  expect_all_open();
  write_file(path, right);
  reopen();
  expect_all_open();
}

TEST_F(Rotation, WithoutRoomForAPepperChangesNothing) {
  while (peppers->newest() < Peppers::count_max) {
    const auto pepper = append_pepper(log, *vault, peppers->newest(), metadata(), random);
    ASSERT_TRUE(pepper);
    peppers->add(*pepper);
  }
  const auto before = key_file();
  const auto rows = log.read_vault_after("", 10'000);
  const auto head = log.head();
  const auto report = rotation->run(metadata().actor);
  ASSERT_FALSE(report);
  EXPECT_THAT(report.error().messages.front(),
              HasSubstr("255 peppers, and no more can be added. Nothing was"));
  EXPECT_EQ(key_file(), before);
  EXPECT_FALSE(vault->is_rotating());
  EXPECT_EQ(log.head(), head);
  const auto after = log.read_vault_after("", 10'000);
  ASSERT_EQ(after.size(), rows.size());
  for (std::size_t i = 0; i < rows.size(); ++i) EXPECT_EQ(after[i].wrapped_key, rows[i].wrapped_key);
}

TEST_F(Rotation, LeavesEveryDigestValid) {
  const auto secret = random.secret();
  const auto before = peppers->digest(secret);
  ASSERT_TRUE(rotation->run(metadata().actor));
  EXPECT_EQ(before.pepper(), 1U);
  const auto again = peppers->digest(before.pepper(), secret);
  EXPECT_EQ(before.digest(), std::string(again.begin(), again.end()));
  const auto after = peppers->digest(secret);
  EXPECT_EQ(after.pepper(), 2U);
  EXPECT_NE(after.digest(), before.digest());
  reopen();
  EXPECT_EQ(peppers->digest(secret).digest(), after.digest());
}

TEST_F(Rotation, NeverBringsBackADestroyedKey) {
  // Each batch of the rotation finds a key destroyed that it has read.
  int next = 0;
  log.before_append([&] {
    AppendRequest deletion =
        append_request("deleted-" + std::to_string(next), 0, static_cast<std::uint64_t>(9000 + next));
    deletion.vault_writes.push_back(Vault::destroy(subject(next)));
    ASSERT_TRUE(append_and_wait(memory, std::move(deletion)));
    ++next;
  });
  ASSERT_TRUE(rotation->run(metadata().actor));
  ASSERT_GE(next, 3);
  log.before_append({});
  for (int i = 0; i < next; ++i) EXPECT_EQ(log.read_vault(subject(i)), std::nullopt) << i;
}

TEST_F(Rotation, ThatWasCutShortAnywhereGoesOnWhereItWas) {
  for (std::size_t appends = 0; appends < 4; ++appends) {
    SCOPED_TRACE(appends);
    const auto before = log.appends();
    const auto pepper = peppers->newest();
    log.before_append([&] {
      if (log.appends() - before > appends) log.refuse(AppendError::Kind::kDiskFull);
    });
    // The hook runs once the refusal of this append is decided, so the next one is the first refused.
    const auto cut_short = rotation->run(metadata().actor);
    log.before_append({});
    log.accept();
    const auto file = key_file();
    expect_all_open();
    reopen();
    expect_all_open();
    if (!cut_short) {
      EXPECT_EQ(peppers->newest(), pepper);
      const auto finished = rotation->run(metadata().actor);
      ASSERT_TRUE(finished) << finished.error().messages.front();
      EXPECT_EQ(key_file().size(), 65U);
      if (file.size() == 130U) EXPECT_EQ(key_file(), file.substr(0, 65)) << "the new key stays the new one";
    }
    reopen();
    expect_all_open();
    EXPECT_EQ(peppers->newest(), pepper + 1);
  }
}

TEST_F(Rotation, KeepsTheOldKeyUntilNothingOnTheDiskOpensUnderIt) {
  bool has_room = false;
  int rewritten = 0;
  rewrite_vault = [&]() -> Result<void> {
    EXPECT_EQ(key_file().size(), 130U) << "who is killed here is told at the next start";
    const auto file = read_key_file(path);
    if (!file || !file->previous) return fail(ErrorKind::kInvalid, "The old key is gone.");
    Vault old_vault(log, *file->previous, random);
    EXPECT_FALSE(old_vault.get(subject(1))) << "nothing is left to wrap";
    if (!has_room) return fail(ErrorKind::kUnavailable, "There is no room.");
    ++rewritten;
    return {};
  };
  reopen();
  const auto cut_short = rotation->run(metadata().actor);
  ASSERT_FALSE(cut_short);
  EXPECT_THAT(cut_short.error().messages.front(), HasSubstr("There is no room. Rotate again"));
  const auto file = key_file();
  EXPECT_EQ(file.size(), 130U);
  EXPECT_EQ(peppers->newest(), 1U);
  reopen();
  EXPECT_TRUE(vault->is_rotating());
  expect_all_open();
  has_room = true;
  const auto finished = rotation->run(metadata().actor);
  ASSERT_TRUE(finished) << finished.error().messages.front();
  EXPECT_EQ(finished->wrapped_anew, 0U);
  EXPECT_EQ(rewritten, 1);
  EXPECT_EQ(key_file(), file.substr(0, 65)) << "the new key stays the new one";
  expect_all_open();
}

TEST_F(Rotation, WaitsForWritesWhoseKeyWasWrappedBefore) {
  auto late = vault->make("late");
  const auto refused = rotation->run(metadata().actor);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().messages.front(), HasSubstr("run it again"));
  EXPECT_EQ(key_file().size(), 130U) << "both keys are needed";
  EXPECT_FALSE(rotation->run(metadata().actor)) << "still under way";
  auto request = append_request("late", 0, 5000);
  request.vault_writes.push_back(std::move(late.second));
  ASSERT_TRUE(append_and_wait(log, std::move(request)));
  ASSERT_TRUE(rotation->run(metadata().actor));
  EXPECT_EQ(*vault->get("late"), late.first);
  reopen();
  EXPECT_EQ(*vault->get("late"), late.first);
  expect_all_open();
}

TEST_F(Rotation, ChangesNothingWhereTheKeyFileCannotBeReplaced) {
  const auto file = key_file();
  std::filesystem::create_directories(path + ".new/in the way");
  const auto refused = rotation->run(metadata().actor);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().messages.front(), HasSubstr(path));
  EXPECT_EQ(key_file(), file);
  EXPECT_EQ(peppers->newest(), 1U);
  expect_all_open();
}

TEST_F(Rotation, IsRefusedWhereAKeyOfTheVaultOpensUnderNone) {
  auto request = append_request("strange", 0, 6000);
  request.vault_writes.push_back({"strange", std::string(72, 'x')});
  ASSERT_TRUE(append_and_wait(log, std::move(request)));
  const auto file = key_file();
  const auto refused = rotation->run(metadata().actor);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().messages.front(), HasSubstr("strange"));
  EXPECT_EQ(key_file(), file);
  reopen();
  expect_all_open();
}

// On the real log, with everybody at work: creations and reads beside one rotation after the other.
TEST(RotationUnderLoad, LosesNoKey) {
  LogFolder folder;
  const auto log = folder.open();
  SystemRandom random;
  const FakeClock clock;
  const auto path = (folder.path() / "kek").string();
  ASSERT_TRUE(create_key_file(path, random));
  Vault vault(*log, *read_key_file(path), random);
  ASSERT_TRUE(append_pepper(*log, vault, 0, {}, random));
  Peppers peppers(*vault.load_peppers());
  KeyRotation rotation(*log, vault, peppers, clock, random, {path});

  constexpr int writers = 4;
  std::atomic<bool> done = false;
  std::vector<std::map<std::string, DataKey>> made(writers);
  std::vector<std::thread> threads;
  for (int writer = 0; writer < writers; ++writer) {
    threads.emplace_back([&, writer] {
      auto& mine = made[static_cast<std::size_t>(writer)];
      for (int i = 0; !done || i < 20; ++i) {
        const auto name = "token-" + std::to_string(writer) + "-" + std::to_string(i);
        auto [key, write] = vault.make(name);
        auto request = append_request(name, 0, static_cast<std::uint64_t>(writer * 1'000'000 + i + 1));
        request.vault_writes.push_back(std::move(write));
        ASSERT_TRUE(append_and_wait(*log, std::move(request)));
        mine.emplace(name, key);
        const auto read = vault.get(mine.begin()->first);
        ASSERT_TRUE(read) << read.error().messages.front();
        ASSERT_EQ(*read, mine.begin()->second);
      }
    });
  }
  Actor actor;
  for (std::uint32_t round = 0; round < 5; ++round) {
    const auto report = rotation.run(actor);
    EXPECT_TRUE(report) << report.error().messages.front();
    if (report) EXPECT_EQ(report->pepper, round + 2);
  }
  done = true;
  for (auto& thread : threads) thread.join();
  Vault reopened(*log, *read_key_file(path), random);
  for (const auto& mine : made) {
    for (const auto& [name, key] : mine) ASSERT_EQ(*reopened.get(name), key) << name;
  }
}

}  // namespace
}  // namespace mintmark::testing::key_rotation_test
