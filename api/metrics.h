#pragma once

#include <string>
#include <string_view>

#include "api/api.h"
#include "api/http/application.h"
#include "api/http/connection_counters.h"
#include "api/services.h"

namespace mintmark {

struct WorkerCounters;

// What metrics are taken from. Everything must outlive them.
struct MetricsSources {
  const Services& services;
  const Api& api;
  const WorkerCounters& worker;
  const http::ConnectionCounters& connections;
  std::string data;  // the data folder, whose disk's free space is told
};

// All metrics in the text format of Prometheus, version 0.0.4
// (https://prometheus.io/docs/instrumenting/exposition_formats/). Labels take a handful of values each, known
// beforehand: no id, name, address or secret is ever in one. Blocks: takes the locks of the views and asks
// the file system; throws std::runtime_error where the job store fails.
std::string render_metrics(const MetricsSources& sources);

// Serves them to anybody who can reach it, as GET /metrics, and nothing else.
class MetricsPage final : public http::Application {
 public:
  explicit MetricsPage(MetricsSources sources) : sources_(std::move(sources)) {}

  bool answer_now(const http::Request&, std::size_t, bool, std::string&) override { return false; }
  awaitable<http::Response> answer(const http::Request& request, std::size_t thread) override;
  http::Response refusal(http::ProtocolError error) override;
  http::Response internal_error(std::string_view what) override;

 private:
  const MetricsSources sources_;
};

}  // namespace mintmark
