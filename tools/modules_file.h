#pragma once

#include <string>

#include "api/module_table.h"
#include "domain/error.h"

namespace mintmark {

// Reads which modules the protected API has (docs/gateways.md):
//
//   unmapped_paths = "restricted"   # or "allow", "refuse"; see UnmappedPaths
//   [[module]]
//   id = "MD-0001"
//   name = "Agreements"
//   rules = ["/agreements", "GET,HEAD /reports/*/agreements"]
//
// kInvalid, saying what is wrong and where, for a file that cannot be read or that has anything else in it.
Result<ModuleTable> read_modules_file(const std::string& path);

}  // namespace mintmark
