#include "tools/upkeep.h"

#include <algorithm>
#include <exception>
#include <utility>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include "tools/index_snapshot.h"

namespace mintmark {

Upkeep::Upkeep(const Subjects& subjects, Options options)
    : subjects_(subjects), options_(std::move(options)) {
  if (options_.tree_head_interval.count() > 0) {
    subjects_.signed_position = 0;
    signing_ = std::jthread([this](const std::stop_token& stop) { sign(stop); });
  }
  forgetting_ = std::jthread([this](const std::stop_token& stop) { forget(stop); });
  saving_ = std::jthread([this](const std::stop_token& stop) { save(stop); });
  if (options_.verified_events_per_second > 0) {
    verifying_ = std::jthread([this](const std::stop_token& stop) { verify(stop); });
  }
}

Upkeep::~Upkeep() {
  const bool signs = signing_.joinable();
  for (auto* thread : {&signing_, &verifying_, &forgetting_, &saving_}) {
    thread->request_stop();
    if (thread->joinable()) thread->join();
  }
  if (signs) publish();
}

// Tells, but stops nothing: the log itself is as durable without a signature.
void Upkeep::publish() {
  try {
    const auto published = subjects_.tree_heads.publish_if_grown();
    if (!published) spdlog::error("no tree head is signed: {}", published.error().messages.front());
    if (const auto loss = subjects_.tree_heads.take_loss(); !loss.empty()) {
      subjects_.damage_found = true;
      spdlog::error("{}", loss);
    }
  } catch (const std::exception& error) {
    spdlog::error("no tree head is signed: {}", error.what());
  }
  subjects_.signed_position = static_cast<std::int64_t>(subjects_.tree_heads.published());
}

void Upkeep::sign(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    publish();
    wait(options_.tree_head_interval, stop);
  }
}

void Upkeep::verify(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    try {
      verify_once(stop);
    } catch (const std::exception& error) {
      spdlog::error("the log could not be verified: {}", error.what());
    }
    wait(options_.verify_rest, stop);
  }
}

void Upkeep::verify_once(const std::stop_token& stop) {
  VerifyOptions options;
  options.tree_heads = [this](const TreeHeadVisitor& visit) {
    const auto read = subjects_.tree_heads.read_own(visit);
    if (!read.problem.empty()) {
      // What cannot be read now may be readable at the next pass.
      if (read.kind == ErrorKind::kInvalid) subjects_.damage_found = true;
      spdlog::error("{}", read.problem);
    }
    return true;
  };
  options.vault_problem = options_.vault_problem;
  options.events_per_second = options_.verified_events_per_second;
  options.stop = stop;
  const auto report = subjects_.log.verify([](Position, Position) {}, options);
  if (!report.problem.empty()) {
    subjects_.damage_found = true;
    spdlog::critical("the log is damaged: {}", report.problem);
  } else if (!stop.stop_requested()) {
    subjects_.verified_at_s =
        std::chrono::floor<std::chrono::seconds>(subjects_.clock.now()).time_since_epoch().count();
    spdlog::debug("{} events verified, none missing or changed", report.head);
  }
}

void Upkeep::forget(const std::stop_token& stop) {
  for (wait(options_.vault_rest, stop); !stop.stop_requested(); wait(options_.vault_rest, stop)) {
    if (!subjects_.log.may_hold_destroyed_keys()) continue;
    try {
      const auto rewritten = subjects_.log.rewrite_vault();
      if (!rewritten)
        spdlog::error("destroyed keys are still on the disk: {}", rewritten.error().messages.front());
    } catch (const std::exception& error) {
      spdlog::error("destroyed keys are still on the disk: {}", error.what());
    }
  }
}

void Upkeep::save(const std::stop_token& stop) {
  const auto& index = subjects_.authorization_index;
  auto tried_at = std::chrono::steady_clock::now();
  Position tried = 0;
  for (wait(options_.index_look, stop); !stop.stop_requested(); wait(options_.index_look, stop)) {
    const auto now = std::chrono::steady_clock::now();
    const bool has_moved_far =
        index.checkpoint() - std::max(index.saved(), tried) >= options_.index_events_max;
    if (now - tried_at < options_.index_rest && !has_moved_far) continue;
    tried_at = now;
    tried = index.checkpoint();
    save_index_snapshot(subjects_.authorization_index, subjects_.index_snapshot, subjects_.log.log_id());
  }
}

void Upkeep::wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  stopping_.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace mintmark
