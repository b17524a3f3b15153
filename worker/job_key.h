#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "domain/events.pb.h"
#include "domain/ids.h"
#include "eventstore/event_log.h"
#include "worker/jobs.pb.h"

namespace mintmark {

// Tells one job from every other: what is to be done, for which event, to whom.
struct JobKey {
  Position position = 0;
  JobKind kind = JOB_KIND_UNSPECIFIED;
  std::uint32_t target = 0;  // the digits of the webhook's or the token's id

  auto operator<=>(const JobKey&) const = default;
};

JobKey key_of(const JobReference& reference);
JobReference reference_to(const JobKey& key);

// JB-42-3-000000009 and back: the event's position, the kind's number, the target's digits.
std::string job_id(const JobKey& key);
std::optional<JobKey> parse_job_id(std::string_view text);

// Whether the job's target is a webhook; otherwise it is a token.
bool is_about_webhook(JobKind kind);
WebhookId webhook_of(const JobKey& key);
TokenId token_of(const JobKey& key);

// Jobs of one subject run in order, one at a time. The groups keep what must not wait for one another apart.
struct JobSubject {
  enum class Group : std::uint8_t { kDeliveries, kTests, kStops, kConnections, kFollowing };
  Group group = Group::kDeliveries;
  std::uint32_t target = 0;

  auto operator<=>(const JobSubject&) const = default;
};
JobSubject subject_of(const JobKey& key);

// What a delivery's receiver can tell repeats by, the same for every attempt: webhook-id of Standard
// Webhooks. It stands for the event and the webhook.
std::string message_id(const StoredJob& job);

}  // namespace mintmark

template <>
struct std::hash<mintmark::JobSubject> {
  std::size_t operator()(const mintmark::JobSubject& subject) const noexcept {
    return std::hash<std::uint64_t>()(static_cast<std::uint64_t>(subject.group) << 32 | subject.target);
  }
};
