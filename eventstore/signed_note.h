#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

// Signed notes (C2SP signed-note, https://c2sp.org/signed-note): a text, an empty line, and signature lines
// "— NAME BASE64" whose bytes are a key id of 4 bytes and an Ed25519 signature (RFC 8032) over the text.
namespace mintmark {

using SigningSeed = std::array<std::uint8_t, 32>;

// Who signs, for everybody to know. Immutable.
class NoteVerifier {
 public:
  // `name` is not empty and holds neither space nor plus sign.
  NoteVerifier(std::string name, const std::array<std::uint8_t, 32>& public_key);
  // From the form that text() gives; nothing where it is not that, or its key id does not fit.
  static std::optional<NoteVerifier> parse(std::string_view text);

  // NAME+KEYID+BASE64: the key id in 8 hex characters, then an algorithm byte and the public key.
  std::string text() const;
  const std::string& name() const { return name_; }
  const std::string& key_id() const { return key_id_; }  // 4 bytes

  // The note's text, up to and including its last newline, where this key signed it. Lines of other keys do
  // not matter.
  std::optional<std::string_view> open(std::string_view note) const;

  bool operator==(const NoteVerifier&) const = default;

 private:
  std::string name_;
  std::array<std::uint8_t, 32> public_key_;
  std::string key_id_;
};

// Who can sign. Immutable; wipes its key.
class NoteSigner {
 public:
  NoteSigner(std::string name, const SigningSeed& seed);
  ~NoteSigner();
  NoteSigner(const NoteSigner&) = delete;
  NoteSigner& operator=(const NoteSigner&) = delete;

  const NoteVerifier& verifier() const { return verifier_; }
  // The signed note of a text, which ends with a newline and holds no empty line.
  std::string sign(std::string_view text) const;

 private:
  struct Keys;
  NoteSigner(std::string name, const Keys& keys);

  std::array<std::uint8_t, 64> secret_key_;
  NoteVerifier verifier_;
};

// RFC 4648, section 4, with padding. Nothing where the text is not exactly that.
std::string base64(std::string_view bytes);
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace mintmark
