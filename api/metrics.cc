#include "api/metrics.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <spdlog/spdlog.h>

#include "api/errors.h"
#include "worker/job_store.h"
#include "worker/worker.h"

namespace mintmark {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";

class Families {
 public:
  // A metric with one value, or with one for each value of its one label.
  void gauge(std::string name, std::string help, double value) {
    begin(MetricType::Gauge, std::move(name), std::move(help), "");
    add("", value);
  }
  void begin(MetricType type, std::string name, std::string help, std::string label) {
    families_.push_back({std::move(name), std::move(help), type, {}});
    label_ = std::move(label);
  }
  void add(std::string_view label_value, double value) {
    ClientMetric metric;
    if (!label_.empty()) metric.label.push_back({label_, std::string(label_value)});
    metric.counter.value = value;
    metric.gauge.value = value;
    families_.back().metric.push_back(std::move(metric));
  }
  std::string text() const { return prometheus::TextSerializer().Serialize(families_); }

 private:
  std::vector<MetricFamily> families_;
  std::string label_;
};

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

void add_log(Families& families, const Services& services) {
  const auto projected = services.projector.position();
  const auto head = std::max(services.log.head(), projected);
  families.gauge("mintmark_healthy", "1, or 0 once the log or a view has failed.", services.healthy ? 1 : 0);
  families.gauge("mintmark_log_damage_found", "1 once the stored log is not what was written.",
                 services.damage_found ? 1 : 0);
  families.gauge("mintmark_log_position", "Position of the newest durable event.", number(head));
  // Absent where there is none to tell.
  if (services.signed_position >= 0) {
    families.gauge("mintmark_tree_head_position", "Position of the newest signed tree head, since the start.",
                   static_cast<double>(services.signed_position));
  }
  if (services.verified_at_s > 0) {
    families.gauge("mintmark_log_verified_timestamp_seconds",
                   "When the whole log was last found to be what was written, since the start.",
                   static_cast<double>(services.verified_at_s));
  }
  families.gauge("mintmark_projector_lag_events", "Events that the views have not taken in yet.",
                 number(head - projected));
  families.gauge("mintmark_parked_streams", "Streams with an event that a view could not take in.",
                 number(services.projector.parked_streams()));
}

void add_index(Families& families, const AuthorizationIndex& index) {
  families.gauge("mintmark_authorization_index_tokens", "Tokens that are not deleted.", number(index.size()));
  families.gauge("mintmark_authorization_index_bytes", "Memory of the authorization index, both copies.",
                 number(index.memory_bytes()));
}

void add_requests(Families& families, const Api& api) {
  const auto& counters = api.counters();
  families.begin(MetricType::Counter, "mintmark_checks_total", "Checks of keys on /authorize.", "verdict");
  families.add("allowed", number(counters.checks(204)));
  families.add("forbidden", number(counters.checks(403)));
  families.add("unauthorized", number(counters.checks(401)));
  families.begin(MetricType::Counter, "mintmark_http_responses_total",
                 "Answers to HTTP requests, checks among them, by status.", "code");
  for (int status = RequestCounters::status_min; status < RequestCounters::status_end; ++status) {
    const auto count = counters.answers(status);
    if (count > 0) families.add(std::to_string(status), number(count));
  }
  families.begin(MetricType::Counter, "mintmark_throttled_total", "Requests that were told to wait: 429.",
                 "");
  families.add("", number(counters.answers(429)));
}

void add_hashing(Families& families, const Services& services) {
  families.gauge("mintmark_passwords_waiting", "Passwords that are being hashed or wait for that.",
                 number(services.hashing.jobs()));
}

void add_connections(Families& families, const http::ConnectionCounters& connections) {
  families.gauge("mintmark_connections", "Connections of clients at the moment.", number(connections.open()));
  families.begin(MetricType::Counter, "mintmark_connections_refused_total",
                 "Connections that were closed at once, because there were as many as there may be.", "");
  families.add("", number(connections.refused()));
}

void add_jobs(Families& families, const Services& services, const WorkerCounters& worker) {
  const auto counts = services.jobs.counts();
  const auto now = services.clock.now();
  const std::chrono::duration<double> late = now - std::min(counts.oldest_due.value_or(now), now);
  families.begin(MetricType::Gauge, "mintmark_jobs",
                 "Jobs that wait for their turn or time, run, or are parked behind a webhook that fails, is "
                 "stopped or paused.",
                 "state");
  families.add("waiting", number(counts.waiting));
  families.add("running", number(counts.running));
  families.add("parked", number(counts.parked));
  families.gauge("mintmark_jobs_oldest_due_seconds", "How long the oldest job that is due has waited.",
                 late.count());
  families.begin(
      MetricType::Counter, "mintmark_attempts_total",
      "Attempts of deliveries and provisioning: succeeded, failed and to be made again, failed and "
      "given up, or stale: whatever came of them, the job was cancelled meanwhile.",
      "outcome");
  families.add("succeeded", number(worker.succeeded));
  families.add("failed", number(worker.failed));
  families.add("given_up", number(worker.given_up));
  families.add("stale", number(worker.stale));
}

// Nothing where the file system does not tell: a metric that is absent can be noticed, a wrong one cannot.
void add_disk(Families& families, const std::string& data) {
  std::error_code code;
  const auto space = std::filesystem::space(data, code);
  if (code) return;
  families.gauge("mintmark_disk_free_bytes", "Free space on the disk of the data folder.",
                 number(space.available));
}

}  // namespace

std::string render_metrics(const MetricsSources& sources) {
  Families families;
  add_log(families, sources.services);
  add_index(families, sources.services.authorization_index);
  add_requests(families, sources.api);
  add_hashing(families, sources.services);
  add_connections(families, sources.connections);
  add_jobs(families, sources.services, sources.worker);
  add_disk(families, sources.data);
  return families.text();
}

awaitable<http::Response> MetricsPage::answer(const http::Request& request, std::size_t) {
  if (request.path() != "/metrics") {
    co_return error_response(Error{ErrorKind::kNotFound, {"There is nothing here but /metrics."}});
  }
  if (request.method() != "GET" && request.method() != "HEAD") co_return method_not_allowed("GET, HEAD");
  auto render = [this]() -> Result<std::string> { return render_metrics(sources_); };
  auto text = co_await sources_.services.blocking.run(std::move(render));
  if (!text) co_return error_response(text.error());
  co_return http::Response{200, std::string(content_type), std::move(*text), {}};
}

http::Response MetricsPage::refusal(http::ProtocolError error) {
  return error_response(error);
}

http::Response MetricsPage::internal_error(std::string_view what) {
  spdlog::error("metrics cannot be told: {}", what);
  return internal_error_response();
}

}  // namespace mintmark
