#include "api/module_table.h"

#include <algorithm>
#include <array>
#include <set>
#include <span>
#include <utility>

#include <fmt/format.h>

#include "api/path_segment.h"
#include "domain/limits.h"
#include "domain/text.h"
#include "domain/token.h"

namespace mintmark {
namespace {

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

using PathBuffer = std::array<char, limits::request_head_bytes_max>;

// The path decoded once (RFC 3986, 2.1), without a slash at its end; nothing where it is not plain.
std::optional<std::string_view> plain_path(std::string_view target, PathBuffer& buffer) {
  const auto path = target.substr(0, target.find_first_of("?#"));
  if (!path.starts_with('/') || path.size() > buffer.size()) return std::nullopt;
  std::size_t size = 0;
  for (std::size_t i = 0; i < path.size(); ++i) {
    auto c = path[i];
    if (c == '%') {
      if (i + 2 >= path.size()) return std::nullopt;
      const int high = hex_digit(path[i + 1]);
      const int low = hex_digit(path[i + 2]);
      if (high < 0 || low < 0) return std::nullopt;
      c = static_cast<char>(high * 16 + low);
      if (c == '/' || c == '%') return std::nullopt;
      i += 2;
    }
    if (c == '\\' || c == ';' || c == '\0') return std::nullopt;
    buffer[size++] = c;
  }
  std::string_view plain(buffer.data(), size);
  if (!count_code_points(plain)) return std::nullopt;  // %C0%AE is a dot to some
  auto rest = plain;
  while (!rest.empty()) {
    const auto segment = take_segment(rest);
    const bool last = rest.empty();
    if (segment == "." || segment == ".." || (segment.empty() && !last)) return std::nullopt;
  }
  if (plain.ends_with('/')) plain.remove_suffix(1);
  return plain;
}

std::string_view without_base(std::string_view path) {
  constexpr std::string_view base = "/public/v1";
  const bool has_base = path.starts_with(base) && (path.size() == base.size() || path[base.size()] == '/');
  return has_base ? path.substr(base.size()) : path;
}

bool is_method(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= 'A' && c <= 'Z'; });
}

bool is_segment(std::string_view text) {
  return text == "*" ||
         (!text.empty() && text != "." && text != ".." && std::ranges::all_of(text, [](char c) {
           return c > 0x20 && c < 0x7F && std::string_view("%?#*\\;").find(c) == std::string_view::npos;
         }));
}

}  // namespace

Result<ModuleTable::Rule> ModuleTable::parse_rule(std::string_view text, std::uint32_t module) {
  const auto bad = [text](std::string_view why) {
    return fail(ErrorKind::kInvalid, fmt::format("rule \"{}\": {}", text, why));
  };
  Rule rule{{}, {}, module};
  auto path = text;
  if (const auto space = text.find(' '); space != std::string_view::npos) {
    auto methods = text.substr(0, space);
    path.remove_prefix(space + 1);
    if (methods.empty() || methods.ends_with(',')) return bad("its methods are not METHOD,METHOD");
    while (!methods.empty()) {
      const auto end = std::min(methods.find(','), methods.size());
      if (!is_method(methods.substr(0, end))) return bad("its methods are not METHOD,METHOD");
      rule.methods.emplace_back(methods.substr(0, end));
      methods.remove_prefix(std::min(end + 1, methods.size()));
    }
  }
  if (path.ends_with('/') && path.size() > 1) path.remove_suffix(1);
  if (!path.starts_with('/') || path.size() == 1) return bad("its path must be /segment/…");
  while (!path.empty()) {
    const auto segment = take_segment(path);
    if (!is_segment(segment)) return bad("a segment of its path is not one");
    rule.segments.emplace_back(segment);
  }
  return rule;
}

