#include <chrono>
#include <sstream>
#include <utility>
#include <vector>

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include "api/handlers.h"
#include "worker/job_store.h"

namespace mintmark {
namespace {

using Families = std::vector<prometheus::MetricFamily>;

prometheus::MetricFamily& add_family(Families& families, std::string name, std::string help,
                                     prometheus::MetricType type) {
  auto& family = families.emplace_back();
  family.name = "mintmark_" + std::move(name);
  family.help = std::move(help);
  family.type = type;
  return family;
}

// One value of the family; `label` and its value tell it from the others, both empty where it is alone.
void add_value(prometheus::MetricFamily& family, double value, const std::string& label = "",
               const std::string& label_value = "") {
  auto& metric = family.metric.emplace_back();
  if (!label.empty()) metric.label.push_back({label, label_value});
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

Families measure(const Services& services) {
  using enum prometheus::MetricType;
  Families families;
  const auto jobs = services.jobs.counts();
  auto& depth = add_family(families, "jobs", "What the worker has to do, by status", Gauge);
  add_value(depth, static_cast<double>(jobs.waiting), "status", "waiting");
  add_value(depth, static_cast<double>(jobs.running), "status", "running");
  add_value(depth, static_cast<double>(jobs.parked), "status", "parked");
  const auto now = services.clock.now();
  const auto late = jobs.oldest_due && *jobs.oldest_due < now ? now - *jobs.oldest_due : now - now;
  add_value(add_family(families, "jobs_oldest_due_seconds", "How long the oldest job has been due", Gauge),
            std::chrono::duration<double>(late).count());
  const auto outcomes = services.jobs.outcomes();
  auto& attempts = add_family(families, "attempts_total", "Attempts since the start, by outcome", Counter);
  add_value(attempts, static_cast<double>(outcomes.succeeded), "outcome", "succeeded");
  add_value(attempts, static_cast<double>(outcomes.failed), "outcome", "failed");
  add_value(attempts, static_cast<double>(outcomes.given_up), "outcome", "given_up");
  add_value(add_family(families, "log_position", "The newest durable event", Gauge),
            static_cast<double>(services.log.head()));
  add_value(add_family(families, "projected_position", "How far the views are", Gauge),
            static_cast<double>(services.projector.position()));
  add_value(add_family(families, "parked_streams", "Streams that a view could not apply", Gauge),
            static_cast<double>(services.projector.parked_streams()));
  add_value(add_family(families, "healthy", "0 once the log or a view has failed", Gauge),
            services.healthy ? 1 : 0);
  return families;
}

}  // namespace

// Numbers for Prometheus, in its text format. They tell nothing of any account.
awaitable<http::Response> metrics(Context& context) {
  auto read = [&context]() -> Result<std::string> {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, measure(context.services));
    return text.str();
  };
  auto text = co_await context.services.blocking.run(std::move(read));
  if (!text) co_return http::Response{503, "text/plain; charset=utf-8", "", {}};
  co_return http::Response{200, "text/plain; version=0.0.4; charset=utf-8", std::move(*text), {}};
}

}  // namespace mintmark
