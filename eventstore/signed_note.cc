#include "eventstore/signed_note.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <openssl/sha.h>
#include <sodium.h>

#include "eventstore/bytes.h"

namespace mintmark {
namespace {

constexpr char ed25519 = 1;  // the algorithm byte of signed notes
constexpr std::size_t key_id_bytes = 4;
constexpr std::string_view signature_mark = "\xE2\x80\x94 ";  // em dash, space

std::string_view view_of(const std::array<std::uint8_t, 32>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

std::string key_id_of(std::string_view name, const std::array<std::uint8_t, 32>& public_key) {
  std::string hashed(name);
  hashed += '\n';
  hashed += ed25519;
  hashed += view_of(public_key);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash{};
  SHA256(unsigned_bytes(hashed), hashed.size(), hash.data());
  return {reinterpret_cast<const char*>(hash.data()), key_id_bytes};
}

std::string hex_of(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) text += fmt::format("{:02x}", static_cast<std::uint8_t>(byte));
  return text;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text(sodium_base64_ENCODED_LEN(bytes.size(), sodium_base64_VARIANT_ORIGINAL), '\0');
  sodium_bin2base64(text.data(), text.size(), unsigned_bytes(bytes), bytes.size(),
                    sodium_base64_VARIANT_ORIGINAL);
  text.pop_back();  // its NUL
  return text;
}

std::optional<std::string> decode_base64(std::string_view text) {
  // libsodium takes some bytes beyond ASCII for letters.
  const auto is_ascii = [](char c) { return static_cast<unsigned char>(c) < 0x80; };
  if (!std::ranges::all_of(text, is_ascii)) return std::nullopt;
  std::string bytes(text.size(), '\0');
  std::size_t size = 0;
  const int outcome =
      sodium_base642bin(reinterpret_cast<unsigned char*>(bytes.data()), bytes.size(), text.data(),
                        text.size(), nullptr, &size, nullptr, sodium_base64_VARIANT_ORIGINAL);
  if (outcome != 0) return std::nullopt;
  bytes.resize(size);
  return bytes;
}

NoteVerifier::NoteVerifier(std::string name, const std::array<std::uint8_t, 32>& public_key)
    : name_(std::move(name)), public_key_(public_key), key_id_(key_id_of(name_, public_key_)) {}

std::optional<NoteVerifier> NoteVerifier::parse(std::string_view text) {
  // The name holds no plus sign, the base64 behind the second one may.
  const auto first = text.find('+');
  const auto second = first == std::string_view::npos ? first : text.find('+', first + 1);
  if (second == std::string_view::npos || first == 0) return std::nullopt;
  const auto name = text.substr(0, first);
  const auto key = decode_base64(text.substr(second + 1));
  if (name.find_first_of(" \n") != std::string_view::npos) return std::nullopt;
  if (!key || key->size() != 33 || key->front() != ed25519) return std::nullopt;
  std::array<std::uint8_t, 32> public_key{};
  std::ranges::copy(key->substr(1), reinterpret_cast<char*>(public_key.data()));
  NoteVerifier verifier(std::string(name), public_key);
  if (text.substr(first + 1, second - first - 1) != hex_of(verifier.key_id_)) return std::nullopt;
  return verifier;
}

std::string NoteVerifier::text() const {
  return fmt::format("{}+{}+{}", name_, hex_of(key_id_),
                     base64(std::string(1, ed25519) + std::string(view_of(public_key_))));
}

std::optional<std::string_view> NoteVerifier::open(std::string_view note) const {
  const auto split = note.rfind("\n\n");
  if (split == std::string_view::npos || !note.ends_with('\n')) return std::nullopt;
  const auto signed_text = note.substr(0, split + 1);
  auto lines = note.substr(split + 2);
  while (!lines.empty()) {
    auto line = lines.substr(0, lines.find('\n'));
    lines.remove_prefix(line.size() + 1);
    if (!line.starts_with(signature_mark)) return std::nullopt;
    line.remove_prefix(signature_mark.size());
    const auto space = line.find(' ');
    if (space == std::string_view::npos) return std::nullopt;
    const auto signature = decode_base64(line.substr(space + 1));
    if (!signature || signature->size() < key_id_bytes) return std::nullopt;
    if (line.substr(0, space) != name_ || signature->substr(0, key_id_bytes) != key_id_) continue;
    const bool valid =
        signature->size() == key_id_bytes + crypto_sign_BYTES &&
        crypto_sign_verify_detached(unsigned_bytes(std::string_view(*signature).substr(key_id_bytes)),
                                    unsigned_bytes(signed_text), signed_text.size(), public_key_.data()) == 0;
    return valid ? std::optional(signed_text) : std::nullopt;
  }
  return std::nullopt;
}

struct NoteSigner::Keys {
  explicit Keys(const SigningSeed& seed) {
    crypto_sign_seed_keypair(public_key.data(), secret_key.data(), seed.data());
  }
  ~Keys() { sodium_memzero(secret_key.data(), secret_key.size()); }
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  std::array<std::uint8_t, crypto_sign_PUBLICKEYBYTES> public_key{};
  std::array<std::uint8_t, crypto_sign_SECRETKEYBYTES> secret_key{};
};

NoteSigner::NoteSigner(std::string name, const SigningSeed& seed) : NoteSigner(std::move(name), Keys(seed)) {}

NoteSigner::NoteSigner(std::string name, const Keys& keys)
    : secret_key_(keys.secret_key), verifier_(std::move(name), keys.public_key) {}

NoteSigner::~NoteSigner() {
  sodium_memzero(secret_key_.data(), secret_key_.size());
}

std::string NoteSigner::sign(std::string_view text) const {
  std::array<unsigned char, crypto_sign_BYTES> signature{};
  crypto_sign_detached(signature.data(), nullptr, unsigned_bytes(text), text.size(), secret_key_.data());
  const auto bytes =
      verifier_.key_id() + std::string(reinterpret_cast<const char*>(signature.data()), signature.size());
  return fmt::format("{}\n{}{} {}\n", text, signature_mark, verifier_.name(), base64(bytes));
}

}  // namespace mintmark
