#include <fmt/format.h>

#include "tools/commands.h"

namespace mintmark {
namespace {

namespace json = boost::json;

std::string_view text(const json::value& object, std::string_view member) {
  const auto& value = object.at(member);
  return value.is_string() ? std::string_view(value.as_string()) : "";
}

void print_job(const json::value& job) {
  const auto& target = job.at("webhook").is_null() ? job.at("token") : job.at("webhook");
  fmt::print("{}  {:<9} {:<26} {}  {:<18} {:>2} attempts  {}\n", text(job, "id"), text(job, "status"),
             text(job, "kind"), text(target, "id"), text(job.at("event"), "type"),
             job.at("attempts").to_number<std::uint64_t>(), text(job, "last_error"));
}

void add_jobs_list(CLI::App& group, int& exit_code) {
  struct Options {
    std::string account;
    std::string query;
  };
  auto* command = group.add_subcommand("list", "List an account's jobs that are not done, newest first");
  auto options = std::make_shared<Options>();
  command->add_option("--account", options->account, "The account (VA-… or PA-…)")->required();
  command->add_option("--query", options->query, "Only those that it finds, such as status=dead");
  add_admin_callback(*command, exit_code,
                     {"job.list",
                      [options](json::object& request) {
                        request["account"] = options->account;
                        request["query"] = options->query;
                      },
                      [](const json::object& result) {
                        for (const auto& job : result.at("jobs").as_array()) print_job(job);
                      }});
}

void add_jobs_retry(CLI::App& group, int& exit_code) {
  struct Options {
    std::string id;
    std::string account;
    std::string query;
    bool dry_run = false;
  };
  auto* command = group.add_subcommand("retry", "Have one job, or all that a query finds, attempted now");
  auto options = std::make_shared<Options>();
  auto* id = command->add_option("id", options->id, "The job (JB-…)");
  auto* account = command->add_option("--account", options->account, "The account (VA-… or PA-…)");
  auto* query = command->add_option("--query", options->query, "Which of its jobs, such as status=dead");
  auto* dry_run = command->add_flag("--dry-run", options->dry_run, "Only count them");
  id->excludes(account)->excludes(query)->excludes(dry_run);
  add_admin_callback(*command, exit_code,
                     {"job.retry",
                      [options](json::object& request) {
                        if (!options->id.empty()) {
                          request["id"] = options->id;
                          return;
                        }
                        request["account"] = options->account;
                        request["query"] = options->query;
                        request["dry_run"] = options->dry_run;
                      },
                      [options](const json::object& result) {
                        if (!result.contains("count")) return print_job(result);
                        fmt::print("{} jobs{}.\n", result.at("count").to_number<std::uint64_t>(),
                                   options->dry_run ? " would be attempted now" : " are attempted now");
                      }});
}

void add_jobs_cancel(CLI::App& group, int& exit_code) {
  auto* command = group.add_subcommand("cancel", "Have a job never attempted again");
  auto id = std::make_shared<std::string>();
  command->add_option("id", *id, "The job (JB-…)")->required();
  add_admin_callback(*command, exit_code,
                     {"job.cancel", [id](json::object& request) { request["id"] = *id; },
                      [](const json::object& job) { print_job(job); }});
}

}  // namespace

void add_jobs(CLI::App& program, int& exit_code) {
  auto* group = program.add_subcommand("jobs", "List, retry and cancel what the worker has to do");
  group->require_subcommand(1);
  add_jobs_list(*group, exit_code);
  add_jobs_retry(*group, exit_code);
  add_jobs_cancel(*group, exit_code);
}

}  // namespace mintmark
