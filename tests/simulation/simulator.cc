#include "tests/simulation/simulator.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

namespace mintmark::testing {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t clients = 5;
constexpr std::size_t starts_max = 200;

}  // namespace

Simulator::Simulator(Options options)
    : options_(options),
      dice_(options.seed),
      disk_(options.seed),
      random_(options.seed),
      world_{folder_.path().string(), dice_, disk_, time_, random_, receivers_, ledger_} {
  ledger_.on_event = [this](const StoredEvent& event) { shadow_.take(event); };
  receivers_.on_call = [this](const std::string& message) { shadow_.check_call(message); };
  for (std::size_t i = 0; i < clients; ++i) {
    clients_.push_back(std::make_unique<SimulatedClient>(i, world_, shadow_, clients_));
  }
}

Simulator::Report Simulator::run() {
  Report report;
  CrashPlan::instance().start_over();
  try {
    reference_.emplace(time_);
    Node::create(world_);
    if (options_.lying_disk) disk_.drop_syncs();
    start();
    run_steps();
    calm_down();
    settle();
  } catch (const std::exception& error) {
    report.violation =
        fmt::format("seed {}, step {}: {}", options_.seed, steps_, without_folder(error.what()));
  }
  die(Death::kKill);
  report.trace = trace_.newest();
  report.trace_hash = trace_.hash();
  report.starts = starts_;
  report.events = ledger_.events().size();
  report.acknowledged = ledger_.acknowledged();
  report.deletions = shadow_.deletions();
  report.expiries = shadow_.expiries();
  report.uses = shadow_.uses();
  report.delivered = shadow_.done().size();
  report.late_triggers = shadow_.late_triggers().size();
  report.crash_points = CrashPlan::instance().reached();
  report.killed_at = CrashPlan::instance().killed_at();
  return report;
}

std::string Simulator::without_folder(std::string text) const {
  const auto folder = folder_.path().string();
  for (auto at = text.find(folder); at != std::string::npos; at = text.find(folder))
    text.erase(at, folder.size());
  return text;
}

void Simulator::run_steps() {
  while (++steps_ <= options_.steps) step();
}

// One thing happens; then everything that must hold is checked.
void Simulator::step() {
  try {
    trace_.add(act());
  } catch (const Killed&) {
  } catch (const Violation&) {
    throw;
  } catch (const std::exception& error) {
    // A read or write of the views that failed: the server ends itself.
    if (!fault_arranged_) throw;
    return restart("it failed: " + without_folder(error.what()));
  }
  killed_at_ = CrashPlan::instance().take_place();
  if (killed_at_) return restart("killed at: " + *killed_at_);
  if (disk_.is_cut()) return restart("the power went");
  if (!node_->failure().empty()) {
    require(fault_arranged_, "it failed by itself: " + node_->failure());
    return restart("it failed: a fault of the disk");
  }
  check();
}

std::string Simulator::act() {
  const auto chance = dice_.below(100);
  if (chance < 28) return clients_[dice_.below(clients_.size())]->step(*node_);
  if (chance < 32) return shadow_.use_key(node_->index(), dice_, time_.now());
  if (chance < 85) return act_inside();
  return act_outside();
}

std::string Simulator::act_inside() {
  const auto chance = dice_.below(60);
  if (chance < 13) return node_->steps().commit_step() ? "a batch is written" : "";
  if (chance < 26) return node_->steps().anchor_step() ? "a batch is anchored" : "";
  if (chance < 38) {
    const bool moved = step_projector(dice_.between(1, 20));
    return moved ? fmt::format("projections reach {}", node_->projector().position()) : "";
  }
  if (chance < 55) return step_worker() ? "the worker goes on" : "";
  if (chance < 58) return node_->expiry().step() ? "what is due is recorded" : "";
  return node_->usage().step() ? "uses are recorded" : "";
}

bool Simulator::step_projector(std::size_t limit) {
  const bool moved = node_->projector().step(limit);
  rows_may_differ_ |= moved;
  return moved;
}

