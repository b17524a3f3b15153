#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "tests/simulation/client.h"
#include "tests/simulation/crash.h"
#include "tests/simulation/reference.h"
#include "tests/simulation/trace.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::testing {

// Committer, projector, worker and clients on one thread, over a simulated disk, clock and receivers. The
// seed decides everything: which of them takes its next step, what clients ask for, when files of RocksDB are
// flushed and compacted, which change of a file fails or is the last before the power goes, at which crash
// point the process is killed, how the clock jumps, what receivers answer. So a run with the same seed is the
// same run, step for step.
//
// After every step: what the log shows is what was asked for, without a gap; every key is let in if and only
// if the published events say so, and one whose deletion was acknowledged never; attempts are recorded in
// order, a success once and only of what a receiver took, and nothing goes out behind it, nor of a trigger
// whose webhook was gone or stopped by then; the data keys of deleted tokens are destroyed; a key is refused
// from its end on, and that its end has come is recorded once and not before; a use is recorded only where
// there was one, and once; projections and jobs are the fold of the log, compared whenever something may have
// written to them. After every start: all that was ever published is there, byte for byte. After an orderly
// end: the uses that the process saw are recorded. At the end, when nothing fails any more: every delivery
// has come to its end, and every token whose date is past.
class Simulator {
 public:
  struct Options {
    std::uint32_t seed = 1;
    std::size_t steps = 1500;
    bool lying_disk = false;  // syncs are acknowledged and dropped: a run that must fail
  };
  struct Report {
    std::string violation;  // empty: none
    std::string trace;      // the newest lines
    std::uint64_t trace_hash = 0;
    std::size_t starts = 0;
    Position events = 0;
    std::size_t acknowledged = 0;
    std::size_t deletions = 0;
    std::size_t expiries = 0;
    std::size_t uses = 0;  // that were recorded
    std::size_t delivered = 0;
    std::size_t late_triggers = 0;
    std::set<std::string, std::less<>> crash_points;  // that were reached
    std::set<std::string, std::less<>> killed_at;
  };

  explicit Simulator(Options options);

  Report run();

 private:
  enum class Death : std::uint8_t { kKill, kPowerCut, kOrderly };

  void run_steps();
  void step();
  std::string act();
  std::string act_inside();
  std::string act_outside();
  bool step_projector(std::size_t limit);
  bool step_worker();
  std::string arrange_fault();
  void start();
  void restart(const std::string& why);
  void die(Death death);
  void check();
  void compare_what_has_changed();
  void calm_down();
  void settle();
  void let_all_expire();
  void come_to_rest();
  std::optional<Position> find_unfinished();
  std::string without_folder(std::string text) const;  // it is another in each run

  const Options options_;
  Trace trace_;
  Dice dice_;
  TemporaryFolder folder_{TemporaryFolder::in_memory()};
  SimulatedDisk disk_;
  SimulatedTime time_;
  SeededRandom random_;
  SimulatedReceivers receivers_;
  Ledger ledger_;
  Shadow shadow_{receivers_};
  World world_;
  std::optional<Reference> reference_;
  SimulatedClient::Crowd clients_;
  std::unique_ptr<Node> node_;
  std::optional<std::string> killed_at_;
  bool clock_was_set_ = false;    // in this life of the process
  bool fault_arranged_ = false;   // something may fail that never fails by itself
  bool rows_may_differ_ = false;  // from what was compared last: something may have been written since
  bool jobs_may_differ_ = false;
  std::size_t steps_ = 0;
  std::size_t starts_ = 0;
};

}  // namespace mintmark::testing
