#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

// Small files that must be whole on disk. All block; where one fails, system_message() says why.
namespace mintmark {

// Owns a file descriptor; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor();
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

// What errno means.
std::string system_message();

// Writes on where a write is short or interrupted.
bool write_all(int fd, std::string_view bytes);

// Reads up to the end of the file or `size` bytes, whichever is first; reads on where a read is short or
// interrupted. How many there were; -1 where it failed.
std::ptrdiff_t read_up_to(int fd, char* into, std::size_t size);

// As fsync(2), again where a signal interrupted it.
bool sync_file(int fd);

// Whether there is certainly no such file: whatever else stands in the way of looking, it may be there.
bool is_absent(const std::string& path);

// Makes the name of a file durable: syncs the folder that it is in.
bool sync_parent_folder(const std::string& path);

// Gives a file or folder another name, in place of a file of that name, and makes that durable: both folders
// that the names are in are synced.
bool rename_durably(const std::string& from, const std::string& to);

// Makes a folder and those above it that are missing, and their names durable. Does nothing where it exists;
// what went wrong, where something did.
std::error_code make_folders(const std::string& path);

// Makes a file of these bytes, in place of what had its name, and syncs it, but not its name: a crash may
// leave any part of it. Where that fails, there is none. `mode` as for open(2).
bool write_new_file(const std::string& path, std::string_view bytes, unsigned mode);

// Gives the file these bytes and makes them durable: a crash leaves the old content or the new one, whole.
// `mode` as for open(2).
bool replace_file(const std::string& path, std::string_view bytes, unsigned mode);

// The whole file; nothing where it cannot be read to its end.
std::optional<std::string> read_whole_file(const std::string& path);
std::optional<std::string> read_whole_file(const Descriptor& file);

}  // namespace mintmark