bool Simulator::step_worker() {
  const auto changes = disk_.changes();
  const bool moved = node_->worker().step();
  jobs_may_differ_ |= disk_.changes() != changes;
  return moved;
}

std::string Simulator::act_outside() {
  const bool full = world_.free_disk_bytes < limits::free_disk_bytes_min;
  if (full && dice_.one_in(8)) {
    world_.free_disk_bytes = std::uint64_t{1} << 40U;
    return "the disk has space again";
  }
  const auto chance = dice_.below(150);
  if (chance < 60) return receivers_.waiting() > 0 ? receivers_.answer_one(dice_) : "";
  if (chance < 110) {
    const std::chrono::microseconds time =
        dice_.one_in(10) ? 10min : std::chrono::milliseconds(dice_.between(1, 500));
    time_.pass(time);
    return fmt::format("{} us pass", time.count());
  }
  if (chance < 120) return disk_.step() ? "the disk is tidied" : "";
  if (chance < 124) {
    time_.set_back_or_forward(dice_.one_in(2) ? 1h : -1h);
    clock_was_set_ = true;
    return "the clock is set";
  }
  if (chance < 127) {
    time_.freeze(!time_.is_frozen());
    return time_.is_frozen() ? "the clock stands still" : "the clock goes on";
  }
  if (chance < 132) {
    world_.free_disk_bytes = limits::deletion_disk_bytes_min;
    return "the disk is nearly full";
  }
  if (chance < 142) return arrange_fault();
  if (chance > 144) return "";
  die(Death::kOrderly);
  start();
  return "an orderly restart";
}

std::string Simulator::arrange_fault() {
  fault_arranged_ = true;
  const auto kind = dice_.below(6);
  if (kind == 0) {
    CrashPlan::instance().kill_at(dice_.between(1, 60));
    return "it is going to be killed";
  }
  if (kind < 4) {
    // Some are rare: every seed has two of its own.
    const auto place = crash_points[(2 * options_.seed + dice_.below(2)) % crash_points.size()];
    CrashPlan::instance().kill_at(place, dice_.between(1, 2));
    return fmt::format("it is going to be killed at: {}", place);
  }
  const auto changes = dice_.between(1, 80);
  if (kind == 4) {
    disk_.fail_at(changes);
    return "a change of a file is going to fail";
  }
  disk_.cut_at(changes);
  return "the power is going to fail";
}

// Opens the node, however often it is cut off while it does.
void Simulator::start() {
  shadow_.begin_life();
  clock_was_set_ = false;
  for (;;) {
    require(++starts_ < starts_max, "it does not start any more");
    try {
      node_ = std::make_unique<Node>(world_);
      rows_may_differ_ = true;
      return;
    } catch (const Killed&) {
      die(Death::kKill);
      trace_.add("killed while it starts");
    } catch (const Violation&) {
      throw;
    } catch (const std::exception& error) {
      if (!disk_.is_cut() && !disk_.has_failed()) throw;
      die(disk_.is_cut() ? Death::kPowerCut : Death::kKill);
      trace_.add("it does not start yet");
    }
    static_cast<void>(CrashPlan::instance().take_place());
  }
}

void Simulator::restart(const std::string& why) {
  trace_.add(why);
  die(disk_.is_cut() || dice_.one_in(4) ? Death::kPowerCut : Death::kKill);
  fault_arranged_ = false;
  // Now and then the next fault comes while it starts.
  if (steps_ < options_.steps && dice_.one_in(4)) trace_.add(arrange_fault());
  start();
  trace_.add(fmt::format("it starts with {} events", ledger_.events().size()));
  check();
}

void Simulator::die(Death death) {
  if (node_ && death == Death::kOrderly && node_->end_in_order()) shadow_.check_uses_recorded(clock_was_set_);
  CrashPlan::instance().forget();
  for (auto& client : clients_) client->lose_node();
  // A process that is killed writes nothing more.
  if (death != Death::kOrderly) disk_.cut_at(0);
  receivers_.drop_calls();
  node_.reset();
  if (death == Death::kPowerCut) disk_.restart();
  if (death == Death::kKill) disk_.restore();
}

