#include "tools/modules_file.h"

#include <array>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <toml++/toml.h>

namespace mintmark {
namespace {

std::unexpected<Error> bad(std::string why) {
  return fail(ErrorKind::kInvalid, std::move(why));
}

Result<UnmappedPaths> read_unmapped_paths(const toml::node& node) {
  const auto value = node.value<std::string_view>().value_or("");
  if (value == "restricted") return UnmappedPaths::kRestricted;
  if (value == "allow") return UnmappedPaths::kAllow;
  if (value == "refuse") return UnmappedPaths::kRefuse;
  return bad("unmapped_paths must be \"restricted\", \"allow\" or \"refuse\"");
}

Result<Module> read_module(const toml::table& table) {
  Module module;
  for (const auto& [key, node] : table) {
    if (key == "id") {
      module.number = parse_module_id(node.value<std::string_view>().value_or("")).value_or(0);
    } else if (key == "name" && node.is_string()) {
      module.name = node.as_string()->get();
    } else if (key == "rules" && node.is_array()) {
      for (const auto& rule : *node.as_array()) {
        if (!rule.is_string()) return bad("a module's rules must be strings");
        module.rules.push_back(rule.as_string()->get());
      }
    } else {
      return bad(fmt::format("a module has no {}, or not of this kind", key.str()));
    }
  }
  return module;
}

}  // namespace

Result<ModuleTable> read_modules_file(const std::string& path) {
  toml::table file;
  try {
    file = toml::parse_file(path);
  } catch (const toml::parse_error& error) {
    std::ostringstream place;
    place << error.source().begin;
    return bad(fmt::format("names {}, which says: {} ({})", path, error.description(), place.str()));
  }
  auto unmapped = UnmappedPaths::kRestricted;
  std::vector<Module> modules;
  for (const auto& [key, node] : file) {
    if (key == "unmapped_paths") {
      const auto value = read_unmapped_paths(node);
      if (!value) return bad(fmt::format("names {}: {}", path, value.error().messages.front()));
      unmapped = *value;
      continue;
    }
    if (key != "module" || !node.is_array_of_tables()) {
      return bad(fmt::format("names {}: there is no {}, or not of this kind", path, key.str()));
    }
    for (const auto& element : *node.as_array()) {
      auto module = read_module(*element.as_table());
      if (!module) return bad(fmt::format("names {}: {}", path, module.error().messages.front()));
      modules.push_back(std::move(*module));
    }
  }
  auto table = ModuleTable::make(std::move(modules), unmapped);
  if (!table) return bad(fmt::format("names {}: {}", path, table.error().messages.front()));
  return table;
}

}  // namespace mintmark
