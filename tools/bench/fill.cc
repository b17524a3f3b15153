// Fills a new data folder with one account and many active custom tokens, as the API would have made them,
// and writes their keys to a file, one a line: what the other benchmarks work on. --varied makes them as an
// account's tokens are that has been used for a while, for the lists: of several creators and both types,
// with permissions, inactive and pending ones among them, and most of them used. The keys are then of those
// that may call everything.
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "domain/account.h"
#include "domain/limits.h"
#include "domain/token.h"
#include "domain/user.h"
#include "eventstore/key_file.h"
#include "tools/instance.h"

namespace mintmark {
namespace {

constexpr std::size_t appends_in_flight_max = 64;

class Filler {
 public:
  Filler(RocksDbLog& log, Vault& vault, const Peppers& peppers)
      : log_(log), vault_(vault), peppers_(peppers) {
    actor_.set_kind(Actor::OPERATOR);
    actor_.set_id("fill");
  }

  AccountId open_account() {
    const auto account = AccountId::from_value(AccountType::kVendor, 1);
    append({stream(stream_of(account), 0, *decide(Account{}, OpenAccount{account, "Benchmark"}))}, {});
    wait_for_all();
    return account;
  }

  // From here on tokens differ, as the head of this file says.
  void vary(AccountId account) {
    for (std::uint32_t number = 0; number < creator_count; ++number) {
      const auto id = UserId::from_value(number);
      auto [data_key, vault_write] = vault_.make(stream_of(id));
      UserProfile profile;
      profile.set_name(fmt::format("Member {:03}", number));
      profile.set_email(fmt::format("member{:03}@example.com", number));
      const AddUser add{
          .id = id,
          .account = account,
          .role = MEMBER,
          .profile = profile,
          .sealed_profile = vault_.seal(data_key, stream_of(id), 1, profile.SerializeAsString()),
          .email_hash = peppers_.name_hash("email", profile.email())};
      append({stream(stream_of(id), 0, *decide(User{}, add))}, {std::move(vault_write)});
    }
    wait_for_all();
    varied_ = true;
  }

  void make_tokens(AccountId account, std::uint32_t count, std::ostream& keys) {
    const std::size_t tokens_per_append = varied_ ? tokens_per_creator : 32;
    Event used;
    for (std::uint32_t made = 0; made < count;) {
      std::vector<StreamAppend> streams;
      std::vector<VaultWrite> vault_writes;
      for (; made < count && streams.size() < tokens_per_append; ++made) {
        // Spread over the id space without a collision: the multiplier has no factor in common with 10^9.
        const auto id =
            TokenId::from_value(static_cast<std::uint32_t>(made * 618'033'989ULL % TokenId::value_end));
        const auto secret = random_.secret();
        streams.push_back(make_token(account, id, secret, made, vault_writes));
        const bool may_everything = streams.back().events.size() == 1 && !is_zapier(made);
        if (may_everything) keys << ApiKey{id, secret}.text() << '\n';
        if (varied_ && made % 3 != 0) note_use(id, made, used);
      }
      if (varied_) set_creator(made / tokens_per_creator % creator_count);
      if (used.tokens_used().uses_size() >= uses_per_event)
        streams.push_back(stream("usage-" + account.text(), used_++, {std::exchange(used, {})}));
      append(std::move(streams), std::move(vault_writes));
    }
    wait_for_all();
  }

 private:
  static constexpr std::uint32_t creator_count = 1000;
  static constexpr std::uint32_t tokens_per_creator = 2;  // in a row: their neighbours have others
  static constexpr int uses_per_event = 20;

  void set_creator(std::uint32_t number) {
    actor_.set_id(UserId::from_value(number).text());
    actor_.set_kind(Actor::USER);
  }

  StreamAppend stream(std::string name, std::uint64_t version, const std::vector<Event>& events) {
    StreamAppend made{std::move(name), version, {}};
    for (const auto& event : events) made.events.push_back({random_.event_id(clock_.now()), event});
    return made;
  }

  bool is_zapier(std::uint32_t number) const { return varied_ && number % 10 == 3; }

  void note_use(TokenId id, std::uint32_t number, Event& used) {
    auto& use = *used.mutable_tokens_used()->add_uses();
    use.set_token(id.value());
    const auto at = clock_.now() - std::chrono::minutes(number * 7919ULL % (400UL * 24 * 60));
    use.set_last_used_at_us(at.time_since_epoch().count());
  }

