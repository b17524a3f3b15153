#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include "tests/simulation/node.h"
#include "tests/simulation/shadow.h"
#include "tests/support/view_folder.h"

namespace mintmark::testing {

// The fold of the log by projections that no fault ever touches, to compare a node's with.
class Reference {
 public:
  explicit Reference(const Clock& clock);

  // Brings itself to where the node's projections are. Throws Violation where they are not equal, row for row
  // and job for job.
  void compare(Node& node, const Ledger& ledger, const Shadow& shadow);
  // Jobs alone, of a node whose projections are where they were compared last.
  void compare_jobs(Node& node, const Shadow& shadow);
  // Throws Violation where rows were written since they were compared last, or projections have gone on.
  void check_unchanged(Node& node) const;

 private:
  void feed(Projection& projection, const Ledger& ledger, Position position);
  void compare_rows(Node& node, std::string_view name);
  static std::pair<Position, std::uint64_t> state_of(Node& node);

  ViewFolder views_{TemporaryFolder::in_memory()};
  TokenList tokens_{views_.store().live(TokenList::projection_name)};
  WebhookList webhooks_{views_.store().live(WebhookList::projection_name)};
  ExtensionList extensions_{views_.store().live(ExtensionList::projection_name)};
  HandleIndex handles_{views_.store().live(HandleIndex::projection_name)};
  AuditIndex audit_{views_.store().live(AuditIndex::projection_name)};
  std::unique_ptr<RocksDbJobStore> jobs_;
  std::optional<Peppers> peppers_;
  std::unique_ptr<AuthorizationIndex> index_;
  std::pair<Position, std::uint64_t> compared_;  // the state of what was compared last
};

}  // namespace mintmark::testing
