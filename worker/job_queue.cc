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
  if (entry.attempts != attempts) {
    if (entry.fence != 0) --subject.claimed;
    entry = {};
  }
  entry.due = due;
  entry.has_failed = has_failed;
  entry.attempts = attempts;
  schedule(id, subject);
}

void JobQueue::erase(const JobKey& key) {
  const auto id = subject_of(key);
  const auto found = subjects_.find(id);
  if (found == subjects_.end()) return;
  auto& subject = found->second;
  const auto job = subject.jobs.find(key);
  if (job == subject.jobs.end()) return;
  if (job->second.fence != 0) --subject.claimed;
  subject.jobs.erase(job);
  --size_;
  schedule(id, subject);
  if (subject.jobs.empty() && !subject.set_aside) subjects_.erase(found);
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
    if (entry.fence == 0) ++subject.claimed;
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
  auto& subject = subjects_.at(id);
  --subject.claimed;
  schedule(id, subject);
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
  if (is_running(found->second.jobs.at(key), now)) return State::kRunning;
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

bool JobQueue::is_running(const Entry& entry, Time now) {
  return entry.settled || (entry.fence != 0 && entry.leased_until > now);
}

// What is claimed stands at the front, but where an earlier job was retried meanwhile.
std::size_t JobQueue::running(const Subject& subject, Time now) {
  std::size_t count = 0;
  auto left = subject.claimed;
  for (auto job = subject.jobs.begin(); left > 0; ++job) {
    if (job->second.fence == 0) continue;
    --left;
    if (is_running(job->second, now)) ++count;
  }
  return count;
}

JobQueue::Counts JobQueue::counts(Time now) const {
  Counts counts;
  for (const auto& [id, subject] : subjects_) {
    const auto running_here = running(subject, now);
    const auto others = subject.jobs.size() - running_here;
    counts.running += running_here;
    const auto hold = hold_of(id);
    if (hold.held) counts.parked += others;
    if (hold.held || others == 0) continue;
    const auto first = head(subject);
    const auto next = std::find_if(first, subject.jobs.end(),
                                   [now](const auto& job) { return !is_running(job.second, now); });
    // Behind one that has failed nobody has a turn.
    const std::size_t waiting = !first->second.has_failed ? others : next == first ? 1 : 0;
    counts.waiting += waiting;
    counts.parked += others - waiting;
    if (waiting == 0) continue;
    const auto due = std::max(next->second.due, hold.not_before);
    if (!counts.oldest_due || due < *counts.oldest_due) counts.oldest_due = due;
  }
  return counts;
}

}  // namespace mintmark
