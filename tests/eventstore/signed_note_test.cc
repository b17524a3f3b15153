#include "eventstore/signed_note.h"

#include <algorithm>
#include <cctype>
#include <string>

#include <gtest/gtest.h>
#include <sodium.h>

namespace mintmark::testing::signed_note_test {
namespace {

// The example of golang.org/x/mod/sumdb/note, which signed notes come from.
constexpr std::string_view neumann_key = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW";
constexpr std::string_view neumann_seed = "gQoUAtUUbI2E8kQzMPVAgOv5juF9nHT2JS/F1ccoMXM=";
constexpr std::string_view neumann_text =
    "If you think cryptography is the answer to your problem,\n"
    "then you don't know what your problem is.\n";
const std::string neumann_note =
    std::string(neumann_text) +
    "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyB"
    "wJnAM=\n";

SigningSeed seed_of(std::uint8_t byte) {
  SigningSeed seed{};
  seed.fill(byte);
  return seed;
}

TEST(SignedNote, OpensTheOriginalsExample) {
  const auto verifier = NoteVerifier::parse(neumann_key);
  ASSERT_TRUE(verifier);
  EXPECT_EQ(verifier->name(), "PeterNeumann");
  EXPECT_EQ(verifier->text(), neumann_key);
  EXPECT_EQ(verifier->open(neumann_note), neumann_text);
}

TEST(SignedNote, OpensWhatItSignedAmongOtherSignatures) {
  const NoteSigner one("one", seed_of(1));
  const NoteSigner two("two", seed_of(2));
  const auto note = one.sign("a\nb\n");
  EXPECT_EQ(one.verifier().open(note), "a\nb\n");
  EXPECT_EQ(two.verifier().open(note), std::nullopt);
  const auto second_line = two.sign("a\nb\n").substr(std::string_view("a\nb\n\n").size());
  EXPECT_EQ(one.verifier().open(note + second_line), "a\nb\n");
  EXPECT_EQ(two.verifier().open(note + second_line), "a\nb\n");
  EXPECT_EQ(NoteVerifier::parse(one.verifier().text()), one.verifier());
}

TEST(SignedNote, RefusesAnyFlippedBit) {
  const auto verifier = *NoteVerifier::parse(neumann_key);
  for (std::size_t i = 0; i < neumann_note.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      auto flipped = neumann_note;
      flipped[i] = static_cast<char>(flipped[i] ^ (1 << bit));
      EXPECT_EQ(verifier.open(flipped), std::nullopt) << i << ", bit " << bit;
    }
  }
  for (std::size_t length = 0; length < neumann_note.size(); ++length)
    EXPECT_EQ(verifier.open(neumann_note.substr(0, length)), std::nullopt) << length;
}

TEST(SignedNote, RefusesKeysThatAreNotOfTheForm) {
  for (const auto* text : {"", "+", "++", "PeterNeumann", "PeterNeumann+c74f20a3", "PeterNeumann+c74f20a3+",
                           "+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                           "PeterNeumann+c74f20a4+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                           "Peter Neumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                           "PeterNeumann+c74f20a3+AhpC2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW",
                           "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10T"}) {
    EXPECT_FALSE(NoteVerifier::parse(text)) << text;
  }
}

TEST(SignedNote, WritesBase64AsTheStandardHasIt) {
  // RFC 4648, section 10.
  EXPECT_EQ(base64("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64("fooba"), "Zm9vYmE=");
  EXPECT_EQ(base64(""), "");
  EXPECT_EQ(decode_base64("Zm9vYmE="), "fooba");
  EXPECT_EQ(decode_base64("Zm9vYmE"), std::nullopt);
  for (int byte = 0; byte < 256; ++byte) {
    const bool in_alphabet = std::isalnum(byte) || byte == '+' || byte == '/';
    EXPECT_EQ(decode_base64("Zm9v" + std::string(1, static_cast<char>(byte)) + "mE=").has_value(),
              in_alphabet && byte < 0x80)
        << byte;
  }
}

TEST(SignedNote, SignsAsTheOriginalDoes) {
  // Ed25519 is deterministic: the same seed must give the same note, to the byte.
  const auto seed_bytes = decode_base64(neumann_seed);
  ASSERT_TRUE(seed_bytes);
  SigningSeed seed{};
  ASSERT_EQ(seed_bytes->size(), seed.size());
  std::ranges::copy(*seed_bytes, reinterpret_cast<char*>(seed.data()));
  EXPECT_EQ(NoteSigner("PeterNeumann", seed).sign(neumann_text), neumann_note);
}

}  // namespace
}  // namespace mintmark::testing::signed_note_test
