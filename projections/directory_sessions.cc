#include "domain/limits.h"
#include "projections/directory_rows.h"

namespace mintmark::directory_rows {
namespace {

SessionIdsRow sessions_of(UserId user, RowWriter& rows) {
  return parse<SessionIdsRow>(rows.get(number_key('o', user.value()))).value_or(SessionIdsRow());
}

void put_sessions(UserId user, const SessionIdsRow& row, RowWriter& rows) {
  const auto key = number_key('o', user.value());
  if (row.session_ids().empty()) {
    rows.erase(key);
  } else {
    rows.put(key, row.SerializeAsString());
  }
}

// Keeps the sessions that `wanted` answers true for, and erases the rows of the others.
template <class Wanted>
SessionIdsRow keep_sessions(UserId user, RowWriter& rows, Wanted wanted) {
  SessionIdsRow kept;
  const auto present = sessions_of(user, rows);
  for (const auto& id : present.session_ids()) {
    if (wanted(id)) {
      kept.add_session_ids(id);
    } else {
      rows.erase(text_key('s', id));
    }
  }
  return kept;
}

}  // namespace

Result<void> open_session(const Recorded& recorded, RowWriter& rows) {
  const auto& opened = recorded.event().session_opened();
  const auto user = UserId::parse(opened.user_id());
  if (!user) return cannot_apply("its user's id is malformed");
  const auto user_key = number_key('u', user->value());
  auto user_row = parse<UserRow>(rows.get(user_key));
  if (!user_row || user_row->inactive() || user_row->erased()) return {};
  user_row->set_signed_in_at_us(recorded.recorded_at_us());
  rows.put(user_key, user_row->SerializeAsString());

  auto ids = keep_sessions(*user, rows, [&](const std::string& id) {
    const auto row = parse<SessionRow>(rows.get(text_key('s', id)));
    return row && row->expires_at_us() > recorded.recorded_at_us();
  });
  if (static_cast<std::size_t>(ids.session_ids_size()) >= limits::sessions_per_user_max) {
    rows.erase(text_key('s', ids.session_ids(0)));
    ids.mutable_session_ids()->erase(ids.session_ids().begin());
  }
  ids.add_session_ids(opened.secret_hash());
  put_sessions(*user, ids, rows);

  SessionRow row;
  row.set_user_id(opened.user_id());
  row.set_account_id(opened.account_id());
  row.set_expires_at_us(opened.expires_at_us());
  row.set_session_id(opened.secret_hash());
  row.set_created_at_us(recorded.recorded_at_us());
  row.set_client_ip(recorded.client_ip());
  rows.put(text_key('s', opened.secret_hash()), row.SerializeAsString());
  return {};
}

void close_session(std::string_view session_id, RowWriter& rows) {
  const auto row = parse<SessionRow>(rows.get(text_key('s', session_id)));
  const auto user = row ? UserId::parse(row->user_id()) : std::nullopt;
  if (!user) return;
  const auto ids = keep_sessions(*user, rows, [&](const std::string& id) { return id != session_id; });
  put_sessions(*user, ids, rows);
}

void end_sessions(UserId user, std::string_view kept, RowWriter& rows) {
  const auto ids = keep_sessions(user, rows, [&](const std::string& id) { return id == kept; });
  put_sessions(user, ids, rows);
}

}  // namespace mintmark::directory_rows