Result<ModuleTable> ModuleTable::make(std::vector<Module> modules, UnmappedPaths unmapped) {
  ModuleTable table;
  table.unmapped_ = unmapped;
  std::set<std::string> names;
  std::set<std::uint32_t> numbers;
  for (const auto& module : modules) {
    if (module.number == 0 || module.number > module_number_max || !numbers.insert(module.number).second) {
      return fail(ErrorKind::kInvalid, fmt::format("module \"{}\": its id must be MD-0001 to {}, and its own",
                                                   module.name, module_id(module_number_max)));
    }
    if (module.name.empty() || module.name.size() > limits::module_name_max ||
        !names.insert(module.name).second) {
      return fail(ErrorKind::kInvalid,
                  fmt::format("{}: its name must have 1 to {} characters, and be its own",
                              module_id(module.number), limits::module_name_max));
    }
    for (const auto& text : module.rules) {
      auto rule = parse_rule(text, module.number);
      if (!rule) return std::unexpected(std::move(rule.error()));
      const auto place = std::ranges::upper_bound(table.rules_, rule->segments.size(), std::ranges::greater(),
                                                  [](const Rule& other) { return other.segments.size(); });
      table.rules_.insert(place, std::move(*rule));
    }
  }
  std::ranges::sort(modules, {}, &Module::number);
  table.modules_ = std::move(modules);
  return table;
}

const Module* ModuleTable::find(std::uint32_t number) const {
  const auto found = std::ranges::find(modules_, number, &Module::number);
  return found == modules_.end() ? nullptr : &*found;
}

bool ModuleTable::matches(const Rule& rule, std::string_view method, std::string_view path) {
  if (!rule.methods.empty() && std::ranges::find(rule.methods, method) == rule.methods.end()) return false;
  for (const auto& wanted : rule.segments) {
    if (path.empty()) return false;
    const auto segment = take_segment(path);
    if (segment.empty() || (wanted != "*" && wanted != segment)) return false;
  }
  return true;
}

bool ModuleTable::allows(std::optional<std::uint64_t> permissions, std::string_view method,
                         std::string_view target) const {
  if (!permissions && unmapped_ != UnmappedPaths::kRefuse) return true;
  PathBuffer buffer;  // NOLINT(cppcoreguidelines-pro-type-member-init): written before it is read
  const auto path = plain_path(target, buffer);
  if (!path) return false;
  const auto relative = without_base(*path);
  for (const auto& rule : rules_) {
    if (matches(rule, method, relative)) return !permissions || (*permissions & module_bit(rule.module)) != 0;
  }
  return unmapped_ == UnmappedPaths::kAllow;
}

ModuleTable ModuleTable::standard(UnmappedPaths unmapped) {
  auto table = make(
      {
          {1, "Agreements", {"/agreements"}},
          {2, "Assets", {"/assets", "/subscriptions/assets"}},
          {3, "Account", {"/accounts", "/auth", "/modules"}},
          {4, "Billing", {"/subscriptions", "/billing"}},
          {5, "Catalog", {"/catalog", "/product-families", "/categories"}},
          {6, "Commerce", {"/commerce"}},
          {7, "Contracts", {"/contracts"}},
          {8, "Conversations", {"/conversations"}},
          {9, "Customers", {"/tier/accounts", "/tier/account-requests"}},
          {10, "DevOps", {"/devops"}},
          {11, "Dictionary", {"/dictionary"}},
          {12, "Extensions", {"/extensions"}},
          {13, "Helpdesk", {"/helpdesk"}},
          {14, "Hubs", {"/hubs"}},
          {15, "Listings", {"/listings", "/listing-requests"}},
          {16, "Localization", {"/localization"}},
          {17, "Marketplaces", {"/marketplaces"}},
          {18, "Notifications", {"/notifications"}},
          {19, "Offers", {"/offers"}},
          {20, "Partners", {"/partners", "/programs"}},
          {21, "Pricing", {"/pricing"}},
          {22, "Products", {"/products"}},
          {23, "Reports", {"/reporting"}},
          {24, "Requests", {"/requests"}},
          {25, "Tier configurations", {"/tier/configs", "/tier/config-requests"}},
          {26, "Usage", {"/usage"}},
      },
      unmapped);
  return std::move(table.value());
}

std::string module_id(std::uint32_t number) {
  return fmt::format("MD-{:04}", number);
}

std::optional<std::uint32_t> parse_module_id(std::string_view text) {
  constexpr std::string_view prefix = "MD-";
  if (!text.starts_with(prefix) || text.size() != prefix.size() + 4) return std::nullopt;
  std::uint32_t number = 0;
  for (const char c : text.substr(prefix.size())) {
    if (c < '0' || c > '9') return std::nullopt;
    number = number * 10 + static_cast<std::uint32_t>(c - '0');
  }
  return number;
}

}  // namespace mintmark
