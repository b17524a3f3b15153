#include "domain/account.h"

#include "domain/fields.h"
#include "domain/limits.h"

namespace mintmark {

using Events = std::vector<Event>;

Result<Events> decide(const Account& account, const OpenAccount& command) {
  if (account.exists) return fail(ErrorKind::kConflict, "id: This account id is taken.");
  FieldErrors errors;
  errors.check_required_text("name", command.name, limits::account_name_max);
  if (errors.any()) return std::move(errors).error();
  Event event;
  auto& opened = *event.mutable_account_opened();
  opened.set_account_id(command.id.text());
  opened.set_name(command.name);
  return Events{event};
}

Result<Events> decide(const Account& account, const UpdateAccount& command) {
  if (!account.exists) return fail(ErrorKind::kNotFound, "Account not found.");
  FieldErrors errors;
  if (command.name) errors.check_required_text("name", *command.name, limits::account_name_max);
  if (command.description)
    errors.check_text("description", *command.description, limits::account_description_max);
  if (command.external_id)
    errors.check_text("external_id", *command.external_id, limits::account_external_id_max);
  if (command.brand) errors.check_text("brand", *command.brand, limits::account_brand_max);
  if (errors.any()) return std::move(errors).error();

  Event event;
  auto& updated = *event.mutable_account_updated();
  bool changes = false;
  if (command.name && *command.name != account.name) updated.set_name(*command.name), changes = true;
  if (command.description && *command.description != account.description) {
    updated.set_description(*command.description), changes = true;
  }
  if (command.external_id && *command.external_id != account.external_id) {
    updated.set_external_id(*command.external_id), changes = true;
  }
  if (command.brand && *command.brand != account.brand) updated.set_brand(*command.brand), changes = true;
  return changes ? Events{event} : Events{};
}

void evolve(Account& account, const Event& event) {
  if (event.has_account_opened()) {
    account.exists = true;
    account.name = event.account_opened().name();
  } else if (event.has_account_updated()) {
    const auto& updated = event.account_updated();
    if (updated.has_name()) account.name = updated.name();
    if (updated.has_description()) account.description = updated.description();
    if (updated.has_external_id()) account.external_id = updated.external_id();
    if (updated.has_brand()) account.brand = updated.brand();
  }
}

}  // namespace mintmark