  // What happened to it after its creation.
  void vary_token(std::uint32_t number, std::vector<Event>& events) const {
    Event event;
    if (is_zapier(number) && number % 100 != 3) {
      event.mutable_zapier_connection_issued()->set_connection_id(fmt::format("{:032x}", number));
      events.push_back(event);
    }
    if (number % 3 == 1) {
      auto& granted = *event.mutable_permissions_granted();
      for (std::uint32_t i = 0; i <= number % 4; ++i) granted.add_modules(1 + (number / 3 + i * 5) % 26);
      events.push_back(event);
    }
    if (number % 50 == 7) {
      event.mutable_token_deactivated();
      events.push_back(event);
    }
  }

  StreamAppend make_token(AccountId account, TokenId id, const Secret& secret, std::uint32_t number,
                          std::vector<VaultWrite>& vault_writes) {
    const auto subject = stream_of(id);
    const auto now = clock_.now();
    auto [data_key, vault_write] = vault_.make(subject);
    NewCredentials credentials{peppers_.digest(secret), seal(data_key, subject, secret), {}, {}};
    if (is_zapier(number)) {
      const auto handle = random_.secret();
      credentials.handle_digest = peppers_.digest(handle);
      credentials.handle = seal(data_key, subject, handle);
    }
    const CreateToken command{.id = id,
                              .account = account,
                              .extension = is_zapier(number) ? ZAPIER : CUSTOM,
                              .name = fmt::format("Client {:09}", number),
                              .description = number % 4 == 0 ? "Reads orders, writes nothing" : "",
                              .external_id = fmt::format("crm-{:08x}", number * 2'654'435'761U),
                              .expires_at = number % 5 == 0
                                                ? std::optional(now + std::chrono::days(1 + number % 400))
                                                : std::nullopt,
                              .now = now,
                              .credentials = std::move(credentials),
                              .permissions = {}};
    auto events = *decide(Token{}, command);
    if (varied_) vary_token(number, events);
    vault_writes.push_back(std::move(vault_write));
    return stream(subject, 0, events);
  }

  Sealed seal(const DataKey& data_key, const std::string& subject, const Secret& secret) {
    const std::string_view value(reinterpret_cast<const char*>(secret.bytes.data()), secret.bytes.size());
    return vault_.seal(data_key, subject, 1, value);
  }

  void append(std::vector<StreamAppend> streams, std::vector<VaultWrite> vault_writes) {
    {
      std::unique_lock lock(mutex_);
      answered_.wait(lock, [this] { return in_flight_ < appends_in_flight_max; });
      ++in_flight_;
    }
    AppendRequest request;
    request.streams = std::move(streams);
    request.vault_writes = std::move(vault_writes);
    request.metadata.actor = actor_;
    request.metadata.recorded_at = clock_.now();
    log_.append(std::move(request), [this](const AppendResult& result) {
      if (!result) {
        fmt::print(stderr, "append failed: {}\n", result.error().message);
        std::_Exit(1);
      }
      const std::scoped_lock lock(mutex_);
      --in_flight_;
      answered_.notify_all();
    });
  }

  void wait_for_all() {
    std::unique_lock lock(mutex_);
    answered_.wait(lock, [this] { return in_flight_ == 0; });
  }

  RocksDbLog& log_;
  Vault& vault_;
  const Peppers& peppers_;
  SystemClock clock_;
  SystemRandom random_;
  std::mutex mutex_;
  std::condition_variable answered_;
  std::size_t in_flight_ = 0;
  Actor actor_;
  bool varied_ = false;
  std::uint64_t used_ = 0;  // events of uses so far
};

int fill(const std::string& data, std::uint32_t tokens, const std::string& keys_path, bool varied) {
  Config config;
  config.data = data;
  if (const auto created = Instance::create(config); !created) {
    fmt::print(stderr, "{}\n", created.error().messages.front());
    return 1;
  }
  SystemRandom random;
  const auto key = read_key_file(config.key_path());
  auto log = RocksDbLog::open({config.log_path(), nullptr, {}, {}});
  if (!key || !log) return 1;
  Vault vault(**log, *key, random);
  const auto peppers = vault.load_peppers();
  if (!peppers) return 1;
  std::ofstream keys(keys_path);
  Filler filler(**log, vault, *peppers);
  const auto account = filler.open_account();
  if (varied) filler.vary(account);
  filler.make_tokens(account, tokens, keys);
  return keys.good() ? 0 : 1;
}

}  // namespace
}  // namespace mintmark

int main(int argc, char** argv) {
  CLI::App program("Fills a new data folder with tokens for the benchmarks.");
  std::string data;
  std::string keys;
  std::uint32_t tokens = 1'000'000;
  program.add_option("--data", data, "The new data folder")->required();
  program.add_option("--keys", keys, "The file for the keys")->required();
  program.add_option("--tokens", tokens, "How many")->capture_default_str();
  bool varied = false;
  program.add_flag("--varied", varied, "Of several creators, types and states, with permissions and uses");
  CLI11_PARSE(program, argc, argv);
  return mintmark::fill(data, tokens, keys, varied);
}