void Simulator::check() {
  ledger_.observe(node_->log());
  const auto position = node_->projector().position();
  require(node_->projector().parked_streams() == 0, "a stream is parked");
  require(position <= ledger_.events().size(), "projections are ahead of the log");
  shadow_.check_deleted(node_->index(), node_->log(), time_.now());
  shadow_.check_ended(node_->index(), time_.now());
  if (position == ledger_.events().size()) shadow_.check_index(node_->index(), time_.now());
  compare_what_has_changed();
}

// What nobody has written since the last comparison is what it was then.
void Simulator::compare_what_has_changed() {
  const bool rows = std::exchange(rows_may_differ_, false);
  const bool jobs = std::exchange(jobs_may_differ_, false);
  if (rows) return reference_->compare(*node_, ledger_, shadow_);
  reference_->check_unchanged(*node_);
  if (jobs) reference_->compare_jobs(*node_, shadow_);
}

// From here on nothing fails, and everybody comes to an end.
void Simulator::calm_down() {
  die(Death::kPowerCut);
  fault_arranged_ = false;
  world_.free_disk_bytes = std::uint64_t{1} << 40U;
  time_.freeze(false);
  receivers_.please();
  for (auto& client : clients_) client->finish();
  start();
  trace_.add("all faults are over");
}

// The first delivery that is neither done, given up nor held with its webhook.
std::optional<Position> Simulator::find_unfinished() {
  for (const auto& [position, webhook] : shadow_.triggers()) {
    const auto job = node_->jobs().find({position, DELIVER_WEBHOOK, webhook});
    const auto subscription = node_->jobs().subscription(webhook);
    if (!subscription) continue;  // the webhook is deleted, and its deliveries with it
    require(job.has_value(), fmt::format("the trigger at {} has no job", position));
    if (shadow_.late_triggers().contains(position)) {
      require(job->status() == StoredJob::CANCELLED,
              fmt::format("the trigger at {} came too late, and is not cancelled", position));
    }
    const bool held = !subscription->active() || subscription->paused() || subscription->gone();
    if (job->status() == StoredJob::WAITING && !held) return position;
  }
  return std::nullopt;
}

void Simulator::settle() {
  come_to_rest();
  let_all_expire();
  reference_->compare(*node_, ledger_, shadow_);
  trace_.add(fmt::format("settled: {} events, {} delivered", ledger_.events().size(), shadow_.done().size()));
}

// Uses keys before and behind the end of all values that have one.
void Simulator::let_all_expire() {
  constexpr std::size_t uses = 40;
  for (const auto time : std::initializer_list<std::chrono::microseconds>{25h, 1min}) {
    for (std::size_t i = 0; i < uses; ++i) {
      trace_.add(shadow_.use_key(node_->index(), dice_, time_.now()));
      time_.pass(1s);
    }
    time_.pass(time);
    come_to_rest();
  }
  require(node_->end_in_order(), "the log does not take when tokens were used last");
  shadow_.check_uses_recorded(false);
  come_to_rest();
}

void Simulator::come_to_rest() {
  const auto waits = [this] {
    const auto is_busy = [](const auto& client) { return !client->is_idle(); };
    if (std::ranges::any_of(clients_, is_busy)) return true;
    if (node_->projector().position() < node_->log().head() || shadow_.find_overdue(time_.now())) return true;
    const auto counts = node_->jobs().counts();
    return counts.waiting + counts.running > 0 || find_unfinished();
  };
  constexpr std::size_t rounds_max = 20'000;
  for (std::size_t round = 0; waits(); ++round) {
    require(round < rounds_max, "there is something that is never done");
    for (auto& client : clients_) client->step(*node_);
    while (node_->steps().commit_step() || node_->steps().anchor_step() ||
           step_projector(limits::projection_batch_events_max) || step_worker() || node_->expiry().step() ||
           node_->usage().step()) {
    }
    while (receivers_.waiting() > 0) receivers_.answer_one(dice_);
    time_.pass(round % 20 == 0 ? 20min : 100ms);
    check();
  }
}

}  // namespace mintmark::testing
