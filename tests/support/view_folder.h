#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "projections/view_store.h"
#include "tests/support/log_folder.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::testing {

// A ViewStore in a temporary folder, which can be closed and opened again as after a restart.
class ViewFolder {
 public:
  explicit ViewFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path())
      : folder_(parent), env_(parent == TemporaryFolder::in_memory() ? &env_in_memory() : nullptr) {
    open();
  }

  ViewStore& store() { return *store_; }
  // A path beside it.
  std::string file(const std::string& name) const { return folder_.file(name); }
  // What stands on the store must be gone.
  void reopen() {
    store_.reset();
    open();
  }
  // The same; why it does not open, where it does not: then there is no store until it is opened again.
  std::string try_to_reopen() {
    store_.reset();
    auto store = ViewStore::open(folder_.file("views"), env_);
    if (!store) return store.error().messages.front();
    store_ = std::move(*store);
    return "";
  }
  void close() { store_.reset(); }

 private:
  void open() {
    if (const auto refusal = try_to_reopen(); !refusal.empty()) throw std::runtime_error(refusal);
  }

  TemporaryFolder folder_;
  rocksdb::Env* env_;
  std::unique_ptr<ViewStore> store_;
};

}  // namespace mintmark::testing
