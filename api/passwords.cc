#include "api/passwords.h"

#include <array>
#include <new>
#include <string_view>

#include <sodium.h>

namespace mintmark {

std::string hash_password(const std::string& password) {
  std::array<char, crypto_pwhash_STRBYTES> hash{};
  if (crypto_pwhash_str(hash.data(), password.data(), password.size(), crypto_pwhash_OPSLIMIT_INTERACTIVE,
                        crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0) {
    throw std::bad_alloc();
  }
  return hash.data();
}

bool password_matches(const std::string& hash, const std::string& password) {
  return crypto_pwhash_str_verify(hash.c_str(), password.data(), password.size()) == 0;
}

void pretend_to_match(const std::string& password) {
  static const std::string nobodys = hash_password("nobody has this password");
  password_matches(nobodys, password);
}

std::string generate_password(Random& random) {
  constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  std::string password;
  for (int i = 0; i < 20; ++i)
    password += alphabet[random.below(static_cast<std::uint32_t>(alphabet.size()))];
  return password;
}

}  // namespace mintmark
