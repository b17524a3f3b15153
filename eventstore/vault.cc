#include "eventstore/vault.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>
#include <sodium.h>

#include "domain/webhook.h"
#include "eventstore/bytes.h"

namespace mintmark {
namespace {

constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t wrap_batch_rows = 256;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
static_assert(sizeof(DataKey) == crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
static_assert(sizeof(DataKey) == sizeof(PepperKey));

std::string encrypt(const DataKey& key, std::string_view nonce, std::string_view associated,
                    std::string_view value) {
  std::string ciphertext(value.size() + tag_bytes, '\0');
  crypto_aead_xchacha20poly1305_ietf_encrypt(reinterpret_cast<unsigned char*>(ciphertext.data()), nullptr,
                                             unsigned_bytes(value), value.size(), unsigned_bytes(associated),
                                             associated.size(), nullptr, unsigned_bytes(nonce), key.data());
  return ciphertext;
}

std::optional<std::string> decrypt(const DataKey& key, std::string_view nonce, std::string_view associated,
                                   std::string_view ciphertext) {
  if (nonce.size() != nonce_bytes || ciphertext.size() < tag_bytes) return std::nullopt;
  std::string value(ciphertext.size() - tag_bytes, '\0');
  const int outcome = crypto_aead_xchacha20poly1305_ietf_decrypt(
      reinterpret_cast<unsigned char*>(value.data()), nullptr, nullptr, unsigned_bytes(ciphertext),
      ciphertext.size(), unsigned_bytes(associated), associated.size(), unsigned_bytes(nonce), key.data());
  return outcome == 0 ? std::optional(std::move(value)) : std::nullopt;
}

std::string wrap_context(std::string_view subject) {
  return fmt::format("mintmark data key of {}", subject);
}

std::string seal_context(std::string_view subject, std::uint64_t version) {
  return fmt::format("mintmark value of {} at version {}", subject, version);
}

std::string pepper_subject(std::uint32_t number) {
  return fmt::format("pepper-{}", number);
}

std::string random_nonce(Random& random) {
  std::string nonce(nonce_bytes, '\0');
  random.fill({reinterpret_cast<std::uint8_t*>(nonce.data()), nonce.size()});
  return nonce;
}

std::optional<DataKey> unwrap(const KeyEncryptionKey& by, std::string_view subject,
                              std::string_view wrapped) {
  const auto nonce = wrapped.substr(0, nonce_bytes);
  auto value = decrypt(by, nonce, wrap_context(subject), wrapped.substr(nonce.size()));
  if (!value || value->size() != sizeof(DataKey)) return std::nullopt;
  DataKey key{};
  std::ranges::copy(*value, key.begin());
  sodium_memzero(value->data(), value->size());
  return key;
}

std::optional<DataKey> unwrap(const KeyEncryptionKeys& by, std::string_view subject,
                              std::string_view wrapped) {
  auto key = unwrap(by.current, subject, wrapped);
  if (!key && by.previous) key = unwrap(*by.previous, subject, wrapped);
  return key;
}

Error does_not_open(std::string_view subject) {
  return {ErrorKind::kUnavailable,
          {fmt::format("The key of {} does not open under this key file.", subject)}};
}

}  // namespace

struct Vault::Generation {
  explicit Generation(const KeyEncryptionKeys& of) : keys(of) {}
  ~Generation() {
    sodium_memzero(&keys, sizeof keys);
    ended.set_value();
  }
  Generation(const Generation&) = delete;
  Generation& operator=(const Generation&) = delete;

