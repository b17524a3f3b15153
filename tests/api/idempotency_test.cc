#include <string>

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include "tests/support/api_instance.h"

// What the log keeps of a request that came with an Idempotency-Key.
namespace mintmark {
namespace {

using http::RequestBuilder;
using namespace ::mintmark::testing;

std::string sha256(const std::string& text) {
  std::string hash(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(),
         reinterpret_cast<unsigned char*>(hash.data()));
  return hash;
}

class IdempotencyTest : public ::testing::Test {
 protected:
  http::Response rename(const std::string& body) {
    return instance_.call(RequestBuilder("PUT", path_)
                              .header("Authorization", "ApiKey " + created_.value.key->text())
                              .header("Content-Type", "application/json")
                              .header("Idempotency-Key", "once")
                              .body(body));
  }

  ApiInstance instance_;
  const AccountId account_ = instance_.open_account("Acme");
  const CreatedToken created_ = instance_.create_token(account_);
  const TokenId id_ = created_.value.key->id;
  const std::string path_ = "/public/v1/auth/tokens/" + id_.text();
};

TEST_F(IdempotencyTest, TheHashOfARequestIsKeyed) {
  const std::string body = R"({"name":"guessable"})";
  ASSERT_EQ(rename(body).status, 200);
  const auto recorded = instance_.memory.read(instance_.memory.head() - 1, 1).front().recorded;
  const auto text = "PUT\n" + path_ + "\n" + body;
  EXPECT_EQ(recorded.request_hash(), instance_.peppers.name_hash("request", text));
  EXPECT_NE(recorded.request_hash(), sha256(text));
}

TEST_F(IdempotencyTest, AKeyInALogOfAnEarlierVersionStillTellsWhatItDid) {
  const std::string body = R"({"name":"new"})";
  AppendRequest earlier;
  earlier.streams.push_back({stream_of(id_), 1, {{instance_.random.event_id({}), token_renamed("new")}}});
  earlier.idempotency_key = IdempotencyKey{
      sha256(std::to_string(account_.code()) + ":" + id_.text() + ":once"),
      sha256("PUT\n" + path_ + "\n" + body),
  };
  ASSERT_TRUE(append_and_wait(instance_.memory, std::move(earlier)));
  const auto head = instance_.memory.head();
  const auto repeated = rename(body);
  EXPECT_EQ(repeated.status, 200) << repeated.body;
  EXPECT_EQ(header_of(repeated, "Mintmark-Position"), std::to_string(head));
  EXPECT_EQ(rename(R"({"name":"other"})").status, 409);
  EXPECT_EQ(instance_.memory.head(), head);
}

}  // namespace
}  // namespace mintmark
