#pragma once

#include <atomic>
#include <exception>
#include <future>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>

#include "api/api.h"
#include "api/session_service.h"
#include "api/token_service.h"
#include "api/user_service.h"
#include "eventstore/memory_log.h"
#include "tests/support/fake_clock.h"
#include "tests/support/history.h"
#include "tests/support/request_builder.h"
#include "tests/support/scripted_log.h"
#include "tests/support/view_folder.h"
#include "worker/job_planner.h"
#include "worker/rocksdb_job_store.h"
#include "worker/webhook_calls.h"

namespace mintmark::testing {

// Runs a coroutine to its end on this thread; throws what it throws.
template <class T>
T run(awaitable<T> work) {
  boost::asio::io_context context;
  std::optional<T> result;
  std::exception_ptr thrown;
  const auto keep = [](awaitable<T> inner, std::optional<T>& kept) -> awaitable<void> {
    kept.emplace(co_await std::move(inner));
  };
  boost::asio::co_spawn(context, keep(std::move(work), result),
                        [&thrown](std::exception_ptr error) { thrown = std::move(error); });
  context.run();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

inline boost::json::object json_of(const http::Response& response) {
  return boost::json::parse(response.body).as_object();
}

inline std::string header_of(const http::Response& response, std::string_view name) {
  for (const auto& [field, value] : response.headers) {
    if (field == name) return value;
  }
  return "";
}

// Everything behind the HTTP server, over a log in memory or another one, with a clock that stands still.
class ApiInstance {
 public:
  ApiInstance() : ApiInstance(nullptr) {}
  // `other` must outlive it; `memory` stays empty then.
  explicit ApiInstance(EventLog& other) : ApiInstance(&other) {}

 private:
  explicit ApiInstance(EventLog* other) : stored(other ? *other : memory) {
    token_list = std::make_unique<TokenList>(views_.store().live(TokenList::projection_name));
    directory = std::make_unique<Directory>(views_.store().live(Directory::projection_name), vault);
    webhooks = std::make_unique<WebhookList>(views_.store().live(WebhookList::projection_name));
    extensions = std::make_unique<ExtensionList>(views_.store().live(ExtensionList::projection_name));
    handles = std::make_unique<HandleIndex>(views_.store().live(HandleIndex::projection_name));
    audit = std::make_unique<AuditIndex>(views_.store().live(AuditIndex::projection_name));
    jobs = RocksDbJobStore::open(views_.file("jobs"), clock).value();
    planner = std::make_unique<JobPlanner>(stored, *jobs);
    calls = std::make_unique<WebhookCalls>(stored, vault, *webhooks, "");
    calls->set_extensions(*extensions);
    const std::vector<Projection*> projections{&index,         token_list.get(), directory.get(),
                                               webhooks.get(), extensions.get(), handles.get(),
                                               planner.get(),  audit.get()};
    projector = std::make_unique<Projector>(stored, projections, [](const std::string&) {});
    services = std::unique_ptr<Services>(new Services{
        log,         vault,    peppers, index, *token_list, *directory, *webhooks,
        *extensions, *handles, *audit,  *jobs, *calls,      *projector, blocking,
        hashing,     clock,    random,  false, healthy,     modules,    "https://tokens.example.com"});
    api = std::make_unique<Api>(*services);
  }

 public:
  http::Response call(const http::RequestBuilder& request) {
    const auto built = request.build();
    // A slot of its own: a server's io threads, where a test has one, count theirs from 0.
    return run(api->answer(built, AuthorizationIndex::readers_max - 1));
  }

  // Waits until the projections have everything that is in the log.
  void project() {
    std::promise<bool> promise;
    projector->when_reached(stored.head(), [&promise](bool reached) { promise.set_value(reached); });
    if (!promise.get_future().get()) throw std::runtime_error("the projector has ended");
  }

  static Caller caller(AccountId account) {
    Caller caller{.actor = {},
                  .account = account,
                  .role = OWNER,
                  .request_id = "request",
                  .client_ip = "",
                  .idempotency_key = {}};
    caller.actor.set_kind(Actor::OPERATOR);
    caller.actor.set_id("test");
    return caller;
  }

  AccountId open_account(const std::string& name, AccountType type = AccountType::kVendor) {
    return run(mintmark::open_account(*services, caller(vendor(0)), type, name)).value();
  }

  CreatedToken create_token(AccountId account, Extension extension = CUSTOM,
                            const std::string& name = "Billing") {
    const auto owner = caller(account);
    NewToken wanted;
    wanted.name = name;
    wanted.extension = extension;
    return run(mintmark::create_token(*services, owner, std::move(wanted))).value();
  }

  AddedUser add_user(AccountId account, const std::string& email, Role role = OWNER) {
    return run(mintmark::add_user(*services, caller(account), NewUser{account, email, "Ann", role})).value();
  }

  // The cookie of a new session.
  std::string sign_in(const std::string& email, const std::string& password) {
    return run(mintmark::sign_in(*services, caller(vendor(0)), email, password)).value().cookie;
  }

  FakeClock clock;
  SystemRandom random;
  MemoryLog memory{event_id(1)};
  EventLog& stored;
  ScriptedLog log{stored};
  Vault vault{log, KeyEncryptionKey{}, random};
  std::atomic<bool> healthy = true;

 private:
  ViewFolder views_;
  const std::vector<PepperKey> pepper_keys_{PepperKey{7}};

 public:
  Peppers peppers{pepper_keys_};
  AuthorizationIndex index{peppers};
  std::unique_ptr<TokenList> token_list;
  std::unique_ptr<Directory> directory;
  std::unique_ptr<WebhookList> webhooks;
  std::unique_ptr<ExtensionList> extensions;
  std::unique_ptr<HandleIndex> handles;
  std::unique_ptr<AuditIndex> audit;
  std::unique_ptr<JobStore> jobs;
  std::unique_ptr<JobPlanner> planner;
  std::unique_ptr<WebhookCalls> calls;
  std::unique_ptr<Projector> projector;
  BlockingPool blocking{2};
  BlockingPool hashing{1, limits::hashing_queue_max};
  ModuleTable modules = ModuleTable::standard();
  std::unique_ptr<Services> services;
  std::unique_ptr<Api> api;
};

}  // namespace mintmark::testing
