#include "eventstore/key_file.h"

#include <string_view>

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eventstore/files.h"

namespace mintmark {
namespace {

constexpr std::size_t hex_length = 2 * sizeof(KeyEncryptionKey);
constexpr std::size_t line_length = hex_length + 1;

std::unexpected<Error> refuse_key_file(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, fmt::format("The key file {} cannot be used: {}.", path, why));
}

std::string line_of(const KeyEncryptionKey& key) {
  std::string line(line_length, '\0');
  sodium_bin2hex(line.data(), line.size(), key.data(), key.size());
  line.back() = '\n';
  return line;
}

bool parse_line(const char* line, KeyEncryptionKey& key) {
  std::size_t bytes = 0;
  return line[hex_length] == '\n' &&
         sodium_hex2bin(key.data(), key.size(), line, hex_length, nullptr, &bytes, nullptr) == 0 &&
         bytes == key.size();
}

// Wiped by whoever gets it.
std::string text_of(const KeyEncryptionKeys& keys) {
  std::string text;
  text.reserve(2 * line_length);
  const auto add = [&text](const KeyEncryptionKey& key) {
    auto line = line_of(key);
    text += line;
    sodium_memzero(line.data(), line.size());
  };
  add(keys.current);
  if (keys.previous) add(*keys.previous);
  return text;
}

}  // namespace

Result<KeyEncryptionKey> create_key_file(const std::string& path, Random& random) {
  KeyEncryptionKey key{};
  random.fill(key);
  auto text = text_of({key});
  // Under another name until it is whole: half a key file would stand in the way of the next attempt. Linked
  // and not renamed, since that replaces nothing.
  const auto unfinished = path + ".new";
  const bool made = write_new_file(unfinished, text, 0600) && ::link(unfinished.c_str(), path.c_str()) == 0;
  const auto why = system_message();
  sodium_memzero(text.data(), text.size());
  ::unlink(unfinished.c_str());
  if (!made) return refuse_key_file(path, why);
  if (!sync_parent_folder(path)) return refuse_key_file(path, system_message());
  return key;
}

Result<KeyEncryptionKeys> read_key_file(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0) return refuse_key_file(path, system_message());
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) return refuse_key_file(path, system_message());
  if (S_ISDIR(info.st_mode)) return refuse_key_file(path, "it is a folder");
  if ((info.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
    return refuse_key_file(path, "others than its owner may read it (chmod 600 mends that)");
  }
  std::array<char, 2 * line_length + 1> text{};
  const auto length = read_up_to(file.fd(), text.data(), text.size());
  KeyEncryptionKeys keys;
  bool whole = length == line_length || length == 2 * line_length;
  if (whole) whole = parse_line(text.data(), keys.current);
  if (whole && length == 2 * line_length) {
    whole = parse_line(text.data() + line_length, keys.previous.emplace());
  }
  sodium_memzero(text.data(), text.size());
  if (!whole) return refuse_key_file(path, "it must be 64 hex characters and a newline");
  return keys;
}

Result<void> replace_key_file(const std::string& path, const KeyEncryptionKeys& keys) {
  auto text = text_of(keys);
  const bool replaced = replace_file(path, text, 0600);
  const auto why = system_message();
  sodium_memzero(text.data(), text.size());
  if (!replaced) return refuse_key_file(path, why);
  return {};
}

}  // namespace mintmark
