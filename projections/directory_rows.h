#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "domain/ids.h"
#include "projections/row_keys.h"
#include "projections/row_projection.h"
#include "projections/rows.pb.h"

// The directory's keys, for its own files alone:
//   a account → AccountRow         u user → UserRow                m account, added position → user
//   e e-mail hash → user           p user → CredentialsRow         s session hash → SessionRow
//   o user → SessionIdsRow
namespace mintmark::directory_rows {

inline std::string text_key(char table, std::string_view text) {
  return std::string(1, table).append(text);
}

inline std::string member_key(AccountId account, Position position) {
  auto key = number_key('m', account.code());
  put_big_endian(key, position);
  return key;
}

template <class Row>
std::optional<Row> parse(const std::optional<std::string>& stored) {
  Row row;
  if (!stored || !row.ParseFromString(*stored)) return std::nullopt;
  return row;
}

template <class Id>
std::optional<Id> id_of_stream(std::string_view stream) {
  return Id::parse(stream.substr(stream.find('-') + 1));
}

// Sessions (directory_sessions.cc). Opening one clears away those of its user that have expired by then, and
// the oldest where there are limits::sessions_per_user_max; it does nothing where its user is not active.
Result<void> open_session(const Recorded& recorded, RowWriter& rows);
void close_session(std::string_view session_id, RowWriter& rows);
// All of the user's but `kept`.
void end_sessions(UserId user, std::string_view kept, RowWriter& rows);

}  // namespace mintmark::directory_rows
