#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include <boost/json/array.hpp>
#include <boost/json/monotonic_resource.hpp>
#include <boost/json/object.hpp>
#include <boost/json/storage_ptr.hpp>
#include <boost/json/string.hpp>
#include <boost/json/value.hpp>

#include "api/services.h"
#include "domain/events.pb.h"
#include "domain/token.h"
#include "domain/user.h"
#include "projections/rows.pb.h"

// Rows as the contract shows them. Each looks up the names that it needs: they block on disk.
namespace mintmark {

// A time in microseconds since 1970, as in answers.
boost::json::string represent_time(std::int64_t microseconds);

// Whose eyes it is for: an account's; without one the operator's, who sees everybody.
using Viewer = std::optional<AccountId>;

// Who did it: {id, name, email}, and of a user the status: active, inactive or deleted. Names of people who
// were erased, of tokens that are deleted, and of whoever is another account's than the viewer's, are empty;
// of the last there is no status either.
boost::json::object represent_actor(const Services& services, const Actor& actor, const Viewer& viewer);

// As its account sees it. `token`, `handle` and `renewed_token` are null; the answers to creation put the
// value in.
boost::json::object represent_token(const Services& services, const TokenRow& row, Time now);

// What the representations of one answer have in common: the names of accounts, extensions and actors that
// rows do not have themselves, each looked up once, when tokens were used last, and the memory, which is
// freed with the last of them. It blocks on disk.
class NameCache {
 public:
  // `services` must outlive it.
  NameCache(const Services& services, const Viewer& viewer) : services_(services), viewer_(viewer) {}

  const std::string& account(const std::string& account_id);
  const std::string& extension(ExtensionId id);
  const boost::json::object& actor(const Actor& actor);
  // The newest use that is recorded or remembered; null where there is none.
  boost::json::value last_use(const TokenRow& row) const;
  const boost::json::storage_ptr& storage() const { return storage_; }

 private:
  const Services& services_;
  const Viewer viewer_;
  const boost::json::storage_ptr storage_ =
      boost::json::make_shared_resource<boost::json::monotonic_resource>();
  std::unordered_map<std::string, std::string> accounts_;
  std::unordered_map<ExtensionId, std::string> extensions_;
  std::unordered_map<std::string, boost::json::object> actors_;
};
boost::json::object represent_token(NameCache& names, const TokenRow& row, Time now);
// What the token was granted, by module.
boost::json::array represent_permissions(NameCache& names, const TokenRow& row);
// TP-160-984-824-0007: that token's permission on MD-0007.
std::string permission_id(TokenId token, std::uint32_t module);
boost::json::object represent_account(const Services& services, const AccountRow& row, const Viewer& viewer);
boost::json::object represent_user(const Services& services, const UserRow& row, const Viewer& viewer);
// One that everybody has, and an account's own.
boost::json::object represent_extension(Extension extension);
boost::json::object represent_extension(NameCache& names, const ExtensionRow& row);

// The groups of users that the contract speaks of are our three roles, each under an id that never changes:
// UG-000-001 owner, UG-000-002 member, UG-000-003 auditor.
std::string_view group_id(Role role);
std::optional<Role> role_of_group(std::string_view id);

}  // namespace mintmark
