#pragma once

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
  std::string name;
  std::string description;
  std::string external_id;
  std::string brand;
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

// Each returns the events to append, none where nothing changes; kInvalid where a field breaks a rule,
// kConflict where the account to open exists, kNotFound where the one to update does not.
Result<std::vector<Event>> decide(const Account& account, const OpenAccount& command);
Result<std::vector<Event>> decide(const Account& account, const UpdateAccount& command);

// Total: an event of another kind of stream changes nothing.
void evolve(Account& account, const Event& event);

}  // namespace mintmark
