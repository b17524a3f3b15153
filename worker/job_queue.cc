#include "worker/job_queue.h"

#include <algorithm>

namespace mintmark {

// The job whose turn it is: the first that is not as good as done.
std::map<JobKey, JobQueue::Entry>::const_iterator JobQueue::head(const Subject& subject) {
  return std::ranges::find_if(subject.jobs, [](const auto& job) { return !job.second.passed; });
}

JobQueue::Hold JobQueue::hold_of(const JobSubject& subject) const {
  const auto found = holds_.find(subject);
  return found == holds_.end() ? Hold{} : found->second;
}

// Puts the subject where it belongs among all, or nowhere.
void JobQueue::schedule(const JobSubject& id, Subject& subject) {
  std::optional<Time> at;
  const auto hold = hold_of(id);
  const auto first = head(subject);
  if (first != subject.jobs.end() && !hold.held && !subject.set_aside && !first->second.settled) {
    at = std::max({first->second.due, first->second.leased_until, hold.not_before});
  }
  if (at == subject.scheduled) return;
  if (subject.scheduled) schedule_.erase({*subject.scheduled, id});
  if (at) schedule_.emplace(*at, id);
  subject.scheduled = at;
}

void JobQueue::put(const JobKey& key, Time due, bool has_failed, std::uint32_t attempts) {
  const auto id = subject_of(key);
  auto& subject = subjects_[id];
  const auto [place, is_new] = subject.jobs.try_emplace(key);
  if (is_new) ++size_;
  auto& entry = place->second;
  if (entry.attempts != attempts) entry = {};
  entry.due = due;
  entry.has_failed = has_failed;
  entry.attempts = attempts;
  schedule(id, subject);
}

void JobQueue::erase(const JobKey& key) {
  const auto id = subject_of(key);
  const auto found = subjects_.find(id);
  if (found == subjects_.end() || found->second.jobs.erase(key) == 0) return;
  --size_;
  schedule(id, found->second);
  if (found->second.jobs.empty() && !found->second.set_aside) subjects_.erase(found);
}

void JobQueue::hold(const JobSubject& subject, bool held, Time not_before) {
  if (held || not_before != Time()) {
    holds_[subject] = {held, not_before};
  } else {
    holds_.erase(subject);
  }
  if (const auto found = subjects_.find(subject); found != subjects_.end()) schedule(subject, found->second);
}

std::optional<JobQueue::Claimed> JobQueue::claim(Time now, Time leased_until,
                                                 const std::function<bool(const JobSubject&)>& admit) {
  while (!schedule_.empty() && schedule_.begin()->first <= now) {
    const auto id = schedule_.begin()->second;
    auto& subject = subjects_.at(id);
    if (admit && !admit(id)) {
      subject.set_aside = true;
      schedule(id, subject);
      continue;
    }
    const auto key = head(subject)->first;
    auto& entry = subject.jobs.at(key);
    entry.fence = ++last_fence_;
    entry.leased_until = leased_until;
    schedule(id, subject);
    return Claimed{key, entry.fence};
  }
  return std::nullopt;
}

void JobQueue::readmit(const JobSubject& subject) {
  const auto found = subjects_.find(subject);
  if (found == subjects_.end()) return;
  found->second.set_aside = false;
  schedule(subject, found->second);
  if (found->second.jobs.empty()) subjects_.erase(found);
}

JobQueue::Entry* JobQueue::claimed(const JobKey& key, std::uint64_t fence) {
  const auto found = subjects_.find(subject_of(key));
  if (found == subjects_.end()) return nullptr;
  const auto job = found->second.jobs.find(key);
  if (job == found->second.jobs.end() || job->second.fence != fence) return nullptr;
  return &job->second;
}

bool JobQueue::extend(const JobKey& key, std::uint64_t fence, Time leased_until) {
  auto* entry = claimed(key, fence);
  if (!entry) return false;
  entry->leased_until = leased_until;
  const auto id = subject_of(key);
  schedule(id, subjects_.at(id));
  return true;
}

bool JobQueue::give_back(const JobKey& key, std::uint64_t fence, Time due) {
  auto* entry = claimed(key, fence);
  if (!entry) return false;
  *entry = {.due = due, .has_failed = entry->has_failed, .attempts = entry->attempts};
  const auto id = subject_of(key);
  schedule(id, subjects_.at(id));
  return true;
}

bool JobQueue::settle(const JobKey& key, std::uint64_t fence, bool passed) {
  auto* entry = claimed(key, fence);
  if (!entry || entry->settled) return false;
  entry->settled = true;
  entry->passed = passed;
  const auto id = subject_of(key);
  schedule(id, subjects_.at(id));
  return true;
}

std::optional<Time> JobQueue::next_due() const {
  if (schedule_.empty()) return std::nullopt;
  return schedule_.begin()->first;
}

bool JobQueue::contains(const JobKey& key) const {
  const auto found = subjects_.find(subject_of(key));
  return found != subjects_.end() && found->second.jobs.contains(key);
}

JobQueue::State JobQueue::state(const JobKey& key, Time now) const {
  const auto id = subject_of(key);
  const auto found = subjects_.find(id);
  if (found == subjects_.end() || !found->second.jobs.contains(key)) return State::kAbsent;
  const auto& entry = found->second.jobs.at(key);
  if (entry.settled || (entry.fence != 0 && entry.leased_until > now)) return State::kRunning;
  if (hold_of(id).held) return State::kParked;
  const auto first = head(found->second);
  const bool waits_for_another = first->first != key && first->second.has_failed;
  return waits_for_another ? State::kParked : State::kWaiting;
}

std::vector<JobKey> JobQueue::jobs_of(const JobSubject& subject) const {
  std::vector<JobKey> keys;
  const auto found = subjects_.find(subject);
  if (found == subjects_.end()) return keys;
  keys.reserve(found->second.jobs.size());
  for (const auto& [key, entry] : found->second.jobs) keys.push_back(key);
  return keys;
}

JobQueue::Counts JobQueue::counts(Time now) const {
  Counts counts;
  for (const auto& [id, subject] : subjects_) {
    const auto first = head(subject);
    for (auto job = subject.jobs.begin(); job != subject.jobs.end(); ++job) {
      const auto& entry = job->second;
      const bool running = entry.settled || (entry.fence != 0 && entry.leased_until > now);
      if (running) {
        ++counts.running;
      } else if (hold_of(id).held || (job != first && first->second.has_failed)) {
        ++counts.parked;
      } else {
        ++counts.waiting;
        if (!counts.oldest_due || entry.due < *counts.oldest_due) counts.oldest_due = entry.due;
      }
    }
  }
  return counts;
}

}  // namespace mintmark
