#include "tests/support/small_disk.h"
#include "tests/worker/worker_fixture.h"

namespace mintmark::worker_full_disk_test {
namespace {

using namespace std::chrono_literals;
using namespace ::mintmark::testing;

class WorkerOnAFullDisk : public WorkerFixture {};

TEST_F(WorkerOnAFullDisk, WaitsAndGoesOnByItselfOnceThereIsSpace) {
  constexpr std::uint64_t mebibyte = 1024UL * 1024;
  const SmallDisk disk(64 * mebibyte);
  const auto jobs = RocksDbJobStore::open((disk.path() / "jobs").string(), clock_, &env_in_memory()).value();
  StoredJob job;
  *job.mutable_key() = reference_to({1, FOLLOW_TOKEN, 7});
  job.set_status(StoredJob::WAITING);
  jobs->plan({1, {job}, {}, {}});
  disk.leave_free(4 * mebibyte);
  const Worker worker({log_, *jobs, calls_, clock_, random_}, {}, receivers_.make_send(),
                      [](const std::string& reason) { ADD_FAILURE() << reason; });
  await([&] { return jobs->next_due() == clock_.now() + 1s; }, "the job is given back");
  EXPECT_EQ(jobs->size(), 1);
  disk.empty();
  clock_.advance(1s);
  await([&] { return jobs->size() == 0; }, "the job is done");
}

}  // namespace
}  // namespace mintmark::worker_full_disk_test
