#include "tools/upkeep.h"

#include <exception>

#include <fmt/format.h>
#include <spdlog/spdlog.h>

namespace mintmark {
namespace {

// Tells, but stops nothing: the log itself is as durable without a signature.
void publish(TreeHeadJournal& tree_heads) {
  try {
    const auto published = tree_heads.publish_if_grown();
    if (!published) spdlog::error("no tree head is signed: {}", published.error().messages.front());
  } catch (const std::exception& error) {
    spdlog::error("no tree head is signed: {}", error.what());
  }
}

}  // namespace

Upkeep::Upkeep(RocksDbLog& log, TreeHeadJournal& tree_heads, std::atomic<bool>& damage_found, Options options)
    : log_(log), tree_heads_(tree_heads), damage_found_(damage_found), options_(options) {
  if (options_.tree_head_interval.count() > 0) {
    signing_ = std::jthread([this](const std::stop_token& stop) { sign(stop); });
  }
  forgetting_ = std::jthread([this](const std::stop_token& stop) { forget(stop); });
  if (options_.verified_events_per_second > 0) {
    verifying_ = std::jthread([this](const std::stop_token& stop) { verify(stop); });
  }
}

Upkeep::~Upkeep() {
  const bool signs = signing_.joinable();
  for (auto* thread : {&signing_, &verifying_, &forgetting_}) {
    thread->request_stop();
    if (thread->joinable()) thread->join();
  }
  if (signs) publish(tree_heads_);
}

void Upkeep::sign(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    publish(tree_heads_);
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
  auto heads = tree_heads_.valid_heads();
  if (!heads.problem.empty()) {
    // What cannot be read now may be readable at the next pass.
    if (heads.kind == ErrorKind::kInvalid) damage_found_ = true;
    spdlog::error("{}", heads.problem);
  }
  options.tree_heads = std::move(heads.heads);
  options.events_per_second = options_.verified_events_per_second;
  options.stop = stop;
  const auto report = log_.verify([](Position, Position) {}, options);
  if (!report.problem.empty()) {
    damage_found_ = true;
    spdlog::critical("the log is damaged: {}", report.problem);
  } else if (!stop.stop_requested()) {
    spdlog::debug("{} events verified, none missing or changed", report.head);
  }
}

void Upkeep::forget(const std::stop_token& stop) {
  for (wait(options_.vault_rest, stop); !stop.stop_requested(); wait(options_.vault_rest, stop)) {
    if (!log_.may_hold_destroyed_keys()) continue;
    try {
      const auto rewritten = log_.rewrite_vault();
      if (!rewritten)
        spdlog::error("destroyed keys are still on the disk: {}", rewritten.error().messages.front());
    } catch (const std::exception& error) {
      spdlog::error("destroyed keys are still on the disk: {}", error.what());
    }
  }
}

void Upkeep::wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  stopping_.wait_for(lock, stop, time, [] { return false; });
}

}  // namespace mintmark
