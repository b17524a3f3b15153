#include "domain/session.h"

namespace mintmark {
namespace {

using Events = std::vector<Event>;

}  // namespace

Result<Events> decide(const Session& session, const OpenSession& command) {
  if (session.user) return fail(ErrorKind::kConflict, "This session exists.");
  Event event;
  auto& opened = *event.mutable_session_opened();
  opened.set_user_id(command.user.text());
  opened.set_account_id(command.account.text());
  opened.set_secret_hash(command.secret_hash);
  opened.set_expires_at_us(command.expires_at.time_since_epoch().count());
  return Events{event};
}

Result<Events> decide(const Session& session, const CloseSession&) {
  if (!session.open) return Events{};
  Event event;
  event.mutable_session_closed();
  return Events{event};
}

void evolve(Session& session, const Event& event) {
  if (event.has_session_opened()) {
    const auto& opened = event.session_opened();
    session.open = true;
    session.user = UserId::parse(opened.user_id());
    session.account = AccountId::parse(opened.account_id());
    session.expires_at = Time(std::chrono::microseconds(opened.expires_at_us()));
  } else if (event.has_session_closed()) {
    session.open = false;
  }
}

}  // namespace mintmark
