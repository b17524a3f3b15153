#pragma once

#include <filesystem>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "projections/view_store.h"
#include "tests/support/temporary_folder.h"

namespace mintmark::testing {

// A ViewStore in a temporary folder, which can be closed and opened again as after a restart.
class ViewFolder {
 public:
  explicit ViewFolder(const std::filesystem::path& parent = std::filesystem::temp_directory_path())
      : folder_(parent) {
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

 private:
  void open() {
    auto store = ViewStore::open(folder_.file("views"));
    if (!store) throw std::runtime_error(store.error().messages.front());
    store_ = std::move(*store);
  }

  TemporaryFolder folder_;
  std::unique_ptr<ViewStore> store_;
};

}  // namespace mintmark::testing
