#include "api/token_role.h"

namespace mintmark {

Role role_of_token(const Services& services, AccountId account, const Actor& creator) {
  if (creator.kind() == Actor::OPERATOR) return OWNER;
  const auto id = creator.kind() == Actor::USER ? UserId::parse(creator.id()) : std::nullopt;
  const auto user = id ? services.directory.user(*id) : std::nullopt;
  const bool counts = user && !user->erased() && user->account_id() == account.text();
  return counts ? user->role() : MEMBER;
}

Role role_of_token(const Services& services, AccountId account, TokenId token) {
  const auto row = services.token_list.find(token);
  return row ? role_of_token(services, account, row->created().by()) : MEMBER;
}

bool is_within(Role token, Role caller) {
  const auto reach = [](Role role) { return role == OWNER ? 2 : role == MEMBER ? 1 : 0; };
  return reach(token) <= reach(caller);
}

}  // namespace mintmark
