#pragma once

#include <atomic>
#include <cstddef>

namespace mintmark::testing {

// In an executable with quick_passwords.cc, which stands before libsodium's crypto_pwhash_str(), passwords
// are hashed with the least work there is: tests that sign people in would do little else. A hash says how
// much work it takes, so checking one is quick too. What the product asked for last is kept here.
struct PasswordWork {
  std::atomic<unsigned long long> operations;
  std::atomic<std::size_t> memory_bytes;
};
extern PasswordWork password_work;

}  // namespace mintmark::testing
