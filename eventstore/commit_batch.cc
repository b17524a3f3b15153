#include "eventstore/commit_batch.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "domain/limits.h"

namespace mintmark {
namespace {

using Kind = AppendError::Kind;

// Breaches of the limits are mistakes of our own code, but cheaper to refuse than to store.
std::optional<AppendError> find_breach(const AppendRequest& request) {
  const auto only_wraps_anew = [](const VaultWrite& write) {
    return !write.replaces.empty() && !write.wrapped_key.empty();
  };
  if (request.streams.empty() && !request.vault_writes.empty() &&
      std::ranges::all_of(request.vault_writes, only_wraps_anew)) {
    return std::nullopt;
  }
  std::size_t events = 0;
  for (const auto& append : request.streams) {
    if (append.stream.empty() || append.stream.size() > limits::stream_name_bytes_max ||
        append.stream.find('\0') != std::string::npos) {
      return AppendError{Kind::kInvalid, "a stream name is 1 to 128 bytes without NUL"};
    }
    if (append.events.empty()) return AppendError{Kind::kInvalid, "an append names a stream without events"};
    const auto without_kind = [](const NewEvent& event) {
      return event.event.kind_case() == Event::KIND_NOT_SET;
    };
    if (std::ranges::any_of(append.events, without_kind)) {
      return AppendError{Kind::kInvalid, "an append holds an event of no kind"};
    }
    events += append.events.size();
    const auto same = [&](const StreamAppend& other) { return other.stream == append.stream; };
    if (std::ranges::count_if(request.streams, same) > 1) {
      return AppendError{Kind::kInvalid, "an append names a stream twice"};
    }
  }
  if (events == 0 || events > limits::append_events_max) {
    return AppendError{Kind::kInvalid,
                       fmt::format("an append holds 1 to {} events", limits::append_events_max)};
  }
  return std::nullopt;
}

}  // namespace

std::optional<AppendResult> CommitBatch::find_repeated(const AppendRequest& request) {
  if (request.streams.empty()) return std::nullopt;
  if (request.idempotency_key) {
    const auto& [key_hash, request_hash] = *request.idempotency_key;
    std::optional<EventLog::EarlierUse> earlier;
    if (const auto found = idempotency_keys_.find(key_hash); found != idempotency_keys_.end()) {
      earlier = found->second;
    } else {
      earlier = lookup_.idempotency_key(key_hash);
    }
    if (earlier && earlier->request_hash != request_hash) {
      return std::unexpected(AppendError{Kind::kKeyReused, "the idempotency key came with another request"});
    }
    if (earlier) return Committed{earlier->committed.first, earlier->committed.last, true};
  }
  const auto& first_event = request.streams.front().events.front().id;
  std::optional<Committed> earlier;
  if (const auto found = appends_.find(first_event); found != appends_.end()) {
    earlier = found->second;
  } else {
    earlier = lookup_.append_of(first_event);
  }
  if (earlier) return Committed{earlier->first, earlier->last, true};
  return std::nullopt;
}

std::uint64_t CommitBatch::version_of(const std::string& stream) {
  const auto found = stream_versions_.find(stream);
  return found != stream_versions_.end() ? found->second : lookup_.stream_version(stream);
}

std::optional<AppendResult> CommitBatch::answer_without_writing(const AppendRequest& request) {
  if (auto breach = find_breach(request)) return std::unexpected(std::move(*breach));
  return find_repeated(request);
}

AppendResult CommitBatch::add(AppendRequest&& request) {
  if (auto answer = answer_without_writing(request)) return *answer;
  if (request.streams.empty()) {
    take_vault_writes(std::move(request.vault_writes));
    return Committed{head_, head_, false};
  }
  for (const auto& append : request.streams) {
    const auto actual = version_of(append.stream);
    if (actual != append.expected_version) {
      auto message =
          fmt::format("stream {} is at version {}, not {}", append.stream, actual, append.expected_version);
      return std::unexpected(AppendError{Kind::kConflict, std::move(message), actual});
    }
  }
  auto encoded = encode(request);
  if (!encoded) {
    return std::unexpected(AppendError{Kind::kInvalid, "an event holds a text that is not valid UTF-8"});
  }
  const Committed committed{head_ + 1, head_ + encoded->size(), false};
  for (const auto& event : *encoded) stream_versions_[event.stream] = event.version;
  std::ranges::move(*encoded, std::back_inserter(events_));
  head_ = committed.last;
  appends_.emplace(request.streams.front().events.front().id, committed);
  if (request.idempotency_key) {
    auto& [key_hash, request_hash] = *request.idempotency_key;
    idempotency_keys_.emplace(std::move(key_hash), EventLog::EarlierUse{std::move(request_hash), committed});
  }
  take_vault_writes(std::move(request.vault_writes));
  return committed;
}

std::string CommitBatch::add_stored(std::vector<StoredEvent>&& append) {
  if (append.empty()) return "an append holds no event";
  std::map<std::string, std::uint64_t, std::less<>> versions;
  std::vector<EncodedEvent> encoded;
  for (auto& [bytes, recorded] : append) {
    const auto position = head_ + encoded.size() + 1;
    const auto found = versions.find(recorded.stream());
    const auto version = found != versions.end() ? found->second : version_of(recorded.stream());
    if (recorded.position() != position || recorded.version() != version + 1 ||
        recorded.event_id().size() != sizeof(EventId::bytes)) {
      return fmt::format("the event at position {} does not follow those before it", position);
    }
    versions[recorded.stream()] = recorded.version();
    encoded.push_back({position, recorded.stream(), recorded.version(), std::move(bytes)});
  }
  const auto& first = append.front().recorded;
  const Committed committed{head_ + 1, head_ + encoded.size(), false};
  for (const auto& [stream, version] : versions) stream_versions_[stream] = version;
  std::ranges::move(encoded, std::back_inserter(events_));
  head_ = committed.last;
  appends_.emplace(EventId::from_bytes(first.event_id()), committed);
  if (!first.idempotency_key_hash().empty()) {
    idempotency_keys_.emplace(first.idempotency_key_hash(),
                              EventLog::EarlierUse{first.request_hash(), committed});
  }
  return "";
}

void CommitBatch::take_vault_writes(std::vector<VaultWrite>&& writes) {
  for (auto& write : writes) {
    if (!write.replaces.empty()) {
      const auto pending = vault_rows_.find(write.subject);
      const auto row =
          pending != vault_rows_.end() ? std::optional(pending->second) : lookup_.vault_row(write.subject);
      if (row != write.replaces) continue;
    }
    vault_rows_[write.subject] = write.wrapped_key;
    vault_writes_.push_back(std::move(write));
  }
}

std::optional<std::vector<EncodedEvent>> CommitBatch::encode(AppendRequest& request) const {
  const auto& metadata = request.metadata;
  std::vector<EncodedEvent> encoded;
  Recorded recorded;
  recorded.set_recorded_at_us(metadata.recorded_at.time_since_epoch().count());
  *recorded.mutable_actor() = metadata.actor;
  recorded.set_request_id(metadata.request_id);
  recorded.set_correlation_id(metadata.correlation_id);
  recorded.set_causation_id(metadata.causation_id);
  recorded.set_client_ip(metadata.client_ip);
  if (request.idempotency_key) {
    recorded.set_idempotency_key_hash(request.idempotency_key->key_hash);
    recorded.set_request_hash(request.idempotency_key->request_hash);
  }
  for (auto& append : request.streams) {
    recorded.set_stream(append.stream);
    std::uint64_t version = append.expected_version;
    for (auto& [id, event] : append.events) {
      const Position position = head_ + encoded.size() + 1;
      recorded.set_position(position);
      recorded.set_version(++version);
      recorded.set_event_id(id.view().data(), id.view().size());
      *recorded.mutable_event() = std::move(event);
      encoded.push_back({position, append.stream, version, recorded.SerializeAsString()});
      // What does not decode would stop every reader of the log for ever: protobuf writes texts that are not
      // valid UTF-8, but does not read them.
      if (Recorded decoded; !decoded.ParseFromString(encoded.back().bytes)) return std::nullopt;
    }
  }
  return encoded;
}

}  // namespace mintmark
