#include "eventstore/committer.h"

#include <algorithm>
#include <exception>
#include <iterator>
#include <utility>

#include "domain/limits.h"
#include "eventstore/crash_point.h"

namespace mintmark {
namespace {

using Kind = AppendError::Kind;

AppendError outcome_unknown() {
  return {Kind::kUnknown, "the log failed while it was writing; retry with the same idempotency key"};
}

}  // namespace

Committer::Committer(RocksDbTables& tables, HeadAnchor& anchor, Options options)
    : tables_(tables),
      anchor_(anchor),
      options_(std::move(options)),
      tree_(options_.tree),
      anchored_tree_(options_.tree),
      head_(options_.tree.size()) {
  if (options_.drive == Drive::kCaller) return;
  anchor_thread_ = std::thread([this] { anchor_until_stopped(); });
  commit_thread_ = std::thread([this] { commit_until_stopped(); });
}

Committer::~Committer() {
  {
    const std::scoped_lock lock(mutex_);
    stopping_ = true;
  }
  if (options_.drive == Drive::kCaller) {
    while (commit_step() || anchor_step()) {
    }
    return;
  }
  queue_grown_.notify_one();
  commit_thread_.join();
  {
    const std::scoped_lock lock(mutex_);
    commits_ended_ = true;
  }
  written_grown_.notify_one();
  anchor_thread_.join();
}

void Committer::append(AppendRequest request, AppendDone done) {
  AppendError refusal = outcome_unknown();
  {
    const std::scoped_lock lock(mutex_);
    const bool ended = failed_ || stopping_;
    if (!ended && unanswered_ < limits::append_queue_max) {
      queue_.push_back({std::move(request), std::move(done)});
      ++unanswered_;
      queue_grown_.notify_one();
      return;
    }
    if (!ended) refusal = AppendError{Kind::kBusy, "too many writes are waiting; try again"};
  }
  done(std::unexpected(std::move(refusal)));
}

MerkleTree Committer::tree() const {
  const std::scoped_lock lock(mutex_);
  return anchored_tree_;
}

bool Committer::wait_past(Position after, std::stop_token stop) {
  std::unique_lock lock(mutex_);
  return head_moved_.wait(lock, std::move(stop), [&] { return head() > after; });
}

std::vector<Committer::Waiting> Committer::take_queued() {
  std::vector<Waiting> taken;
  const std::scoped_lock lock(mutex_);
  std::size_t events = 0;
  while (!queue_.empty()) {
    for (const auto& append : queue_.front().request.streams) events += append.events.size();
    if (!taken.empty() && events > limits::commit_batch_events_max) break;
    taken.push_back(std::move(queue_.front()));
    queue_.pop_front();
  }
  return taken;
}

bool Committer::commit_step() {
  auto waiting = take_queued();
  if (waiting.empty()) return false;
  commit(std::move(waiting));
  return true;
}

void Committer::commit_until_stopped() {
  do {
    std::unique_lock lock(mutex_);
    queue_grown_.wait(lock, [&] { return stopping_ || !queue_.empty(); });
  } while (commit_step());
}

AppendResult Committer::admit(CommitBatch& batch, AppendRequest&& request, std::uint64_t& free_disk_bytes) {
  const auto needed = request.frees_space ? limits::deletion_disk_bytes_min : limits::free_disk_bytes_min;
  if (free_disk_bytes < needed) {
    // Who asks again for what is stored already gets its answer: nothing has to be written for that.
    if (auto answer = batch.answer_without_writing(request)) return *answer;
    if (request.frees_space) {
      options_.reserve.give_up();
      free_disk_bytes = options_.free_disk_bytes();
    }
    if (free_disk_bytes < needed)
      return std::unexpected(AppendError{Kind::kDiskFull, "the disk is nearly full; nothing was stored"});
  }
  return batch.add(std::move(request));
}

void Committer::commit(std::vector<Waiting> waiting) {
  CommitBatch batch(tables_, tree_.size());
  std::vector<Answer> answers;
  answers.reserve(waiting.size());
  std::string failure;
  try {
    auto free_disk_bytes = options_.free_disk_bytes();
    // Again, once there is space; where there is none, deletions do without.
    [[maybe_unused]] const auto obstacle = options_.reserve.take(free_disk_bytes);
    for (auto& [request, done] : waiting) {
      // The answer is only good once the batch is durable; a failure below replaces it.
      answers.push_back({std::move(done), std::unexpected(outcome_unknown())});
      answers.back().result = admit(batch, std::move(request), free_disk_bytes);
    }
    if (!batch.empty()) {
      crash_point("batch decided");
      std::string nodes;
      for (const auto& event : batch.events()) tree_.append(event.bytes, &nodes);
      const auto status = tables_.write(batch, tree_, nodes);
      if (!status.ok()) failure = status.ToString();
      crash_point("batch written");
    }
  } catch (const std::exception& error) {
    failure = error.what();
  }
  if (!failure.empty()) {
    // Those that the loop did not reach are unanswered still.
    for (auto i = answers.size(); i < waiting.size(); ++i) {
      answers.push_back({std::move(waiting[i].done), std::unexpected(outcome_unknown())});
    }
    return fail_for_ever(failure, std::move(answers));
  }
  {
    const std::scoped_lock lock(mutex_);
    written_.push_back({tree_, std::move(answers)});
  }
  written_grown_.notify_one();
}

bool Committer::anchor_step() {
  std::vector<Written> written;
  {
    const std::scoped_lock lock(mutex_);
    written.swap(written_);
  }
  if (written.empty()) return false;
  anchor(std::move(written));
  return true;
}

void Committer::anchor_until_stopped() {
  do {
    std::unique_lock lock(mutex_);
    written_grown_.wait(lock, [&] { return commits_ended_ || !written_.empty(); });
  } while (anchor_step());
}

void Committer::anchor(std::vector<Written> written) {
  const auto& tree = written.back().tree;
  std::string failure;
  bool had_failed = false;
  {
    const std::scoped_lock lock(mutex_);
    had_failed = failed_;
  }
  if (!had_failed && tree.size() > head()) {
    crash_point("anchor due");
    const auto status = anchor_.write({options_.log_id, tree});
    if (!status.ok()) failure = status.ToString();
    crash_point("anchor written");
  }
  std::vector<Answer> answers;
  for (auto& batch : written) std::ranges::move(batch.answers, std::back_inserter(answers));
  if (had_failed || !failure.empty()) return fail_for_ever(failure, std::move(answers));
  {
    const std::scoped_lock lock(mutex_);
    anchored_tree_ = tree;
    head_.store(tree.size(), std::memory_order_release);
  }
  crash_point("head published");
  head_moved_.notify_all();
  give(std::move(answers));
}

void Committer::fail_for_ever(const std::string& reason, std::vector<Answer> answers) {
  bool first = false;
  {
    const std::scoped_lock lock(mutex_);
    first = !failed_;
    failed_ = true;
    for (auto& [request, done] : queue_)
      answers.push_back({std::move(done), std::unexpected(outcome_unknown())});
    queue_.clear();
  }
  for (auto& answer : answers) answer.result = std::unexpected(outcome_unknown());
  give(std::move(answers));
  if (first) options_.on_failure(reason);
}

void Committer::give(std::vector<Answer> answers) {
  {
    const std::scoped_lock lock(mutex_);
    unanswered_ -= answers.size();
  }
  for (auto& [done, result] : answers) {
    done(std::move(result));
    crash_point("one answered");
  }
}

}  // namespace mintmark
