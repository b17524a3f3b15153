#include <array>

#include "api/list_response.h"

// CONTRACT.md, the table under RQL: filters, order and search of each list; tokens have theirs in
// token_scan.cc.
namespace mintmark {
namespace {

using enum FieldType;

constexpr bool orderable = true;
constexpr bool searchable = true;

constexpr auto of_token_permissions = std::to_array<Field>({
    {"id", kText, orderable, searchable},
    {"object.id", kText, orderable, searchable},
});

constexpr auto of_accounts = std::to_array<Field>({
    {"events.created.at", kDate, orderable},
    {"external_id", kText, orderable, searchable},
    {"id", kText, orderable, searchable},
    {"name", kText},
    {"public", kBool},
    {"role", kText},
    {"type", kText},
});

constexpr auto of_users = std::to_array<Field>({
    {"id", kText, orderable, searchable},
    {"name", kText, orderable, searchable},
    {"email", kText, orderable, searchable},
    {"external_id", kText, false, searchable},
    {"status", kText},
    {"events.created.at", kDate, orderable},
    {"events.invited.at", kDate, orderable},
    {"events.activated.at", kDate, orderable},
    {"events.signed.at", kDate, orderable},
    {"groups.id", kText},
    {"groups.name", kText},
});

constexpr auto of_sessions = std::to_array<Field>({
    {"id", kText},
    {"client_ip", kText, false, searchable},
    {"current", kBool},
    {"events.created.at", kDate, orderable},
    {"expires_at", kDate, orderable},
});

constexpr auto of_extensions = std::to_array<Field>({
    {"id", kText, orderable},
    {"name", kText, orderable},
    {"portal", kText},
    {"status", kText, orderable},
    {"priority", kNumber, orderable},
    {"featured", kBool, orderable},
    {"system", kBool},
    {"external_id", kText},
    {"categories.id", kText},
    {"industries.id", kText},
    {"constraints.account.tokens", kNumber},
});

constexpr auto of_modules = std::to_array<Field>({
    {"id", kText, orderable, searchable},
    {"name", kText, orderable, searchable},
});

constexpr auto of_webhooks = std::to_array<Field>({
    {"active", kBool, orderable},
    {"description", kText, false, searchable},
    {"id", kText, false, searchable},
    {"label", kText, false, searchable},
    {"product.id", kText, false, searchable},
    {"product.name", kText, false, searchable},
    {"type", kText, orderable},
});

constexpr auto of_jobs = std::to_array<Field>({
    {"id", kText, orderable, searchable},
    {"kind", kText, orderable},
    {"status", kText, orderable},
    {"webhook.id", kText, false, searchable},
    {"token.id", kText, false, searchable},
    {"event.type", kText, orderable},
    {"attempts", kNumber, orderable},
    {"created_at", kDate, orderable},
    {"next_attempt_at", kDate, orderable},
    {"last_status", kNumber, orderable},
});

constexpr auto of_deliveries = std::to_array<Field>({
    {"id", kText, orderable, searchable},
    {"event.type", kText, orderable},
    {"status", kText, orderable},
    {"created_at", kDate, orderable},
});

constexpr auto of_events = std::to_array<Field>({
    {"position", kNumber, orderable},
    {"type", kText, false, searchable},
    {"at", kDate},
    {"object.id", kText, false, searchable},
    {"object.kind", kText},
    {"actor.id", kText, false, searchable},
    {"actor.kind", kText},
    {"client_ip", kText, false, searchable},
});

}  // namespace

const FieldTable token_permission_fields = of_token_permissions;
const FieldTable account_fields = of_accounts;
const FieldTable user_fields = of_users;
const FieldTable session_fields = of_sessions;
const FieldTable extension_fields = of_extensions;
const FieldTable module_fields = of_modules;
const FieldTable webhook_fields = of_webhooks;
const FieldTable job_fields = of_jobs;
const FieldTable delivery_fields = of_deliveries;
const FieldTable event_fields = of_events;

}  // namespace mintmark
