#include "api/extension_service.h"

#include <utility>

#include <fmt/format.h>

#include "api/commands.h"
#include "api/count_limit.h"
#include "domain/extension.h"
#include "domain/limits.h"

namespace mintmark {
namespace {

// Adds to the decision that the name is the extension's. The claim's stream has one winner, so two extensions
// never get one name.
Result<void> reserve_name(Services& services, AccountId account, const std::string& name, ExtensionId id,
                          Decision& decision) {
  auto stream = extension_name_stream(account, name);
  const auto claim = load_stream(services, stream);
  if (fold<ExtensionNameClaim>(claim).extension) {
    return fail(ErrorKind::kInvalid, "name: An extension has this name already.");
  }
  Event reserved;
  reserved.mutable_extension_name_reserved()->set_extension_id(id.text());
  decision.other_streams.push_back(
      make_append(services, std::move(stream), claim.version, {std::move(reserved)}));
  return {};
}

void release_name(Services& services, AccountId account, const std::string& name, ExtensionId id,
                  Decision& decision) {
  auto stream = extension_name_stream(account, name);
  const auto version = load_stream(services, stream).version;
  Event released;
  released.mutable_extension_name_released()->set_extension_id(id.text());
  decision.other_streams.push_back(make_append(services, std::move(stream), version, {std::move(released)}));
}

CountLimit limit_of(Services& services, AccountId account) {
  return {.stream = "count-extensions-" + account.text(),
          .max = limits::extensions_per_account_max,
          .refusal = fmt::format("An account has at most {} extensions.", limits::extensions_per_account_max),
          .view = services.extensions,
          .shows =
              [&services](const std::string& id) {
                const auto known = ExtensionId::parse(id);
                return known && services.extensions.find(*known).has_value();
              },
          .count = [&services, account] { return services.extensions.of(account).size(); }};
}

Result<Decision> decide_creation(Services& services, const Caller& caller, ExtensionId id,
                                 const ExtensionDetails& details, const LoadedStream& loaded) {
  auto events = decide(fold<AccountExtension>(loaded), CreateExtension{id, caller.account, details});
  if (!events) return std::unexpected(std::move(events.error()));
  Decision decision{std::move(*events), {}, {}, false};
  const auto counted = count_in(services, limit_of(services, caller.account), id.text(), decision);
  if (!counted) return std::unexpected(counted.error());
  const auto reserved = reserve_name(services, caller.account, details.name(), id, decision);
  if (!reserved) return std::unexpected(reserved.error());
  return decision;
}

Result<Decision> decide_update(Services& services, const Caller& caller, ExtensionId id,
                               const ExtensionDetails& details, const LoadedStream& loaded) {
  const auto extension = fold<AccountExtension>(loaded);
  if (extension.account != caller.account) return not_found("Extension");
  auto events = decide(extension, UpdateExtension{details});
  if (!events) return std::unexpected(std::move(events.error()));
  Decision decision{std::move(*events), {}, {}, false};
  if (decision.events.empty()) return decision;
  const auto& changed = decision.events.front().extension_updated().changed();
  if (!changed.has_name()) return decision;
  const auto reserved = reserve_name(services, caller.account, changed.name(), id, decision);
  if (!reserved) return std::unexpected(reserved.error());
  release_name(services, caller.account, extension.details.name(), id, decision);
  return decision;
}

Result<Decision> decide_deletion(Services& services, const Caller& caller, ExtensionId id,
                                 const LoadedStream& loaded) {
  const auto extension = fold<AccountExtension>(loaded);
  if (extension.account != caller.account) return not_found("Extension");
  const auto row = services.extensions.find(id);
  auto events = decide(extension, DeleteExtension{row ? row->tokens() : 0});
  if (!events) return std::unexpected(std::move(events.error()));
  Decision decision{std::move(*events), {}, {}, true};
  release_name(services, caller.account, extension.details.name(), id, decision);
  return decision;
}

awaitable<Result<ChangedExtension>> change(Services& services, const Caller& caller, ExtensionId id,
                                           Decide decide_this) {
  auto written = co_await write(services, caller, stream_of(id), std::move(decide_this));
  if (!written) co_return std::unexpected(std::move(written.error()));
  co_return ChangedExtension{id, written->committed.last};
}

}  // namespace

awaitable<Result<ChangedExtension>> create_extension(Services& services, const Caller& caller,
                                                     ExtensionDetails details) {
  // A random id may be taken: then the next one.
  for (;;) {
    constexpr auto count = ExtensionId::value_end - ExtensionId::own_begin;
    const auto id = ExtensionId::from_value(ExtensionId::own_begin + services.random.below(count));
    Decide decide_this = [&services, &caller, id, &details](const LoadedStream& loaded) {
      return decide_creation(services, caller, id, details, loaded);
    };
    auto written = co_await write(services, caller, stream_of(id), std::move(decide_this));
    if (written && !written->repeated) co_return ChangedExtension{id, written->committed.last};
    if (written) {
      const auto committed = written->committed;
      auto read_back = [&services, committed]() -> Result<ChangedExtension> {
        const auto earlier = services.log.read(committed.first - 1, 1).front().recorded;
        const auto made = ExtensionId::parse(earlier.event().extension_created().extension_id());
        if (!made) return not_found("Extension");
        return ChangedExtension{*made, committed.last};
      };
      co_return co_await services.blocking.run(std::move(read_back));
    }
    const bool taken = written.error().kind == ErrorKind::kTaken;
    if (!taken) co_return std::unexpected(std::move(written.error()));
  }
}

awaitable<Result<ChangedExtension>> update_extension(Services& services, const Caller& caller, ExtensionId id,
                                                     ExtensionDetails details) {
  Decide decide_this = [&services, &caller, id, &details](const LoadedStream& loaded) {
    return decide_update(services, caller, id, details, loaded);
  };
  co_return co_await change(services, caller, id, std::move(decide_this));
}

awaitable<Result<ChangedExtension>> delete_extension(Services& services, const Caller& caller,
                                                     ExtensionId id) {
  // So that it sees all tokens that there are.
  const auto shown = co_await projected(services, services.log.head());
  if (!shown) co_return std::unexpected(shown.error());
  Decide decide_this = [&services, &caller, id](const LoadedStream& loaded) {
    return decide_deletion(services, caller, id, loaded);
  };
  co_return co_await change(services, caller, id, std::move(decide_this));
}

}  // namespace mintmark
