#include "domain/extension.h"

#include <algorithm>
#include <array>
#include <utility>

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/message.h>

#include "domain/fields.h"
#include "domain/limits.h"
#include "domain/token.h"

namespace mintmark {
namespace {

using Events = std::vector<Event>;

// The contract's.
constexpr std::array<std::string_view, 3> portals{"any", "provider", "vendor"};
constexpr std::array<std::string_view, 5> statuses{"draft", "published", "unrestricted", "publishing",
                                                   "unpublishing"};

bool is_name(std::string_view name) {
  return std::ranges::all_of(name, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  });
}

void check_name(const std::string& name, FieldErrors& errors) {
  if (name.empty()) return errors.add("name", "This field may not be blank.");
  if (name.size() > limits::extension_name_max) {
    return errors.add(
        "name", fmt::format("Ensure this field has no more than {} characters.", limits::extension_name_max));
  }
  if (!is_name(name)) return errors.add("name", "Use lower-case letters, digits, '.', '_' and '-' alone.");
  for (const auto built_in : {CUSTOM, ZAPIER}) {
    if (name == extension_name(built_in)) return errors.add("name", "An extension has this name already.");
  }
}

void check_extension_list(std::string_view field, const StringList& list, FieldErrors& errors) {
  if (static_cast<std::size_t>(list.values_size()) > limits::extension_list_items_max) {
    return errors.add(field, fmt::format("Give no more than {}.", limits::extension_list_items_max));
  }
  for (const auto& value : list.values()) {
    errors.check_required_text(field, value, limits::extension_list_text_max);
  }
}

// Of what is there.
void check(const ExtensionDetails& details, FieldErrors& errors) {
  if (details.has_name()) check_name(details.name(), errors);
  if (details.has_description()) {
    errors.check_required_text("description", details.description(), limits::extension_description_max);
  }
  errors.check_text("external_id", details.external_id(), limits::extension_external_id_max);
  errors.check_text("subtitle", details.subtitle(), limits::extension_subtitle_max);
  errors.check_text("overview", details.overview(), limits::extension_overview_max);
  if (details.has_portal() && std::ranges::find(portals, details.portal()) == portals.end()) {
    errors.add("portal", "Must be any, provider or vendor.");
  }
  if (details.has_status() && std::ranges::find(statuses, details.status()) == statuses.end()) {
    errors.add("status", "There is no such status.");
  }
  if (details.constraints().account_tokens() > limits::extension_tokens_max) {
    errors.add("constraints", fmt::format("account.tokens must be 0 to {}.", limits::extension_tokens_max));
  }
  check_extension_list("websites", details.websites(), errors);
  check_extension_list("categories", details.categories(), errors);
  check_extension_list("industries", details.industries(), errors);
}

ExtensionDetails defaults() {
  ExtensionDetails details;
  details.set_external_id("");
  details.set_subtitle("");
  details.set_overview("");
  details.set_portal("any");
  details.set_status("published");
  details.set_featured(false);
  details.set_priority(0);
  details.mutable_constraints();
  details.mutable_websites();
  details.mutable_categories();
  details.mutable_industries();
  return details;
}

using google::protobuf::FieldDescriptor;

// The bytes of one field: whether it is there, and its value.
std::string bytes_of(const FieldDescriptor* field, ExtensionDetails details) {
  ExtensionDetails alone;
  ExtensionDetails::GetReflection()->SwapFields(&details, &alone, {field});
  return alone.SerializeAsString();
}

// Takes out of `wanted` what `now` has already.
void keep_changes(const ExtensionDetails& now, ExtensionDetails& wanted) {
  const auto& descriptor = *ExtensionDetails::descriptor();
  for (int i = 0; i < descriptor.field_count(); ++i) {
    const auto* const field = descriptor.field(i);
    if (bytes_of(field, wanted) == bytes_of(field, now)) {
      ExtensionDetails::GetReflection()->ClearField(&wanted, field);
    }
  }
}

}  // namespace

Result<Events> decide(const AccountExtension& extension, const CreateExtension& command) {
  if (extension.taken) return fail(ErrorKind::kTaken, "id: This extension id is taken.");
  FieldErrors errors;
  check(command.details, errors);
  if (!command.details.has_name()) errors.add("name", "This field is required.");
  if (!command.details.has_description()) errors.add("description", "This field is required.");
  if (errors.any()) return std::move(errors).error();
  Event event;
  auto& created = *event.mutable_extension_created();
  created.set_extension_id(command.id.text());
  created.set_account_id(command.account.text());
  *created.mutable_details() = defaults();
  merge(command.details, *created.mutable_details());
  return Events{event};
}

Result<Events> decide(const AccountExtension& extension, const UpdateExtension& command) {
  if (!extension.exists) return not_found("Extension");
  FieldErrors errors;
  check(command.details, errors);
  if (errors.any()) return std::move(errors).error();
  auto changed = command.details;
  keep_changes(extension.details, changed);
  if (changed.ByteSizeLong() == 0) return Events{};
  Event event;
  *event.mutable_extension_updated()->mutable_changed() = std::move(changed);
  return Events{event};
}

Result<Events> decide(const AccountExtension& extension, const DeleteExtension& command) {
  if (!extension.exists) return not_found("Extension");
  if (command.tokens > 0) {
    return fail(ErrorKind::kConflict,
                fmt::format("The extension has {} tokens; delete them first.", command.tokens));
  }
  Event event;
  event.mutable_extension_deleted();
  return Events{event};
}

void evolve(AccountExtension& extension, const Event& event) {
  if (event.has_extension_created()) {
    const auto& created = event.extension_created();
    extension.exists = extension.taken = true;
    extension.account = AccountId::parse(created.account_id());
    extension.details = created.details();
  } else if (event.has_extension_updated()) {
    merge(event.extension_updated().changed(), extension.details);
  } else if (event.has_extension_deleted()) {
    extension.exists = false;
  }
}

void merge(const ExtensionDetails& changed, ExtensionDetails& details) {
  // MergeFrom would add to what is there.
  if (changed.has_constraints()) details.clear_constraints();
  if (changed.has_websites()) details.clear_websites();
  if (changed.has_categories()) details.clear_categories();
  if (changed.has_industries()) details.clear_industries();
  details.MergeFrom(changed);
}

void evolve(ExtensionNameClaim& claim, const Event& event) {
  if (event.has_extension_name_reserved()) {
    claim.extension = ExtensionId::parse(event.extension_name_reserved().extension_id());
  } else if (event.has_extension_name_released()) {
    claim.extension.reset();
  }
}

std::string extension_name_stream(AccountId account, std::string_view name) {
  return fmt::format("extension_name-{}-{}", account.text(), name);
}

}  // namespace mintmark
