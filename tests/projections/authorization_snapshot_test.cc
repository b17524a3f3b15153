#include "projections/authorization_snapshot.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <thread>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/stat.h>

#include "tests/projections/authorization_fixture.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::authorization_snapshot_test {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

const EventId log_id{{1, 2, 3}};

class AuthorizationSnapshotTest : public AuthorizationIndexTest {
 protected:
  AuthorizationSnapshotTest() {
    apply({created(1, "one"), created(2, std::string(200, 'n'), ZAPIER, now + 1h), created(3), deleted(3),
           created(4), created(4), renamed(5, "never created")});
    index_.save(path_, log_id);
  }

  std::string read() const {
    std::ifstream in(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Why the bytes are refused; empty where they are not.
  std::string refusal(const std::string& bytes, EventId log = log_id) const {
    std::filesystem::remove(path_);  // overwriting would flush the file to disk each time
    std::ofstream(path_, std::ios::binary) << bytes;
    AuthorizationIndex loaded(peppers_);
    const auto done = loaded.load(path_, log);
    if (done) return {};
    EXPECT_EQ(loaded.size(), 0U);
    EXPECT_EQ(loaded.checkpoint(), 0U);
    EXPECT_EQ(loaded.parked_streams(), 0U);
    return done.error();
  }

  const testing::TemporaryFolder folder_;
  const std::filesystem::path path_ = folder_.path() / "index";
};

TEST_F(AuthorizationSnapshotTest, a_loaded_index_equals_the_saved_one_and_goes_on_like_it) {
  AuthorizationIndex loaded(peppers_);
  ASSERT_TRUE(loaded.load(path_, log_id));
  EXPECT_FALSE(loaded.load(path_, log_id));
  EXPECT_EQ(loaded.checkpoint(), index_.checkpoint());
  EXPECT_EQ(loaded.size(), index_.size());
  EXPECT_EQ(loaded.parked(100), index_.parked(100));
  EXPECT_EQ(loaded.fingerprint(), index_.fingerprint());
  EXPECT_EQ(check_in(loaded, id_of(1), secret_of(1)).name, "one");
  EXPECT_EQ(check_in(loaded, id_of(2), secret_of(2)).verdict, Verdict::kRefused);
  EXPECT_EQ(check_in(loaded, id_of(4), secret_of(4)).verdict, Verdict::kRefused);
  const std::vector events{issued(2), renamed(3, "gone"), deleted(1), created(6)};
  loaded.apply(events);
  index_.apply(events);
  EXPECT_EQ(check_in(loaded, id_of(2), secret_of(2)).name, std::string(200, 'n'));
  EXPECT_EQ(check_in(loaded, id_of(2), secret_of(2)).verdict, Verdict::kAllowed);
  EXPECT_EQ(check_in(loaded, id_of(1), secret_of(1)).verdict, Verdict::kUnknown);
  EXPECT_EQ(loaded.fingerprint(), index_.fingerprint());
  EXPECT_FALSE(std::filesystem::exists(path_.string() + ".new"));
}

TEST_F(AuthorizationSnapshotTest, the_fingerprint_tells_content_and_not_its_history) {
  AuthorizationIndex other(peppers_);
  EXPECT_NE(other.fingerprint(), index_.fingerprint());
  last_ = 0;
  other.apply(std::vector{created(4), renamed(5, "never created")});
  last_ = 0;
  AuthorizationIndex same(peppers_);
  same.apply(std::vector{created(4, "first"), renamed(5, "never created"), renamed(4, "ci")});
  EXPECT_EQ(other.fingerprint(), same.fingerprint());
  same.apply(std::vector{renamed(4, "cj")});
  EXPECT_NE(other.fingerprint(), same.fingerprint());
}

TEST_F(AuthorizationSnapshotTest, every_truncation_and_every_flipped_bit_is_refused) {
  const auto good = read();
  ASSERT_EQ(refusal(good), "");
  for (std::size_t size = 0; size < good.size(); ++size) ASSERT_NE(refusal(good.substr(0, size)), "") << size;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    auto bad = good;
    bad[bit / 8] = static_cast<char>(bad[bit / 8] ^ (1 << bit % 8));
    ASSERT_NE(refusal(bad), "") << bit;
  }
  EXPECT_NE(refusal(good + '\0'), "");
  EXPECT_NE(refusal(good + good), "");
}

// The hash does not stop who writes it anew: what it covers must still be checked.
TEST_F(AuthorizationSnapshotTest, garbage_under_a_right_hash_does_no_harm) {
  const auto good = read();
  std::mt19937 random(3);
  for (int i = 0; i < 5'000; ++i) {
    auto bad = good.substr(0, good.size() - 32);
    for (auto flips = 1 + random() % 4; flips > 0; --flips)
      bad[random() % bad.size()] = static_cast<char>(random());
    if (random() % 4 == 0) bad.resize(random() % bad.size());
    std::array<unsigned char, 32> hash{};
    crypto_generichash(hash.data(), hash.size(), reinterpret_cast<const unsigned char*>(bad.data()),
                       bad.size(), nullptr, 0);
    bad.append(reinterpret_cast<const char*>(hash.data()), hash.size());
    refusal(bad);
  }
}

// The disk is a pipe here: who saves waits in the midst of it until somebody reads on.
TEST_F(AuthorizationSnapshotTest, is_of_one_moment_whatever_is_applied_while_a_slow_disk_takes_it) {
  constexpr std::uint32_t tokens = 1'600;
  std::vector<StoredEvent> events;
  for (std::uint32_t n = 10; n < tokens; ++n) events.push_back(created(n, std::string(1'000, 'n')));
  for (std::uint32_t n = 10; n < tokens; n += 7) events.push_back(granted(n, {1, 2}));
  index_.apply(events);
  const auto saved_before = index_.saved();
  const auto checkpoint = index_.checkpoint();
  const auto fingerprint = index_.fingerprint();
  const auto pipe = path_.string() + ".new";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread saving(
      [&] { EXPECT_THROW(index_.save(path_, log_id), std::system_error) << "a pipe has no disk"; });
  std::ifstream in(pipe, std::ios::binary);
  std::string bytes(1, static_cast<char>(in.get()));

  events.clear();
  for (std::uint32_t n = 10; n < 300; ++n) events.push_back(renamed(n, "another name"));
  for (std::uint32_t n = 300; n < 600; ++n) events.push_back(deleted(n));
  for (std::uint32_t n = 600; n < 900; ++n) events.push_back(revoked(n, {1}));
  for (std::uint32_t n = tokens; n < tokens + 300; ++n) events.push_back(created(n));
  for (std::uint32_t n = tokens; n < tokens + 150; ++n) events.push_back(deleted(n));
  events.push_back(created(11));  // parks its stream
  index_.apply(events);
  bytes.append(std::istreambuf_iterator<char>(in), {});
  saving.join();

  EXPECT_EQ(index_.saved(), saved_before) << "it is not on disk";
  std::filesystem::remove(path_);
  std::ofstream(path_, std::ios::binary) << bytes;
  AuthorizationIndex loaded(peppers_);
  ASSERT_TRUE(loaded.load(path_, log_id));
  EXPECT_EQ(loaded.checkpoint(), checkpoint);
  EXPECT_EQ(loaded.saved(), checkpoint);
  EXPECT_EQ(loaded.fingerprint(), fingerprint);
  loaded.apply(events);
  EXPECT_EQ(loaded.fingerprint(), index_.fingerprint());
  index_.save(path_, log_id);
  EXPECT_EQ(index_.saved(), index_.checkpoint());
  AuthorizationIndex again(peppers_);
  ASSERT_TRUE(again.load(path_, log_id));
  EXPECT_EQ(again.fingerprint(), index_.fingerprint());
}

TEST_F(AuthorizationSnapshotTest, refusals_name_their_reason) {
  auto newer = read();
  newer[8] = 5;
  EXPECT_THAT(refusal(newer), HasSubstr("format version 5"));
  EXPECT_THAT(refusal(read(), EventId{{9}}), HasSubstr("version 5"));
  index_.save(path_, log_id);
  EXPECT_THAT(refusal(read(), EventId{{9}}), HasSubstr("another log"));
  EXPECT_THAT(refusal("nonsense that is long enough to hold a hash"), HasSubstr("not a snapshot"));
  std::filesystem::remove(path_);
  AuthorizationIndex loaded(peppers_);
  EXPECT_FALSE(loaded.load(path_, log_id));
  EXPECT_THROW(index_.save(folder_.path() / "absent" / "index", log_id), std::system_error);
}

}  // namespace
}  // namespace mintmark::authorization_snapshot_test
