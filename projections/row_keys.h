#pragma once

#include <cstdint>
#include <string>

#include "domain/ids.h"
#include "eventstore/bytes.h"
#include "eventstore/event_log.h"

// Keys of rows: a letter for the table, then what orders them.
namespace mintmark {

inline std::string number_key(char table, std::uint64_t number) {
  std::string key(1, table);
  put_big_endian(key, number);
  return key;
}

// What belongs to an account, in the order in which it was created.
inline std::string account_prefix(AccountId account) {
  return number_key('a', account.code());
}
inline std::string account_key(AccountId account, Position created) {
  auto key = account_prefix(account);
  put_big_endian(key, created);
  return key;
}

}  // namespace mintmark
