// Fills a new data folder with one account and many active custom tokens, as the API would have made them,
// and writes their keys to a file, one a line: what the other benchmarks work on.
#include <atomic>
#include <condition_variable>
#include <fstream>
#include <mutex>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "domain/account.h"
#include "domain/limits.h"
#include "domain/token.h"
#include "eventstore/key_file.h"
#include "tools/instance.h"

namespace mintmark {
namespace {

constexpr std::size_t tokens_per_append = 32;
constexpr std::size_t appends_in_flight_max = 64;

class Filler {
 public:
  Filler(RocksDbLog& log, Vault& vault, const Peppers& peppers)
      : log_(log), vault_(vault), peppers_(peppers) {}

  AccountId open_account() {
    const auto account = AccountId::from_value(AccountType::kVendor, 1);
    auto events = decide(Account{}, OpenAccount{account, "Benchmark"});
    append({{stream_of(account), 0, {{random_.event_id(clock_.now()), std::move(events->front())}}}}, {});
    wait_for_all();
    return account;
  }

  void make_tokens(AccountId account, std::uint32_t count, std::ostream& keys) {
    for (std::uint32_t made = 0; made < count;) {
      std::vector<StreamAppend> streams;
      std::vector<VaultWrite> vault_writes;
      for (; made < count && streams.size() < tokens_per_append; ++made) {
        // Spread over the id space without a collision: the multiplier has no factor in common with 10^9.
        const auto id =
            TokenId::from_value(static_cast<std::uint32_t>(made * 618'033'989ULL % TokenId::value_end));
        const auto secret = random_.secret();
        streams.push_back(make_token(account, id, secret, made, vault_writes));
        keys << ApiKey{id, secret}.text() << '\n';
      }
      append(std::move(streams), std::move(vault_writes));
    }
    wait_for_all();
  }

 private:
  StreamAppend make_token(AccountId account, TokenId id, const Secret& secret, std::uint32_t number,
                          std::vector<VaultWrite>& vault_writes) {
    const auto subject = stream_of(id);
    const auto now = clock_.now();
    auto [data_key, vault_write] = vault_.make(subject);
    const std::string_view value(reinterpret_cast<const char*>(secret.bytes.data()), secret.bytes.size());
    const CreateToken command{
        .id = id,
        .account = account,
        .extension = CUSTOM,
        .name = fmt::format("Client {:09}", number),
        .description = number % 4 == 0 ? "Reads orders, writes nothing" : "",
        .external_id = fmt::format("crm-{:08x}", number * 2'654'435'761U),
        .expires_at =
            number % 5 == 0 ? std::optional(now + std::chrono::days(1 + number % 400)) : std::nullopt,
        .now = now,
        .credentials = {peppers_.digest(secret), vault_.seal(data_key, subject, 1, value), {}, {}},
        .permissions = {}};
    auto events = decide(Token{}, command);
    vault_writes.push_back(std::move(vault_write));
    return {subject, 0, {{random_.event_id(clock_.now()), std::move(events->front())}}};
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
    request.metadata.actor.set_kind(Actor::OPERATOR);
    request.metadata.actor.set_id("fill");
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
};

int fill(const std::string& data, std::uint32_t tokens, const std::string& keys_path) {
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
  filler.make_tokens(filler.open_account(), tokens, keys);
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
  CLI11_PARSE(program, argc, argv);
  return mintmark::fill(data, tokens, keys);
}
