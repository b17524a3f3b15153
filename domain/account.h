#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "domain/error.h"
#include "domain/events.pb.h"
#include "domain/ids.h"

// The account aggregate, stream account-VA-… or account-PA-…. Pure, as domain/token.h.
namespace mintmark {

struct Account {
  bool exists = false;
  bool closed = false;   // for good
  bool partner = false;  // its tokens may exchange handles
  std::string name;
  std::string description;
  std::string external_id;
  std::string brand;
  AccountDetailsUpdated details;  // with every field that was ever set
};

struct OpenAccount {
  AccountId id;
  std::string name;
};

// What is absent stays as it is.
struct UpdateAccount {
  std::optional<std::string> name;
  std::optional<std::string> description;
  std::optional<std::string> external_id;
  std::optional<std::string> brand;
};

// The fields that `details` has are set, the others stay as they are.
struct UpdateAccountDetails {
  AccountDetailsUpdated details;
};
struct MarkPartner {};
// What is left of the account as its caller sees it.
struct CloseAccount {
  std::size_t tokens = 0;  // not deleted
  std::size_t webhooks = 0;
  std::size_t other_users = 0;  // besides the one who closes it, who is erased in the same append
};

// Each returns the events to append, none where nothing changes; kInvalid where a field breaks a rule,
// kTaken where the account to open exists, kNotFound where the one to update does not.
Result<std::vector<Event>> decide(const Account& account, const OpenAccount& command);
Result<std::vector<Event>> decide(const Account& account, const UpdateAccount& command);
Result<std::vector<Event>> decide(const Account& account, const UpdateAccountDetails& command);
Result<std::vector<Event>> decide(const Account& account, const MarkPartner& command);
// kConflict while there is any of it.
Result<std::vector<Event>> decide(const Account& account, const CloseAccount& command);

// Total: an event of another kind of stream changes nothing.
void evolve(Account& account, const Event& event);

}  // namespace mintmark
