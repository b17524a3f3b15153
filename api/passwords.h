#pragma once

#include <string>

#include "eventstore/random.h"

namespace mintmark {

// Argon2id (RFC 9106) through libsodium, in its own string form. Both take some 50 ms and 64 MiB: call them
// on a thread of Services::hashing, of which there are so few that memory is bounded.
std::string hash_password(const std::string& password);
bool password_matches(const std::string& hash, const std::string& password);

// Takes as long as a comparison and never matches: for addresses that nobody has.
void pretend_to_match(const std::string& password);

// 20 characters, some 117 bits, without those that look alike.
std::string generate_password(Random& random);

}  // namespace mintmark
