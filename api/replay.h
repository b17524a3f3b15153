#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include <boost/json/object.hpp>

#include "domain/error.h"
#include "domain/ids.h"
#include "domain/time.h"
#include "eventstore/event_log.h"

namespace mintmark {

// Which events a reader of the log wants, and how. What is absent does not filter.
struct ReplayOptions {
  Position from = 1;
  std::optional<Position> to;
  std::optional<Time> from_time;
  std::optional<Time> to_time;       // up to and including it; a date alone is that day's end in UTC
  std::optional<TokenId> token;      // its stream
  std::optional<AccountId> account;  // streams that belong to it
  std::optional<std::string> actor;  // UR-…, SU-…, zapier, or an operator's name
  std::optional<std::string> type;   // TokenCreated, …
  bool json = false;                 // an object a line; else a line for people

  // From the members from, to (positions or dates), token, account, actor, type and json of an object.
  // kInvalid, naming the member, where one makes no sense.
  static Result<ReplayOptions> parse(const boost::json::object& object);
};

// Renders the wanted events as lines. No secret, sealed or hashed value ever shows: of an event's fields only
// texts, numbers and dates are printed. One thread; blocks on disk.
class Replay {
 public:
  // `log` must outlive it. Ends at the log's head as it is now.
  Replay(EventLog& log, ReplayOptions options);

  // The lines of the next events, perhaps none; nothing at the end.
  std::optional<std::vector<std::string>> next();

 private:
  bool wanted(const Recorded& recorded);
  bool belongs_to_account(const Recorded& recorded);

  EventLog& log_;
  const ReplayOptions options_;
  Position after_;
  Position last_;
  std::unordered_map<std::string, std::string> account_of_stream_;
};

}  // namespace mintmark
