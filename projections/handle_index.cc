#include "projections/handle_index.h"

#include <string>

#include "eventstore/bytes.h"

namespace mintmark {
namespace {

// Keys:  h pepper, digest → token      t token → TokenHandlesRow
std::string handle_key(std::uint32_t pepper, std::string_view digest) {
  std::string key = "h";
  put_big_endian(key, pepper);
  return key.append(digest);
}

std::string handles_key(std::string_view stream) {
  return std::string("t").append(stream);
}

std::optional<TokenId> token_of_stream(std::string_view stream) {
  constexpr std::string_view prefix = "token-";
  return stream.starts_with(prefix) ? TokenId::parse(stream.substr(prefix.size())) : std::nullopt;
}

// One token's handles, written back by store().
class Handles {
 public:
  Handles(RowWriter& rows, const std::string& stream) : rows_(rows), key_(handles_key(stream)) {
    if (const auto stored = rows.get(key_)) row_.ParseFromString(*stored);
  }

  void drop_handle() {
    if (!row_.handle().empty()) rows_.erase(row_.handle());
    row_.clear_handle();
  }
  void drop_renewed() {
    if (!row_.renewed_handle().empty()) rows_.erase(row_.renewed_handle());
    row_.clear_renewed_handle();
  }
  void set_handle(const std::string& key) { row_.set_handle(key); }
  void set_renewed(const std::string& key) { row_.set_renewed_handle(key); }
  // The renewed handle is the token's from here on.
  void complete_renewal() {
    if (row_.renewed_handle().empty()) return;
    drop_handle();
    row_.set_handle(row_.renewed_handle());
    row_.clear_renewed_handle();
  }

  void store() {
    if (row_.handle().empty() && row_.renewed_handle().empty()) return rows_.erase(key_);
    rows_.put(key_, row_.SerializeAsString());
  }

 private:
  RowWriter& rows_;
  const std::string key_;
  TokenHandlesRow row_;
};

// Puts the handle under its key, which it gives; the failure is an event of another shape than ours.
Result<std::string> add(const SecretDigest& digest, TokenId id, RowWriter& rows) {
  if (digest.digest().size() != std::tuple_size_v<Digest>) return cannot_apply("the digest's size is wrong");
  auto key = handle_key(digest.pepper(), digest.digest());
  rows.put(key, id.text());
  return key;
}

Result<void> change_handles(const Recorded& recorded, RowWriter& rows) {
  const auto id = token_of_stream(recorded.stream());
  if (!id) return cannot_apply("the stream is not a token's");
  const auto& event = recorded.event();
  Handles handles(rows, recorded.stream());
  if (event.has_token_created()) {
    const auto key = add(event.token_created().handle_digest(), *id, rows);
    if (!key) return std::unexpected(key.error());
    handles.set_handle(*key);
  } else if (event.has_token_rotated()) {
    handles.drop_handle();
    handles.drop_renewed();
    const auto key = add(event.token_rotated().credentials().handle_digest(), *id, rows);
    if (!key) return std::unexpected(key.error());
    handles.set_handle(*key);
  } else if (event.has_token_renewed()) {
    handles.drop_renewed();
    const auto key = add(event.token_renewed().credentials().handle_digest(), *id, rows);
    if (!key) return std::unexpected(key.error());
    handles.set_renewed(*key);
  } else if (event.has_token_renewal_completed()) {
    handles.complete_renewal();
  } else {
    handles.drop_handle();
    handles.drop_renewed();
  }
  handles.store();
  return {};
}

bool concerns_handles(const Event& event) {
  return event.token_created().has_handle_digest() ||
         event.token_rotated().credentials().has_handle_digest() ||
         event.token_renewed().credentials().has_handle_digest() || event.has_token_renewal_completed() ||
         event.has_token_deleted();
}

}  // namespace

Result<void> HandleIndex::apply_event(const StoredEvent& event, RowWriter& rows) {
  if (!concerns_handles(event.recorded.event())) return {};
  return change_handles(event.recorded, rows);
}

std::optional<TokenId> HandleIndex::find(std::uint32_t pepper, const Digest& digest) const {
  const std::string_view bytes(reinterpret_cast<const char*>(digest.data()), digest.size());
  const auto stored = view().get(handle_key(pepper, bytes));
  return stored ? TokenId::parse(*stored) : std::nullopt;
}

}  // namespace mintmark
