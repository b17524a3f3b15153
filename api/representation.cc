#include "api/representation.h"

#include <algorithm>

#include <fmt/format.h>

#include "projections/token_row.h"
#include "projections/token_status.h"
#include "worker/attempts.h"
#include "worker/job_key.h"

namespace mintmark {
namespace {

namespace json = boost::json;

json::value text_or_null(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(text);
}

json::object represent_created(const Services& services, const Created& created, const Viewer& viewer) {
  return {{"at", represent_time(created.at_us())}, {"by", represent_actor(services, created.by(), viewer)}};
}

bool sees(const Viewer& viewer, const std::string& account_id) {
  return !viewer || viewer->text() == account_id;
}

std::string_view user_status(const UserRow& row) {
  if (row.erased()) return "deleted";
  return row.inactive() ? "inactive" : "active";
}

std::string account_name(const Services& services, const std::string& account_id) {
  const auto id = AccountId::parse(account_id);
  const auto row = id ? services.directory.account(*id) : std::nullopt;
  return row ? row->name() : "";
}

json::array represent_list(const StringList& list) {
  json::array texts;
  for (const auto& text : list.values()) texts.emplace_back(text);
  return texts;
}

// What went wrong with it, and the job to retry; null where nothing did.
json::value represent_provisioning(const TokenRow& row) {
  if (!row.has_provisioning()) return nullptr;
  const auto& provisioning = row.provisioning();
  const auto& attempt = provisioning.attempt();
  const auto next = provisioning.next_attempt_at_us();
  return json::object{
      {"job", {{"id", job_id(key_of(provisioning.job()))}}},
      {"status", next == 0 ? "failed" : "retrying"},
      {"attempts", provisioning.attempts()},
      {"error", describe(attempt.failure(), attempt.status())},
      {"failure", failure_code(attempt.failure())},
      {"last_status", attempt.status() == 0 ? json::value(nullptr) : json::value(attempt.status())},
      {"next_attempt_at", next == 0 ? json::value(nullptr) : json::value(represent_time(next))},
  };
}

}  // namespace

json::string represent_time(std::int64_t microseconds) {
  return json::string(format_time(Time(std::chrono::microseconds(microseconds))));
}

json::object represent_actor(const Services& services, const Actor& actor, const Viewer& viewer) {
  json::object by{{"id", actor.id()}, {"name", ""}, {"email", nullptr}};
  if (actor.kind() == Actor::USER) {
    const auto id = UserId::parse(actor.id());
    const auto user = id ? services.directory.user(*id) : std::nullopt;
    if (user && sees(viewer, user->account_id())) {
      by["name"] = user->name();
      by["email"] = text_or_null(user->email());
      by["status"] = user_status(*user);
    }
  } else if (actor.kind() == Actor::TOKEN) {
    const auto id = TokenId::parse(actor.id());
    const auto token = id ? services.token_list.find(*id) : std::nullopt;
    if (token && sees(viewer, token->account_id())) by["name"] = token->name();
  } else {
    by["name"] = actor.id();
  }
  return by;
}

const std::string& NameCache::account(const std::string& account_id) {
  const auto [found, is_new] = accounts_.try_emplace(account_id);
  if (is_new) found->second = account_name(services_, account_id);
  return found->second;
}

const json::object& NameCache::actor(const Actor& actor) {
  const auto [found, is_new] = actors_.try_emplace(std::to_string(actor.kind()) + actor.id());
  if (is_new) found->second = represent_actor(services_, actor, viewer_);
  return found->second;
}

const std::string& NameCache::extension(ExtensionId id) {
  const auto [found, is_new] = extensions_.try_emplace(id);
  if (!is_new) return found->second;
  if (id.is_built_in()) {
    found->second = extension_name(id == ExtensionId::zapier() ? ZAPIER : CUSTOM);
  } else if (const auto row = services_.extensions.find(id)) {
    found->second = row->details().name();
  }
  return found->second;
}

std::string permission_id(TokenId token, std::uint32_t module) {
  return fmt::format("TP{}-{:04}", std::string_view(token.text()).substr(2), module);
}

json::array represent_permissions(NameCache& names, const TokenRow& row) {
  json::array permissions(names.storage());
  const auto id = TokenId::parse(row.token_id());
  for (const auto& held : row.permissions()) {
    const auto& granted = held.granted();
    permissions.push_back(json::value(
        {
            {"id", id ? permission_id(*id, held.module()) : ""},
            {"object", {{"id", module_id(held.module())}}},
            {"events",
             {{"granted", {{"at", represent_time(granted.at_us())}, {"by", names.actor(granted.by())}}}}},
        },
        names.storage()));
  }
  return permissions;
}

std::string_view group_id(Role role) {
  if (role == OWNER) return "UG-000-001";
  if (role == MEMBER) return "UG-000-002";
  return "UG-000-003";
}

std::optional<Role> role_of_group(std::string_view id) {
  for (const auto role : {OWNER, MEMBER, AUDITOR}) {
    if (group_id(role) == id) return role;
  }
  return std::nullopt;
}

json::object represent_token(const Services& services, const TokenRow& row, Time now) {
  const AccountId account = AccountId::parse(row.account_id()).value();
  NameCache names(services, account);
  return represent_token(names, row, now);
}

json::value NameCache::last_use(const TokenRow& row) const {
  std::optional<Time> last;
  if (row.has_last_used_at_us()) last = Time(std::chrono::microseconds(row.last_used_at_us()));
  if (const auto id = TokenId::parse(row.token_id()))
    last = std::max(last, services_.authorization_index.last_use(*id));
  return last ? json::value(format_time(*last)) : json::value(nullptr);
}

json::object represent_token(NameCache& names, const TokenRow& row, Time now) {
  const auto extension = extension_of(row);
  return json::object(
      {{"id", row.token_id()},
       {"name", row.name()},
       {"description", text_or_null(row.description())},
       {"external_id", text_or_null(row.external_id())},
       {"owner", {{"id", row.account_id()}, {"name", names.account(row.account_id())}}},
       {"status", status_name(row, now)},
       {"extension", {{"id", extension.text()}, {"name", names.extension(extension)}}},
       {"handle", nullptr},
       {"token", nullptr},
       {"events",
        {{"created",
          {{"at", represent_time(row.created().at_us())}, {"by", names.actor(row.created().by())}}}}},
       {"last_used_at", names.last_use(row)},
       {"permissions", represent_permissions(names, row)},
       {"restricted", row.restricted()},
       {"expiration_date",
        row.has_expires_at_us() ? json::value(represent_time(row.expires_at_us())) : json::value(nullptr)},
       {"renewed_expiration_date", row.renewal().has_expires_at_us()
                                       ? json::value(represent_time(row.renewal().expires_at_us()))
                                       : json::value(nullptr)},
       {"renewed_token", nullptr},
       {"provisioning", represent_provisioning(row)}},
      names.storage());
}

json::object represent_account(const Services& services, const AccountRow& row, const Viewer& viewer) {
  const auto id = AccountId::parse(row.account_id());
  const bool provider = id && id->type() == AccountType::kProvider;
  const auto& details = row.details();
  json::array industries;
  // There is no catalogue of industries here to look a name up in.
  for (const auto& industry : details.industries().values()) {
    industries.push_back({{"id", industry}, {"name", industry}});
  }
  json::object events{{"created", represent_created(services, row.created(), viewer)}};
  if (row.has_modified()) events["updated"] = represent_created(services, row.modified(), viewer);
  return {
      {"id", row.account_id()},
      {"name", row.name()},
      {"description", text_or_null(row.description())},
      {"overview", text_or_null(details.overview())},
      {"headquarters", text_or_null(details.headquarters())},
      {"external_id", row.external_id()},
      {"brand", row.brand()},
      {"type", provider ? "provider" : "vendor"},
      {"role", provider ? "distributor" : "vendor"},
      {"countries", represent_list(details.countries())},
      {"languages", represent_list(details.languages())},
      {"websites", represent_list(details.websites())},
      {"industries", std::move(industries)},
      {"public", details.has_is_public() ? json::value(details.is_public()) : json::value(nullptr)},
      {"events", std::move(events)},
  };
}

json::object represent_user(const Services& services, const UserRow& row, const Viewer& viewer) {
  json::object events{{"created", represent_created(services, row.created(), viewer)}};
  // An operator's own choice invites nobody.
  if (row.created().by().kind() != Actor::OPERATOR) events["invited"] = events["created"];
  if (row.has_activated_at_us()) events["activated"] = {{"at", represent_time(row.activated_at_us())}};
  if (row.has_signed_in_at_us()) events["signed"] = {{"at", represent_time(row.signed_in_at_us())}};
  return {
      {"id", row.user_id()},
      {"name", row.name()},
      {"email", row.email()},
      {"role", role_name(row.role())},
      {"groups", json::array{{{"id", group_id(row.role())}, {"name", role_name(row.role())}}}},
      {"active", !row.inactive() && !row.erased()},
      {"status", user_status(row)},
      {"events", std::move(events)},
  };
}

json::object represent_extension(Extension extension) {
  const bool zapier = extension == ZAPIER;
  return {
      {"id", extension_id(extension)},
      {"name", extension_name(extension)},
      {"description", zapier ? "Zapier integration" : "Custom integration: an API client of your own"},
      {"portal", "any"},
      {"status", "unrestricted"},
      {"featured", false},
      {"priority", 0},
      {"system", true},
  };
}

json::object represent_extension(NameCache& names, const ExtensionRow& row) {
  const auto& details = row.details();
  // There is no catalogue of categories or industries here to look a name up in.
  const auto represent_ids = [](const StringList& ids) {
    json::array objects;
    for (const auto& id : ids.values()) objects.push_back({{"id", id}, {"name", id}});
    return objects;
  };
  json::object constraints;
  if (details.constraints().has_account_tokens()) {
    constraints["account"] = {{"tokens", details.constraints().account_tokens()}};
  }
  const auto represent_stamp = [&names](const Created& stamp) {
    return json::object{{"at", represent_time(stamp.at_us())}, {"by", names.actor(stamp.by())}};
  };
  json::object events{{"created", represent_stamp(row.created())}};
  if (row.has_modified()) events["updated"] = represent_stamp(row.modified());
  return {
      {"id", row.extension_id()},
      {"name", details.name()},
      {"icon", nullptr},
      {"revision", row.version()},
      {"external_id", text_or_null(details.external_id())},
      {"subtitle", text_or_null(details.subtitle())},
      {"description", details.description()},
      {"overview", text_or_null(details.overview())},
      {"portal", details.portal()},
      {"featured", details.featured()},
      {"priority", details.priority()},
      {"status", details.status()},
      {"websites", represent_list(details.websites())},
      {"categories", represent_ids(details.categories())},
      {"industries", represent_ids(details.industries())},
      {"owner", {{"id", row.account_id()}, {"name", names.account(row.account_id())}}},
      {"constraints", std::move(constraints)},
      {"system", false},
      {"events", std::move(events)},
  };
}

}  // namespace mintmark
