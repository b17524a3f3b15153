#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "domain/error.h"

namespace mintmark {

// A part of the protected API that permissions are granted on. A rule is a path that stands for all below it,
// optionally behind the methods that it is about: "/agreements", "GET,HEAD /billing/*/invoices". A segment *
// is any segment.
struct Module {
  std::uint32_t number = 0;  // of MD-NNNN; 1 to module_number_max (domain/token.h)
  std::string name;
  std::vector<std::string> rules;
};

// What becomes of a request that no rule maps to a module.
enum class UnmappedPaths : std::uint8_t {
  kRestricted,  // refused to tokens with permissions
  kAllow,
  kRefuse,  // refused to every token
};

// Which modules there are, and which of them a request is about. Immutable, so thread-safe.
class ModuleTable {
 public:
  // kInvalid, saying what is wrong, for a bad number, name or rule, or two modules with one number or name.
  static Result<ModuleTable> make(std::vector<Module> modules, UnmappedPaths unmapped);
  // The modules of the platform whose contract we speak.
  static ModuleTable standard(UnmappedPaths unmapped = UnmappedPaths::kRestricted);

  const std::vector<Module>& modules() const { return modules_; }
  const Module* find(std::uint32_t number) const;

  // Whether a token with these permissions (nothing: every module) may make the request. The rule with the
  // most segments decides, and of those the first in the table. `target` is the original request's, as sent:
  // its query is ignored, a leading /public/v1 as well; a path that two servers could read as two things (dot
  // segments, empty segments, encoded slashes, backslashes, NUL or bytes that are no UTF-8) counts as mapped
  // by no rule, and is refused to tokens with permissions even under kAllow. Neither allocates nor blocks.
  bool allows(std::optional<std::uint64_t> permissions, std::string_view method,
              std::string_view target) const;

 private:
  struct Rule {
    std::vector<std::string> methods;  // none: any
    std::vector<std::string> segments;
    std::uint32_t module = 0;
  };
  static Result<Rule> parse_rule(std::string_view text, std::uint32_t module);
  static bool matches(const Rule& rule, std::string_view method, std::string_view path);

  std::vector<Module> modules_;  // by number
  std::vector<Rule> rules_;      // the most segments first
  UnmappedPaths unmapped_ = UnmappedPaths::kRestricted;
};

// MD-0007, and back.
std::string module_id(std::uint32_t number);
std::optional<std::uint32_t> parse_module_id(std::string_view text);

}  // namespace mintmark
