// The files of tree heads.
#include <algorithm>
#include <cctype>
#include <cerrno>
#include <cstdint>
#include <optional>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "eventstore/tree_head.h"

namespace mintmark {
namespace {

// Ends one note and begins the next: a signature line's end and the empty line behind it. Inside a note an
// empty line follows its text, and what comes behind that is no text but a signature.
constexpr std::string_view separator = "\n\n";

// Ours take some 340 bytes.
constexpr std::size_t tree_head_note_bytes_max = 64UL * 1024;

std::string unusable(const std::string& path, std::string_view why) {
  return fmt::format("The tree heads in {} cannot be used: {}.", path, why);
}

std::unexpected<Error> refuse_tree_head(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, unusable(path, why));
}

// The length of the first whole note, its separator included; nothing where there is none.
std::optional<std::size_t> note_length(std::string_view text) {
  text = text.substr(0, tree_head_note_bytes_max);
  const auto text_end = text.find(separator);
  if (text_end == std::string_view::npos) return std::nullopt;
  const auto note_end = text.find(separator, text_end + separator.size());
  if (note_end == std::string_view::npos) return std::nullopt;
  return note_end + separator.size();
}

// Where, from `begin` on, a note of that name may begin; the text's size where none does.
std::size_t find_note(std::string_view text, std::string_view name, std::size_t begin) {
  const auto first_line = std::string(name) + '\n';
  for (auto at = text.find(first_line, begin); at != std::string_view::npos;
       at = text.find(first_line, at + 1)) {
    if (at == 0 || text[at - 1] == '\n') return at;
  }
  return text.size();
}

// Where what an append of a note of that name has left begins; the text's size where none was cut short.
std::size_t torn_note(std::string_view text, std::string_view name) {
  std::size_t end = 0;  // of the last whole note
  for (auto at = find_note(text, name, 0); at < text.size(); at = find_note(text, name, at + 1)) {
    const auto length = note_length(text.substr(at));
    if (!length) return at;
    end = at + *length;
  }
  const auto first_line = std::string(name) + '\n';
  return first_line.starts_with(text.substr(end)) ? end : text.size();
}

// How a file ends.
struct NotesEnd {
  std::uint64_t whole = 0;  // up to here there is nothing that an append has left
  std::uint64_t size = 0;
  bool begins_a_line_at_whole = true;
  bool begins_a_line = true;
};

// Nothing where the file cannot be read.
std::optional<NotesEnd> end_of_notes(const Descriptor& file, std::string_view name) {
  struct stat info{};
  if (::fstat(file.fd(), &info) != 0) return std::nullopt;
  if (S_ISDIR(info.st_mode)) {
    errno = EISDIR;
    return std::nullopt;
  }
  const auto size = static_cast<std::uint64_t>(info.st_size);
  std::string tail(std::min<std::uint64_t>(size, tree_head_note_bytes_max), '\0');
  const auto tail_begin = size - tail.size();
  if (::lseek(file.fd(), static_cast<off_t>(tail_begin), SEEK_SET) < 0) return std::nullopt;
  const auto read = read_up_to(file.fd(), tail.data(), tail.size());
  if (read >= 0 && static_cast<std::size_t>(read) < tail.size()) errno = EIO;  // it is cut off meanwhile
  if (read != static_cast<std::ptrdiff_t>(tail.size())) return std::nullopt;
  const auto torn = torn_note(tail, name);
  return NotesEnd{tail_begin + torn, size, torn == 0 || tail[torn - 1] == '\n',
                  tail.empty() || tail.back() == '\n'};
}

// Whether this is what is left of a note of that name that was cut off anywhere, ended with an empty line.
bool is_cut_short(std::string_view text, std::string_view name) {
  const auto last = text.find_last_not_of('\n');
  if (!text.ends_with(separator) || last == std::string_view::npos) return false;
  text = text.substr(0, last + 1);
  auto form = std::string(name) + '\n';
  const auto* const size_end =
      std::find_if_not(text.begin() + static_cast<std::ptrdiff_t>(std::min(text.size(), form.size())),
                       text.end(), [](char c) { return c >= '0' && c <= '9'; });
  const auto size_line = std::string_view(text.begin(), size_end);
  if (size_line.size() > form.size()) form += size_line.substr(form.size());
  // In place of base64: a root, and the key's id with the signature.
  form += '\n' + std::string(44, '?') + "\n\n\u2014 " + std::string(name) + ' ' + std::string(92, '?');
  const auto fits = [](char found, char expected) {
    return expected == '?' ? std::isalnum(static_cast<unsigned char>(found)) != 0 || found == '+' ||
                                 found == '/' || found == '='
                           : found == expected;
  };
  return text.size() < form.size() && std::equal(text.begin(), text.end(), form.begin(), fits);
}

// What of a file is read next.
class NoteWindow {
 public:
  NoteWindow(int fd, std::uint64_t end) : fd_(fd), unread_(end) {}

