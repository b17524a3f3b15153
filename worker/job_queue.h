#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <utility>
#include <vector>

#include "domain/time.h"
#include "worker/job_key.h"

namespace mintmark {

// The order of what waits: each subject's jobs one after the other, subjects beside each other, by when they
// are due. In memory and without a lock; claims, with their leases, live here alone. Everything takes time
// logarithmic in the number of subjects and of a subject's jobs.
class JobQueue {
 public:
  // Adds a waiting job, or changes when it is due. Where that many `attempts` at it are not what they were,
  // whoever had it has it no more; else they keep it.
  void put(const JobKey& key, Time due, bool has_failed, std::uint32_t attempts = 0);
  void erase(const JobKey& key);

  // What holds all jobs of a subject, or of one that comes later: `held` until told otherwise, and
  // `not_before`.
  void hold(const JobSubject& subject, bool held, Time not_before);

  struct Claimed {
    JobKey key;
    std::uint64_t fence;
  };
  // The first job that is due, whose subject is neither held nor busy and which `admit` takes. A subject that
  // `admit` does not take is set aside until readmit().
  std::optional<Claimed> claim(Time now, Time leased_until,
                               const std::function<bool(const JobSubject&)>& admit);
  void readmit(const JobSubject& subject);

  // Each answers false, and does nothing, where the claim is stale: its lease ended and another has the job,
  // or the job has changed.
  bool extend(const JobKey& key, std::uint64_t fence, Time leased_until);
  // Gives it back as if it had never been claimed, to be due then.
  bool give_back(const JobKey& key, std::uint64_t fence, Time due);
  // What came of it is about to be recorded: the claim lasts until put() tells of that, or erase(). Where
  // `passed`, the subject's next job need not wait for that.
  bool settle(const JobKey& key, std::uint64_t fence, bool passed);

  // When a job that cannot be claimed now may become claimable; nothing where there is none.
  std::optional<Time> next_due() const;

  bool contains(const JobKey& key) const;
  // Whether the claim with that fence stands.
  bool is_claimed(const JobKey& key, std::uint64_t fence) { return claimed(key, fence) != nullptr; }

  enum class State : std::uint8_t { kAbsent, kWaiting, kRunning, kParked };
  // kParked: its subject is held, or an earlier job of it has failed and not passed yet.
  State state(const JobKey& key, Time now) const;
  std::vector<JobKey> jobs_of(const JobSubject& subject) const;

  struct Counts {
    std::size_t waiting = 0;
    std::size_t running = 0;
    std::size_t parked = 0;
    std::optional<Time> oldest_due;  // of what waits for nothing but its turn: not while its circuit is open
  };
  // Goes through all subjects, but not through their jobs.
  Counts counts(Time now) const;
  std::size_t size() const { return size_; }

 private:
  struct Entry {
    Time due;
    bool has_failed = false;
    std::uint32_t attempts = 0;
    std::uint64_t fence = 0;  // 0: nobody has it
    Time leased_until = {};
    bool settled = false;
    bool passed = false;
  };
  struct Hold {
    bool held = false;
    Time not_before = {};
  };
  struct Subject {
    std::map<JobKey, Entry> jobs;
    std::optional<Time> scheduled;  // its place in schedule_
    std::size_t claimed = 0;        // jobs with a fence
    bool set_aside = false;
  };
  using Subjects = std::unordered_map<JobSubject, Subject>;

  static std::map<JobKey, Entry>::const_iterator head(const Subject& subject);
  static bool is_running(const Entry& entry, Time now);
  static std::size_t running(const Subject& subject, Time now);
  void schedule(const JobSubject& id, Subject& subject);
  Entry* claimed(const JobKey& key, std::uint64_t fence);
  Hold hold_of(const JobSubject& subject) const;

  Subjects subjects_;
  std::unordered_map<JobSubject, Hold> holds_;  // of those that are not at their default
  std::set<std::pair<Time, JobSubject>> schedule_;
  std::uint64_t last_fence_ = 0;
  std::size_t size_ = 0;
};

}  // namespace mintmark
