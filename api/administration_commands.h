#pragma once

#include <atomic>
#include <stop_token>

#include <boost/json/object.hpp>

#include "api/administration.h"
#include "api/caller.h"
#include "domain/ids.h"

// The commands of api/administration.h that have files of their own.
namespace mintmark::administration {

// One command on its way.
struct Command {
  Services& services;
  RocksDbLog& log;
  TreeHeadJournal& tree_heads;
  KeyRotation& key_rotation;
  Caller caller;
  boost::json::object members;
  LineOutput& output;
  std::stop_token stop;
  std::atomic<bool>& verifying;  // a verification is under way
};

using Outcome = Result<boost::json::object>;

// The account that a command names; it must exist. Blocks on disk.
Result<AccountId> named_account(const Command& command);

awaitable<Outcome> create_a_token(Command& command);
awaitable<Outcome> list_some_tokens(Command& command);
awaitable<Outcome> show_a_token(Command& command);
awaitable<Outcome> activate_a_token(Command& command);
awaitable<Outcome> deactivate_a_token(Command& command);
awaitable<Outcome> rotate_a_token(Command& command);
awaitable<Outcome> delete_a_token(Command& command);

awaitable<Outcome> list_some_jobs(Command& command);
awaitable<Outcome> retry_some_jobs(Command& command);
awaitable<Outcome> cancel_a_job(Command& command);

awaitable<Outcome> replay(Command& command);
awaitable<Outcome> verify(Command& command);
awaitable<Outcome> sign_a_tree_head(Command& command);
awaitable<Outcome> show_the_tree_head_key(Command& command);
awaitable<Outcome> back_up(Command& command);
awaitable<Outcome> rotate_keys(Command& command);

}  // namespace mintmark::administration