  KeyEncryptionKeys keys;
  mutable std::promise<void> ended;
};

Vault::Vault(EventLog& log, const KeyEncryptionKeys& keys, Random& random)
    : log_(log), random_(random), generation_(std::make_shared<const Generation>(keys)) {}

std::shared_ptr<const Vault::Generation> Vault::generation() const {
  const std::scoped_lock lock(mutex_);
  return generation_;
}

VaultWrite Vault::wrap(std::string_view subject, const DataKey& key) {
  auto by = generation();
  const auto nonce = random_nonce(random_);
  const std::string_view value(reinterpret_cast<const char*>(key.data()), key.size());
  return {std::string(subject), nonce + encrypt(by->keys.current, nonce, wrap_context(subject), value), "",
          std::move(by)};
}

std::pair<DataKey, VaultWrite> Vault::make(std::string_view subject) {
  DataKey key{};
  random_.fill(key);
  auto write = wrap(subject, key);
  return {key, std::move(write)};
}

bool Vault::is_destroyed_by(const Event& event) {
  return event.has_token_deleted() || event.has_user_erased() || ends_webhook(event);
}

Result<std::optional<DataKey>> Vault::get(std::string_view subject) {
  // Held until the row is open: no rotation goes on past what knows the key that wrapped it.
  const auto by = generation();
  const auto wrapped = log_.read_vault(subject);
  if (!wrapped) return std::nullopt;
  auto key = unwrap(by->keys, subject, *wrapped);
  if (key) return key;
  return std::unexpected(does_not_open(subject));
}

std::string Vault::row_problem(const VaultRow& row, const std::optional<KeyEncryptionKeys>& keys) {
  if (row.wrapped_key.size() != nonce_bytes + sizeof(DataKey) + tag_bytes)
    return fmt::format("the key of {} in its vault has not the form of a wrapped one", row.subject);
  if (!keys || unwrap(*keys, row.subject, row.wrapped_key)) return "";
  return fmt::format("the key of {} in its vault does not open under this key file", row.subject);
}

std::string Vault::row_problem(const VaultRow& row) {
  auto problem = row_problem(row, std::nullopt);
  if (problem.empty() && !get(row.subject)) {
    problem = fmt::format("the key of {} in its vault does not open under this key file", row.subject);
  }
  return problem;
}

Sealed Vault::seal(const DataKey& key, std::string_view subject, std::uint64_t version,
                   std::string_view value) {
  Sealed sealed;
  sealed.set_nonce(random_nonce(random_));
  sealed.set_ciphertext(encrypt(key, sealed.nonce(), seal_context(subject, version), value));
  return sealed;
}

std::optional<std::string> Vault::open(const DataKey& key, std::string_view subject, std::uint64_t version,
                                       const Sealed& sealed) {
  return decrypt(key, sealed.nonce(), seal_context(subject, version), sealed.ciphertext());
}

std::pair<PepperKey, VaultWrite> Vault::make_pepper(std::uint32_t number) {
  return make(pepper_subject(number));
}

Result<Peppers> Vault::load_peppers() {
  std::vector<PepperKey> keys;
  while (keys.size() < Peppers::count_max) {
    const auto key = get(pepper_subject(static_cast<std::uint32_t>(keys.size() + 1)));
    if (!key) {
      return fail(ErrorKind::kUnavailable,
                  "The key file is not the one that this data folder was made with.");
    }
    if (!*key) break;
    keys.push_back(**key);
  }
  if (keys.empty())
    return fail(ErrorKind::kUnavailable, "The vault holds no pepper: the data folder is incomplete.");
  const auto added = log_.version_of("peppers");
  if (keys.size() < added) {
    return fail(
        ErrorKind::kUnavailable,
        fmt::format("The vault lacks pepper {} of {}: it is older than the log.", keys.size() + 1, added));
  }
  return Peppers(keys);
}

Result<void> Vault::check_all(const KeyEncryptionKeys& keys) const {
  std::string after;
  for (;;) {
    const auto rows = log_.read_vault_after(after, wrap_batch_rows);
    if (rows.empty()) return {};
    after = rows.back().subject;
    for (const auto& row : rows) {
      auto key = unwrap(keys, row.subject, row.wrapped_key);
      if (!key) return std::unexpected(does_not_open(row.subject));
      sodium_memzero(key->data(), key->size());
    }
  }
}

bool Vault::start_rotation(const KeyEncryptionKeys& keys, std::chrono::milliseconds patience) {
  auto fresh = std::make_shared<const Generation>(keys);
  {
    const std::scoped_lock lock(mutex_);
    draining_.push_back(generation_->ended.get_future());
    generation_.swap(fresh);
  }
  fresh.reset();
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (!draining_.empty()) {
    if (draining_.back().wait_until(deadline) != std::future_status::ready) return false;
    draining_.pop_back();
  }
  return true;
}

Result<std::uint64_t> Vault::wrap_all_anew() {
  std::uint64_t count = 0;
  std::string after;
  for (;;) {
    const auto rows = log_.read_vault_after(after, wrap_batch_rows);
    if (rows.empty()) return count;
    after = rows.back().subject;
    const auto by = generation();
    AppendRequest request;
    for (const auto& row : rows) {
      if (unwrap(by->keys.current, row.subject, row.wrapped_key)) continue;
      auto key = unwrap(by->keys, row.subject, row.wrapped_key);
      if (!key) return std::unexpected(does_not_open(row.subject));
      auto write = wrap(row.subject, *key);
      sodium_memzero(key->data(), key->size());
      write.replaces = row.wrapped_key;
      request.vault_writes.push_back(std::move(write));
    }
    if (request.vault_writes.empty()) continue;
    count += request.vault_writes.size();
    const auto written = append_and_wait(log_, std::move(request));
    if (!written) return fail(ErrorKind::kUnavailable, written.error().message);
  }
}

void Vault::end_rotation() {
  auto fresh = std::make_shared<const Generation>(KeyEncryptionKeys{generation()->keys.current});
  const std::scoped_lock lock(mutex_);
  generation_.swap(fresh);
}

bool Vault::is_rotating() const {
  return generation()->keys.previous.has_value();
}

}  // namespace mintmark