  // A note's greatest length of it, or all that there is. Empty at the end, and where reading fails.
  std::string_view ahead() {
    if (buffer_.size() - at_ < tree_head_note_bytes_max && unread_ > 0) {
      buffer_.erase(0, at_);
      at_ = 0;
      const auto had = buffer_.size();
      const auto more = std::min<std::uint64_t>(unread_, 2 * tree_head_note_bytes_max - had);
      buffer_.resize(had + more);
      const auto read = read_up_to(fd_, buffer_.data() + had, more);
      if (read >= 0 && static_cast<std::size_t>(read) < more) errno = EIO;  // it was cut off meanwhile
      has_failed_ = read != static_cast<std::ptrdiff_t>(more);
      if (has_failed_) buffer_.clear();
      unread_ = has_failed_ ? 0 : unread_ - more;
    }
    return std::string_view(buffer_).substr(at_);
  }
  void pass(std::size_t bytes) {
    line_ += static_cast<std::uint64_t>(std::ranges::count(ahead().substr(0, bytes), '\n'));
    at_ += bytes;
  }
  bool is_last() const { return unread_ == 0; }  // ahead() gives
  bool has_failed() const { return has_failed_; }
  std::uint64_t line() const { return line_; }  // that ahead() begins in

 private:
  const int fd_;
  std::uint64_t unread_;
  std::string buffer_;
  std::size_t at_ = 0;
  std::uint64_t line_ = 1;
  bool has_failed_ = false;
};

}  // namespace

Result<void> TreeHeadFile::begin() {
  const Descriptor file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  if (file.fd() < 0 || !sync_parent_folder(path_)) return refuse_tree_head(path_, system_message());
  return {};
}

Result<void> TreeHeadFile::append(std::string_view note) {
  const bool is_new = is_absent(path_);
  const Descriptor file(::open(path_.c_str(), O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0644));
  if (file.fd() < 0) return refuse_tree_head(path_, system_message());
  const auto before = end_of_notes(file, note.substr(0, note.find('\n')));
  if (!before) return refuse_tree_head(path_, system_message());
  auto place = before->whole;
  std::string_view line_end = before->begins_a_line_at_whole ? "" : "\n";
  if (place < before->size && ::ftruncate(file.fd(), static_cast<off_t>(place)) != 0) {
    place = before->size;
    line_end = before->begins_a_line ? "\n" : "\n\n";
  }
  const auto added = fmt::format("{}{}\n", line_end, note);
  if (!write_all(file.fd(), added) || !sync_file(file.fd())) {
    return refuse_tree_head(path_, system_message());
  }
  if (is_new && !sync_parent_folder(path_)) return refuse_tree_head(path_, system_message());
  last_ = added;
  last_place_ = place;
  return {};
}

std::string TreeHeadFile::loss() const {
  if (last_.empty()) return "";
  const Descriptor file(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.fd() < 0 && errno == ENOENT)
    return fmt::format("The tree heads in {} are gone: the file was there, and is not any more.", path_);
  std::string found(last_.size(), '\0');
  if (file.fd() < 0 || ::lseek(file.fd(), static_cast<off_t>(last_place_), SEEK_SET) < 0) return "";
  const auto size = read_up_to(file.fd(), found.data(), found.size());
  if (size < 0 || found == last_) return "";
  return fmt::format("The tree heads in {} were cut or changed: the newest is no longer where it was.",
                     path_);
}

TreeHeadReader::TreeHeadReader(std::string path, const NoteVerifier& verifier)
    : path_(std::move(path)), verifier_(verifier), file_(::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) {
  std::optional<NotesEnd> end;
  if (file_.fd() >= 0) end = end_of_notes(file_, verifier_.name());
  if (!end) error_ = errno;
  if (end) end_ = end->whole;
}

TreeHeadReader::Findings TreeHeadReader::read(const TreeHeadVisitor& visit) {
  // Nothing else is as good as none: a log must not pass for unsigned because a disk is away.
  if (error_ == ENOENT) return {};
  const auto unreadable = [this](int error) {
    return Findings{unusable(path_, std::error_code(error, std::generic_category()).message()),
                    ErrorKind::kUnavailable, ""};
  };
  if (error_ != 0 || ::lseek(file_.fd(), 0, SEEK_SET) < 0) return unreadable(error_ != 0 ? error_ : errno);
  Findings found;
  NoteWindow window(file_.fd(), end_);
  const auto& name = verifier_.name();
  for (auto text = window.ahead(); !text.empty(); text = window.ahead()) {
    const auto length = note_length(text);
    const auto head = length ? open_tree_head(verifier_, text.substr(0, *length - 1)) : std::nullopt;
    if (head) {
      if (!visit(*head)) return found;
      window.pass(*length);
      continue;
    }
    auto next = find_note(text, name, 1);
    if (next < text.size() && is_cut_short(text.substr(0, next), name)) {
      if (found.note.empty())
        found.note = fmt::format("the tree head at line {} of {} was cut short, as a crash leaves it",
                                 window.line(), path_);
    } else if (found.problem.empty()) {
      found.problem = unusable(
          path_, fmt::format("the one at line {} was not signed by {}", window.line(), verifier_.text()));
    }
    // The beginning of one may be all that is here of it, with the end of the line before.
    if (next == text.size() && !window.is_last()) next -= name.size() + separator.size();
    window.pass(next);
  }
  return window.has_failed() ? unreadable(errno) : found;
}

}  // namespace mintmark
