#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/ids.h"
#include "eventstore/vault.h"
#include "projections/row_projection.h"
#include "projections/rows.pb.h"

namespace mintmark {

// Who there is: accounts, their users, how people sign in and their open sessions. It reads names and e-mail
// addresses out of their seals, so a person whose data key is destroyed has empty ones.
class Directory final : public RowProjection {
 public:
  static constexpr std::string_view projection_name = "directory";

  // `vault` must outlive the directory.
  Directory(View view, Vault& vault) : RowProjection(view), vault_(vault) {}
  std::string_view name() const override { return projection_name; }

  // Thread-safe; they block on disk.
  // Those that are not closed.
  std::optional<AccountRow> account(AccountId id) const;
  std::vector<AccountRow> accounts() const;
  bool is_closed(AccountId id) const;
  // Also one who was erased.
  std::optional<UserRow> user(UserId id) const;
  // The account's users who were not erased, in the order they were added.
  std::vector<UserRow> users(AccountId account) const;
  // Whether they are the account's, or were until they were erased: looks through the account's own alone.
  bool belongs(UserId id, AccountId account) const;
  // By Peppers::name_hash("email", address in lower case).
  std::optional<UserId> user_by_email(std::string_view email_hash) const;
  // The user's Argon2id hash; nothing where no password is set or the user was erased.
  std::optional<std::string> password_hash(UserId id) const;
  // By Peppers::name_hash("session", cookie). Also an expired one; nothing once closed.
  std::optional<SessionRow> session(std::string_view secret_hash) const;
  // Whether the session is the user's: looks through the user's own alone.
  bool has_session(UserId user, std::string_view session_id) const;
  // The user's open sessions, oldest first; perhaps expired ones among them.
  std::vector<SessionRow> sessions(UserId user) const;

 private:
  Result<void> apply_event(const StoredEvent& event, RowWriter& rows) override;
  // A person whose stream is parked is signed out and cannot sign in.
  void refuse_parked(const Recorded& recorded, RowWriter& rows) override;
  Result<void> add_user(const Recorded& recorded, RowWriter& rows);
  Result<void> update_user(const Recorded& recorded, RowWriter& rows);
  // Name and address out of their seal, none where the data key is destroyed.
  Result<void> read_profile(const Recorded& recorded, const Sealed& sealed, UserRow& row);

  Vault& vault_;
};

}  // namespace mintmark
