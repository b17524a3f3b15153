#pragma once

#include <cstddef>
#include <string>
#include <unordered_map>
#include <vector>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "api/caller.h"
#include "api/http/message.h"
#include "api/rql.h"
#include "api/services.h"
#include "worker/job_store.h"

// What can be seen of the worker's jobs and done about them, for the REST handlers and the administration
// alike. An account sees its own alone: any other is kNotFound.
namespace mintmark {

// Jobs as they are shown. Looks names up, each once: blocks on disk.
class JobRepresentation {
 public:
  // `services` must outlive it.
  explicit JobRepresentation(Services& services) : services_(services) {}

  boost::json::object job(const JobView& view);
  // A delivery with its attempts; its `request` is null.
  boost::json::object delivery(const JobView& view);
  // Its call, where that can still be made out: as the webhook would be called now, and whether the webhook
  // has changed since the last attempt.
  void add_request(const JobView& view, boost::json::object& delivery);

 private:
  const std::string& webhook_name(const JobKey& key);
  const std::string& token_name(const JobKey& key);

  Services& services_;
  std::unordered_map<std::uint32_t, std::string> webhook_names_;
  std::unordered_map<std::uint32_t, std::string> token_names_;
};

// The account's jobs that are not done, newest first, as they are shown; limits::jobs_listed_max at most.
// Blocks.
boost::json::array represent_jobs(Services& services, AccountId account);
// The answer to the query over the webhook's deliveries, newest first; limits::deliveries_listed_max at most.
// Requests are made out for what it shows alone. Blocks.
Result<http::Response> show_deliveries(Services& services, AccountId account, WebhookId webhook,
                                       const ListQuery& query);
// kNotFound where the account has no such job. Blocks.
Result<JobView> find_job(Services& services, AccountId account, const std::string& id);

// Has the job attempted now, as if for the first time, or never again. kConflict where it is done, or, for a
// cancellation, cancelled already. When they return, the job shows it.
awaitable<Result<JobView>> retry_job(Services& services, const Caller& caller, std::string id);
awaitable<Result<JobView>> cancel_job(Services& services, const Caller& caller, std::string id);

// Retries what the query lets through of the jobs that wait or are given up; with `dry_run` only counts it.
// The number of jobs.
awaitable<Result<std::size_t>> retry_jobs(Services& services, const Caller& caller, ListQuery query,
                                          bool dry_run);

}  // namespace mintmark
