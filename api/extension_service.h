#pragma once

#include "api/caller.h"
#include "api/services.h"
#include "domain/events.pb.h"
#include "domain/ids.h"

// What can be done with the extensions that an account makes for itself. An account sees its own alone: any
// other is kNotFound. Names are each account's own: no two of its extensions have one at a time.
namespace mintmark {

struct ChangedExtension {
  ExtensionId id;
  Position position = 0;  // 0 where nothing changed
};
// kInvalid where a field breaks a rule or the name is taken; kConflict where the account has
// limits::extensions_per_account_max; requests under way at one time may pass it by as many as they are.
awaitable<Result<ChangedExtension>> create_extension(Services& services, const Caller& caller,
                                                     ExtensionDetails details);
// What `details` leaves out stays as it is.
awaitable<Result<ChangedExtension>> update_extension(Services& services, const Caller& caller, ExtensionId id,
                                                     ExtensionDetails details);
// kConflict while it has tokens. One that is being made at this very moment may outlive its extension: it
// goes on showing the name.
awaitable<Result<ChangedExtension>> delete_extension(Services& services, const Caller& caller,
                                                     ExtensionId id);

}  // namespace mintmark
