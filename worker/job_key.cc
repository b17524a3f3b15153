#include "worker/job_key.h"

#include <array>
#include <charconv>
#include <stdexcept>

#include <fmt/format.h>

namespace mintmark {
namespace {

template <class Number>
std::optional<Number> take_number(std::string_view& text) {
  Number number = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (code != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

}  // namespace

JobKey key_of(const JobReference& reference) {
  return {reference.position(), reference.kind(), reference.target()};
}

JobReference reference_to(const JobKey& key) {
  JobReference reference;
  reference.set_position(key.position);
  reference.set_kind(key.kind);
  reference.set_target(key.target);
  return reference;
}

std::string job_id(const JobKey& key) {
  return fmt::format("JB-{}-{}-{:09}", key.position, static_cast<int>(key.kind), key.target);
}

std::optional<JobKey> parse_job_id(std::string_view text) {
  const auto whole = text;
  if (!take(text, "JB-")) return std::nullopt;
  const auto position = take_number<Position>(text);
  if (!position || !take(text, "-")) return std::nullopt;
  const auto kind = take_number<std::uint8_t>(text);
  if (!kind || !JobKind_IsValid(*kind) || !take(text, "-")) return std::nullopt;
  const auto target = take_number<std::uint32_t>(text);
  if (!target || *target >= WebhookId::value_end || !text.empty()) return std::nullopt;
  const JobKey key{*position, static_cast<JobKind>(*kind), *target};
  // Each job has one id: no other spelling of the numbers.
  return job_id(key) == whole ? std::optional(key) : std::nullopt;
}

bool is_about_webhook(JobKind kind) {
  return kind == DELIVER_WEBHOOK || kind == TEST_WEBHOOK || kind == STOP_WEBHOOK;
}

WebhookId webhook_of(const JobKey& key) {
  return WebhookId::from_value(key.target);
}

TokenId token_of(const JobKey& key) {
  return TokenId::from_value(key.target);
}

JobSubject subject_of(const JobKey& key) {
  using enum JobSubject::Group;
  constexpr std::array groups{kDeliveries, kConnections, kConnections, kDeliveries,
                              kTests,      kStops,       kFollowing};
  const auto kind = static_cast<std::size_t>(key.kind);
  if (kind == 0 || kind >= groups.size()) throw std::logic_error("a job of an unknown kind");
  return {groups[kind], key.target};
}

std::string message_id(const StoredJob& job) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text = "msg_";
  for (const char byte : job.event_id()) {
    text += digits[static_cast<unsigned char>(byte) >> 4];
    text += digits[static_cast<unsigned char>(byte) & 0xF];
  }
  return fmt::format("{}_{:09}", text, job.key().target());
}

}  // namespace mintmark
