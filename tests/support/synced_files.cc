#include "tests/support/synced_files.h"

#include <atomic>
#include <stdexcept>
#include <utility>

#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eventstore/files.h"

namespace mintmark::testing {
namespace {

std::atomic<SyncedFiles*> watching = nullptr;

}  // namespace

struct SyncedFiles::Held {
  explicit Held(const std::filesystem::path& path) : file(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  Descriptor file;
};

SyncedFiles::SyncedFiles(std::filesystem::path folder)
    : folder_(std::filesystem::canonical(std::move(folder))) {
  take(folder_);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder_)) take(entry.path());
  if (watching.exchange(this) != nullptr) throw std::logic_error("there is another one");
}

SyncedFiles::~SyncedFiles() {
  watching = nullptr;
}

void SyncedFiles::take(const std::filesystem::path& path) {
  auto held = std::make_unique<Held>(path);
  struct stat info{};
  if (::fstat(held->file.fd(), &info) != 0) throw std::runtime_error(path.string() + " cannot be opened");
  if (S_ISDIR(info.st_mode)) {
    auto& names = folders_[info.st_ino];
    names.clear();
    for (const auto& entry : std::filesystem::directory_iterator(path)) {
      struct stat named{};
      if (::lstat(entry.path().c_str(), &named) == 0)
        names[entry.path().filename().string()] = {named.st_ino, S_ISDIR(named.st_mode)};
    }
  } else {
    files_[info.st_ino] = read_whole_file(held->file).value();
  }
  held_.push_back(std::move(held));
}

void SyncedFiles::note(int fd) {
  const std::scoped_lock lock(mutex_);
  const std::filesystem::path link("/proc/self/fd/" + std::to_string(fd));
  const auto path = std::filesystem::read_symlink(link).string();
  if (path != folder_ && !path.starts_with(folder_.string() + "/")) return;
  take(link);  // whatever its name, and whether it has one still
  Contents contents;
  struct stat info{};
  if (::stat(folder_.c_str(), &info) == 0) render(info.st_ino, "", contents);
  after_each_sync_.push_back(std::move(contents));
}

void SyncedFiles::render(ino_t folder, const std::string& prefix, Contents& contents) const {
  const auto names = folders_.find(folder);
  if (names == folders_.end()) return;
  for (const auto& [name, named] : names->second) {
    if (named.is_folder) {
      contents[prefix + name + "/"] = "";
      render(named.number, prefix + name + "/", contents);
    } else {
      const auto bytes = files_.find(named.number);
      contents[prefix + name] = bytes == files_.end() ? "" : bytes->second;
    }
  }
}

std::vector<SyncedFiles::Contents> SyncedFiles::after_each_sync() const {
  const std::scoped_lock lock(mutex_);
  return after_each_sync_;
}

SyncedFiles::Contents SyncedFiles::after_all() const {
  const std::scoped_lock lock(mutex_);
  return after_each_sync_.empty() ? Contents() : after_each_sync_.back();
}

}  // namespace mintmark::testing

extern "C" int fsync(int fd) {
  using Fsync = int (*)(int);
  static const auto system_fsync = reinterpret_cast<Fsync>(::dlsym(RTLD_NEXT, "fsync"));
  const int result = system_fsync(fd);
  if (auto* files = mintmark::testing::watching.load(); files != nullptr && result == 0) files->note(fd);
  return result;
}
