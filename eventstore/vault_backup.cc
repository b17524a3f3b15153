#include <algorithm>
#include <optional>
#include <stop_token>
#include <string_view>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eventstore/backup.h"
#include "eventstore/bytes.h"
#include "eventstore/checksum.h"
#include "eventstore/files.h"

// A vault may be larger than memory: it is written and read piece by piece.
namespace mintmark {
namespace {

constexpr std::string_view vault_magic = "MMVAULT1";
constexpr std::size_t vault_batch_rows = 1024;
constexpr std::size_t vault_piece_bytes = 256UL * 1024;

std::unexpected<Error> refuse_vault(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, fmt::format("The backup {} cannot be used: {}.", path, why));
}

// The checksum of what is given to it piece by piece.
class RunningChecksum {
 public:
  RunningChecksum() { crypto_generichash_init(&state_, nullptr, 0, checksum_bytes); }
  void add(std::string_view bytes) {
    crypto_generichash_update(&state_, unsigned_bytes(bytes), bytes.size());
  }
  std::string value() {
    std::string hash(checksum_bytes, '\0');
    crypto_generichash_final(&state_, reinterpret_cast<unsigned char*>(hash.data()), hash.size());
    return hash;
  }

 private:
  crypto_generichash_state state_{};
};

// Makes a vault file; once something went wrong, nothing is written any more.
class VaultFileWriter {
 public:
  explicit VaultFileWriter(const std::string& path)
      : file_(::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600)), good_(file_.fd() >= 0) {}

  void bytes(std::string_view bytes) {
    buffer_ += bytes;
    if (buffer_.size() >= vault_piece_bytes) flush();
  }
  void number(std::uint64_t value) { put_little_endian(buffer_, value); }
  void text(std::string_view text) {
    number(text.size());
    bytes(text);
  }
  // Ends it with its checksum and syncs it; whether all of it is on disk.
  bool finish() {
    flush();
    good_ = good_ && write_all(file_.fd(), checksum_.value()) && sync_file(file_.fd());
    return good_;
  }

 private:
  void flush() {
    checksum_.add(buffer_);
    good_ = good_ && write_all(file_.fd(), buffer_);
    buffer_.clear();
  }

  const Descriptor file_;
  bool good_;
  RunningChecksum checksum_;
  std::string buffer_;
};

// Takes a vault file apart from front to back; once something is missing, everything is.
class VaultFileReader {
 public:
  explicit VaultFileReader(const std::string& path)
      : file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)), good_(file_.fd() >= 0) {}

  // Why it is not what was written, once over all of it; empty where it is. Then it stands at its front.
  std::string problem() {
    struct stat info{};
    if (!good_ || ::fstat(file_.fd(), &info) != 0) return system_message();
    const auto size = static_cast<std::uint64_t>(info.st_size);
    const auto body = size - std::min<std::uint64_t>(size, checksum_bytes);
    RunningChecksum computed;
    left_ = size;
    while (good_ && left_ > size - body)
      computed.add(bytes(std::min<std::uint64_t>(left_ - (size - body), vault_piece_bytes)));
    const auto stored = std::string(bytes(size - body));
    if (!good_) return "it cannot be read to its end";
    if (computed.value() != stored) return "its checksum is wrong";
    good_ = ::lseek(file_.fd(), 0, SEEK_SET) == 0;
    buffer_.clear();
    begin_ = 0;
    left_ = body;
    return good_ ? "" : system_message();
  }

  bool at_end() const { return good_ && left_ == 0; }
  // Valid until the next call.
  std::string_view bytes(std::uint64_t count) {
    if (!good_ || count > left_) {
      good_ = false;
      return {};
    }
    if (count > buffer_.size() - begin_) fill(count);
    if (!good_) return {};
    const auto taken = std::string_view(buffer_).substr(begin_, count);
    begin_ += count;
    left_ -= count;
    return taken;
  }
  std::uint64_t number() {
    const auto taken = bytes(8);
    return good_ ? get_little_endian(taken) : 0;
  }
  std::string text() { return std::string(bytes(number())); }

 private:
  // At least `count` bytes into the buffer.
  void fill(std::uint64_t count) {
    buffer_.erase(0, begin_);
    begin_ = 0;
    const auto before = buffer_.size();
    const auto room = std::max<std::uint64_t>(count - before, vault_piece_bytes);
    buffer_.resize(before + room);
    const auto got = read_up_to(file_.fd(), buffer_.data() + before, room);
    buffer_.resize(before + static_cast<std::size_t>(std::max<std::ptrdiff_t>(got, 0)));
    good_ = got >= 0 && buffer_.size() >= count;
  }

  const Descriptor file_;
  bool good_;
  std::uint64_t left_ = 0;  // behind what was taken
  std::string buffer_;
  std::size_t begin_ = 0;  // of what is not taken yet
};

