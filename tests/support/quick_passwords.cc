#include "tests/support/quick_passwords.h"

#include <sodium.h>

namespace mintmark::testing {

PasswordWork password_work;

}  // namespace mintmark::testing

// As libsodium declares it.
extern "C" int crypto_pwhash_str(char out[crypto_pwhash_STRBYTES], const char* const passwd,
                                 unsigned long long passwdlen, unsigned long long opslimit, size_t memlimit) {
  mintmark::testing::password_work.operations = opslimit;
  mintmark::testing::password_work.memory_bytes = memlimit;
  return crypto_pwhash_argon2id_str(out, passwd, passwdlen, crypto_pwhash_argon2id_OPSLIMIT_MIN,
                                    crypto_pwhash_argon2id_MEMLIMIT_MIN);
}
