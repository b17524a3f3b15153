#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/ids.h"

// The extension aggregate, stream extension-EXT-NNN-NNN: a kind of token that an account has made for itself.
// Its tokens are custom ones that show another type. Pure, as domain/token.h.
namespace mintmark {

struct AccountExtension {
  bool exists = false;  // made, and not deleted
  bool taken = false;   // its id was given, also where it is deleted
  std::optional<AccountId> account;
  ExtensionDetails details;
};

// What `details` leaves out gets its default; name and description must be there.
struct CreateExtension {
  ExtensionId id;
  AccountId account;
  ExtensionDetails details;
};
// What `details` leaves out stays as it is.
struct UpdateExtension {
  ExtensionDetails details;
};
// `tokens`: how many tokens of its kind there are.
struct DeleteExtension {
  std::size_t tokens = 0;
};

// Each returns the events to append, none where nothing changes; kInvalid where a field breaks a rule,
// kTaken where the id is, kConflict where the extension to delete has tokens, kNotFound where there is none
// (any more). That a name is free in its account is the caller's to see to.
Result<std::vector<Event>> decide(const AccountExtension& extension, const CreateExtension& command);
Result<std::vector<Event>> decide(const AccountExtension& extension, const UpdateExtension& command);
Result<std::vector<Event>> decide(const AccountExtension& extension, const DeleteExtension& command);

// Total: an event of another kind of stream changes nothing.
void evolve(AccountExtension& extension, const Event& event);

// Puts what `changed` has into `details`, lists and constraints whole.
void merge(const ExtensionDetails& changed, ExtensionDetails& details);

// Who holds an extension's name in an account: nobody, until it is reserved and once it is released.
struct ExtensionNameClaim {
  std::optional<ExtensionId> extension;
};
void evolve(ExtensionNameClaim& claim, const Event& event);

// The stream of a claim; `name` is one that decide() takes.
std::string extension_name_stream(AccountId account, std::string_view name);

}  // namespace mintmark