// Writes the vault as it is; how many rows there are.
Result<std::uint64_t> write_vault(EventLog& log, const std::string& path, const std::stop_token& stop) {
  VaultFileWriter file(path);
  file.bytes(vault_magic);
  file.bytes(log.log_id().view());
  file.number(log.head());
  std::uint64_t count = 0;
  std::string after;
  for (;;) {
    const auto rows = log.read_vault_after(after, vault_batch_rows);
    if (rows.empty()) break;
    if (stop.stop_requested()) return fail(ErrorKind::kUnavailable, "The backup of the vault was ended.");
    after = rows.back().subject;
    count += rows.size();
    for (const auto& row : rows) {
      file.text(row.subject);
      file.text(row.wrapped_key);
    }
  }
  file.number(0);
  if (!file.finish()) return refuse_vault(path, system_message());
  return count;
}

}  // namespace

Result<std::uint64_t> check_vault_backup(const std::string& path, const EventId& log_id) {
  std::uint64_t count = 0;
  const auto checked = read_vault_backup(path, log_id, [&](std::vector<VaultWrite>&& rows) -> Result<void> {
    count += rows.size();
    return {};
  });
  if (!checked) return std::unexpected(checked.error());
  return count;
}

Result<std::uint64_t> backup_vault(EventLog& log, const std::string& path, const std::stop_token& stop) {
  // The old one stays until the new one is whole, on disk and read back.
  const auto unfinished = path + ".new";
  auto written = write_vault(log, unfinished, stop);
  if (written) {
    const auto read_back = check_vault_backup(unfinished, log.log_id());
    if (!read_back) {
      written = std::unexpected(read_back.error());
    } else if (*read_back != *written) {
      written = refuse_vault(path, "it does not hold what was written");
    } else if (!rename_durably(unfinished, path)) {
      written = refuse_vault(path, system_message());
    }
  }
  if (!written) ::unlink(unfinished.c_str());
  return written;
}

Result<void> read_vault_backup(const std::string& path, const EventId& log_id,
                               const std::function<Result<void>(std::vector<VaultWrite>&&)>& take) {
  VaultFileReader reader(path);
  if (const auto why = reader.problem(); !why.empty()) return refuse_vault(path, why);
  if (reader.bytes(vault_magic.size()) != vault_magic) return refuse_vault(path, "it is no vault");
  if (reader.bytes(16) != log_id.view()) return refuse_vault(path, "it is that of another log");
  reader.number();
  std::vector<VaultWrite> rows;
  for (auto subject = reader.text(); !subject.empty(); subject = reader.text()) {
    auto key = reader.text();
    rows.push_back({std::move(subject), std::move(key)});
    if (rows.size() < vault_batch_rows) continue;
    if (auto taken = take(std::exchange(rows, {})); !taken) return taken;
  }
  if (!reader.at_end()) return refuse_vault(path, "it ends too early or too late");
  return rows.empty() ? Result<void>() : take(std::move(rows));
}

}  // namespace mintmark
