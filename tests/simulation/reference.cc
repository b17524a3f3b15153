#include "tests/simulation/reference.h"

#include <algorithm>
#include <span>

#include "tests/simulation/crash.h"
#include "tests/simulation/trace.h"

namespace mintmark::testing {
namespace {

std::string bytes_of(const std::optional<Subscription>& subscription) {
  return subscription ? subscription->SerializeAsString() : "none";
}

}  // namespace

Reference::Reference(const Clock& clock) : jobs_(RocksDbJobStore::open(views_.file("jobs"), clock).value()) {}

void Reference::compare(Node& node, const Ledger& ledger, const Shadow& shadow) {
  const CrashPlan::Pause pause(CrashPlan::instance());
  const auto position = node.projector().position();
  if (!index_) index_ = std::make_unique<AuthorizationIndex>(peppers_.emplace(node.peppers()));
  JobPlanner planner(node.log(), *jobs_);
  Directory directory(views_.store().live(Directory::projection_name), node.vault());
  for (Projection* projection : std::initializer_list<Projection*>{
           index_.get(), &tokens_, &directory, &webhooks_, &extensions_, &handles_, &planner, &audit_}) {
    feed(*projection, ledger, position);
  }
  require(index_->fingerprint() == node.index().fingerprint(),
          "the authorization index is not the log's fold");
  for (const auto name :
       {TokenList::projection_name, Directory::projection_name, WebhookList::projection_name,
        ExtensionList::projection_name, HandleIndex::projection_name, AuditIndex::projection_name}) {
    compare_rows(node, name);
  }
  compare_jobs(node, shadow);
  compared_ = state_of(node);
}

// Where its projections are, and the number of the newest write to its views.
std::pair<Position, std::uint64_t> Reference::state_of(Node& node) {
  return {node.projector().position(),
          node.views().live(TokenList::projection_name).db().GetLatestSequenceNumber()};
}

void Reference::check_unchanged(Node& node) const {
  require(state_of(node) == compared_, "somebody else has written rows");
}

void Reference::feed(Projection& projection, const Ledger& ledger, Position position) {
  const std::span events(ledger.events());
  if (projection.checkpoint() >= position) return;
  projection.apply(events.subspan(projection.checkpoint(), position - projection.checkpoint()));
}

void Reference::compare_rows(Node& node, std::string_view name) {
  const auto a = node.views().live(name).rows();
  const auto b = views_.store().live(name).rows();
  for (a->SeekToFirst(), b->SeekToFirst(); a->Valid() && b->Valid(); a->Next(), b->Next()) {
    require(a->key() == b->key() && a->value() == b->value(),
            fmt::format("a row of {} is not the log's fold: {}", name, a->key().ToString()));
  }
  require(!a->Valid() && !b->Valid(), fmt::format("{} has a row too many or too few", name));
}

void Reference::compare_jobs(Node& node, const Shadow& shadow) {
  constexpr std::size_t all = 100'000;
  for (const auto webhook : shadow.webhooks_ever()) {
    require(
        bytes_of(node.jobs().subscription(webhook.value())) == bytes_of(jobs_->subscription(webhook.value())),
        webhook.text() + " is not planned as the log's fold");
    const auto found = node.jobs().deliveries_of(webhook, all);
    const auto expected = jobs_->deliveries_of(webhook, all);
    require(found.size() == expected.size(), "a delivery too many or too few to " + webhook.text());
    for (std::size_t i = 0; i < found.size(); ++i) {
      require(found[i].job.SerializeAsString() == expected[i].job.SerializeAsString(),
              "job " + job_id(key_of(found[i].job.key())) + " is not the log's fold");
    }
  }
  // Besides these: what is done without an event of its own is gone from the node's store alone.
  for (const auto& found : node.jobs().jobs_of(AccountId::from_value(AccountType::kVendor, 1), all)) {
    const auto expected = jobs_->find(key_of(found.job.key()));
    require(expected && found.job.SerializeAsString() == expected->SerializeAsString(),
            "job " + job_id(key_of(found.job.key())) + " is not the log's fold");
  }
}

}  // namespace mintmark::testing
