#pragma once

#include <random>
#include <string>
#include <vector>

#include "tests/support/history.h"

namespace mintmark::testing {

// Adds events of many tokens in a few accounts, as a busy system would have written them. The same for the
// same seed.
class RandomHistory {
 public:
  RandomHistory(EventLog& log, std::uint32_t seed) : history_(log), engine_(seed) {}

  void add(std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) add_one();
  }

  static std::vector<AccountId> accounts() { return {vendor(1), vendor(2), vendor(999'999)}; }

 private:
  void add_one() {
    const auto dice = below(10);
    if (live_.empty() || dice < 4) return create();
    const auto at = below(live_.size());
    const auto token = live_[at];
    if (dice < 6) {
      history_.add(token, update());
    } else if (dice == 6) {
      history_.add(token, token_revealed());
    } else if (dice == 7) {
      history_.add(token, connection_issued());
    } else if (dice == 8 && below(2) == 0) {
      history_.add("usage-VA-000-001", tokens_used());
    } else if (dice == 8) {
      history_.add(stream_of(vendor(1)), account_opened(vendor(1), "Acme"));
    } else {
      history_.add(token, token_deleted());
      live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(at));
    }
  }

  void create() {
    const auto token = token_id(++created_);
    auto event = token_created(token, accounts()[below(3)], below(2) == 0 ? CUSTOM : ZAPIER,
                               "token " + std::to_string(created_));
    if (below(4) == 0) event.mutable_token_created()->set_expires_at_us(1'900'000'000'000'000);
    history_.add(token, event);
    live_.push_back(token);
  }

  // Some that are deleted or never were among them, and times behind one another or to come.
  Event tokens_used() {
    Event event;
    for (std::size_t i = 0; i <= below(5); ++i) {
      auto& use = *event.mutable_tokens_used()->add_uses();
      use.set_token(static_cast<std::uint32_t>(1 + below(created_ + 1)));
      const auto at = History::recorded_at(static_cast<Position>(below(1000)));
      use.set_last_used_at_us(at.time_since_epoch().count());
    }
    return event;
  }

  Event update() {
    Event event;
    auto& updated = *event.mutable_token_updated();
    const auto text = std::to_string(below(1000));
    if (below(2) == 0) updated.set_name("name " + text);
    if (below(2) == 0) updated.set_description(below(3) == 0 ? "" : "description " + text);
    if (below(2) == 0) updated.set_external_id("external " + text);
    return event;
  }

  std::size_t below(std::size_t end) { return engine_() % end; }

  History history_;
  std::mt19937 engine_;
  std::vector<TokenId> live_;
  std::uint32_t created_ = 0;
};

}  // namespace mintmark::testing
