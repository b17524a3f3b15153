#include "domain/account.h"

#include <algorithm>
#include <string_view>
#include <utility>

#include "domain/fields.h"
#include "domain/limits.h"

namespace mintmark {

namespace {

using Events = std::vector<Event>;

bool is_open(const Account& account) {
  return account.exists && !account.closed;
}

void check_list(std::string_view field, const StringList& list, FieldErrors& errors) {
  if (static_cast<std::size_t>(list.values_size()) > limits::account_list_items_max) {
    return errors.add(field, fmt::format("Give no more than {}.", limits::account_list_items_max));
  }
  for (const auto& value : list.values())
    errors.check_required_text(field, value, limits::account_list_text_max);
}

bool same(const StringList& a, const StringList& b) {
  return std::ranges::equal(a.values(), b.values());
}

// Takes over the fields that `from` has.
void apply(const AccountDetailsUpdated& from, AccountDetailsUpdated& to) {
  if (from.has_overview()) to.set_overview(from.overview());
  if (from.has_headquarters()) to.set_headquarters(from.headquarters());
  if (from.has_is_public()) to.set_is_public(from.is_public());
  if (from.has_countries()) *to.mutable_countries() = from.countries();
  if (from.has_languages()) *to.mutable_languages() = from.languages();
  if (from.has_websites()) *to.mutable_websites() = from.websites();
  if (from.has_industries()) *to.mutable_industries() = from.industries();
}

}  // namespace

Result<Events> decide(const Account& account, const OpenAccount& command) {
  if (account.exists) return fail(ErrorKind::kTaken, "id: This account id is taken.");
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
  if (!is_open(account)) return not_found("Account");
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

Result<Events> decide(const Account& account, const UpdateAccountDetails& command) {
  if (!is_open(account)) return not_found("Account");
  const auto& wanted = command.details;
  const auto& now = account.details;
  FieldErrors errors;
  errors.check_text("overview", wanted.overview(), limits::account_overview_max);
  errors.check_text("headquarters", wanted.headquarters(), limits::account_headquarters_max);
  check_list("countries", wanted.countries(), errors);
  check_list("languages", wanted.languages(), errors);
  check_list("websites", wanted.websites(), errors);
  check_list("industries", wanted.industries(), errors);
  if (errors.any()) return std::move(errors).error();
  AccountDetailsUpdated changed = wanted;
  if (wanted.overview() == now.overview()) changed.clear_overview();
  if (wanted.headquarters() == now.headquarters()) changed.clear_headquarters();
  if (wanted.has_is_public() && now.has_is_public() && wanted.is_public() == now.is_public())
    changed.clear_is_public();
  if (same(wanted.countries(), now.countries())) changed.clear_countries();
  if (same(wanted.languages(), now.languages())) changed.clear_languages();
  if (same(wanted.websites(), now.websites())) changed.clear_websites();
  if (same(wanted.industries(), now.industries())) changed.clear_industries();
  if (changed.ByteSizeLong() == 0) return Events{};
  Event event;
  *event.mutable_account_details_updated() = std::move(changed);
  return Events{event};
}

Result<Events> decide(const Account& account, const MarkPartner&) {
  if (!is_open(account)) return not_found("Account");
  if (account.partner) return Events{};
  Event event;
  event.mutable_partner_marked();
  return Events{event};
}

Result<Events> decide(const Account& account, const CloseAccount& command) {
  if (!is_open(account)) return not_found("Account");
  std::vector<std::string> reasons;
  if (command.tokens > 0) {
    reasons.push_back(fmt::format("The account has {} tokens; delete them first.", command.tokens));
  }
  if (command.webhooks > 0) {
    reasons.push_back(fmt::format("The account has {} webhooks; delete them first.", command.webhooks));
  }
  if (command.other_users > 0) {
    reasons.push_back(fmt::format("The account has {} other users; delete them first.", command.other_users));
  }
  if (!reasons.empty()) return std::unexpected(Error{ErrorKind::kConflict, std::move(reasons)});
  Event event;
  event.mutable_account_closed();
  return Events{event};
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
  } else if (event.has_account_details_updated()) {
    apply(event.account_details_updated(), account.details);
  } else if (event.has_account_closed()) {
    account.closed = true;
  } else if (event.has_partner_marked()) {
    account.partner = true;
  }
}

}  // namespace mintmark
