#include "eventstore/tree_head.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "eventstore/files.h"

namespace mintmark {
namespace {

// Ends one note and begins the next: a signature line's end and the empty line behind it. Inside a note an
// empty line follows its text, and what comes behind that is no text but a signature.
constexpr std::string_view separator = "\n\n";

std::string unusable(const std::string& path, std::string_view why) {
  return fmt::format("The tree heads in {} cannot be used: {}.", path, why);
}

std::unexpected<Error> refuse_tree_head(const std::string& path, std::string_view why) {
  return fail(ErrorKind::kUnavailable, unusable(path, why));
}

// The length of the first whole note, its separator included; nothing where there is none.
std::optional<std::size_t> note_length(std::string_view text) {
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

}  // namespace

std::string tree_head_origin(const EventId& log_id) {
  return "mintmark/" + log_id.text();
}

Result<void> check_tree_head_key(const NoteVerifier& key, const EventId& log_id) {
  const auto origin = tree_head_origin(log_id);
  if (key.name() == origin) return {};
  return fail(ErrorKind::kInvalid,
              fmt::format("The public key is that of {}, but this log is {}.", key.name(), origin));
}

std::string sign_tree_head(const NoteSigner& signer, const TreeHead& head) {
  const std::string_view root(reinterpret_cast<const char*>(head.root.data()), head.root.size());
  return signer.sign(fmt::format("{}\n{}\n{}\n", signer.verifier().name(), head.size, base64(root)));
}

std::optional<TreeHead> open_tree_head(const NoteVerifier& verifier, std::string_view note) {
  auto text = verifier.open(note);
  if (!text) return std::nullopt;
  const auto next_line = [&text] {
    const auto line = text->substr(0, text->find('\n'));
    text->remove_prefix(std::min(text->size(), line.size() + 1));
    return line;
  };
  if (next_line() != verifier.name()) return std::nullopt;
  const auto size = next_line();
  const auto root = decode_base64(next_line());
  TreeHead head;
  const auto [end, code] = std::from_chars(size.data(), size.data() + size.size(), head.size);
  const bool is_number = code == std::errc() && end == size.data() + size.size();
  if (!is_number || std::to_string(head.size) != size) return std::nullopt;
  if (!root || root->size() != head.root.size()) return std::nullopt;
  std::memcpy(head.root.data(), root->data(), head.root.size());
  return head;
}

TreeHeadFile::Valid TreeHeadFile::read(const NoteVerifier& verifier) const {
  const auto all = read_whole_file(path_);
  // Nothing else is as good as none: a log must not pass for unsigned because a disk is away.
  if (!all && errno == ENOENT) return {};
  if (!all) return {{}, unusable(path_, system_message()), ErrorKind::kUnavailable};
  Valid read;
  const auto end = torn_note(*all, verifier.name());
  const auto text = std::string_view(*all).substr(0, end);
  for (std::size_t at = 0; at < text.size();) {
    const auto length = note_length(text.substr(at));
    const auto head = length ? open_tree_head(verifier, text.substr(at, *length - 1)) : std::nullopt;
    if (head) {
      read.heads.push_back(*head);
      at += *length;
      continue;
    }
    if (read.problem.empty()) {
      const auto line = 1 + std::ranges::count(text.substr(0, at), '\n');
      read.problem =
          unusable(path_, fmt::format("the one at line {} was not signed by {}", line, verifier.text()));
    }
    at = find_note(text, verifier.name(), at + 1);
  }
  return read;
}

Result<void> TreeHeadFile::begin() {
  const Descriptor file(::open(path_.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0644));
  if (file.fd() < 0 || !sync_parent_folder(path_)) return refuse_tree_head(path_, system_message());
  return {};
}

Result<void> TreeHeadFile::append(std::string_view note) {
  const bool is_new = is_absent(path_);
  const Descriptor file(::open(path_.c_str(), O_CREAT | O_RDWR | O_APPEND | O_CLOEXEC, 0644));
  if (file.fd() < 0) return refuse_tree_head(path_, system_message());
  const auto before = read_whole_file(file);
  if (!before) return refuse_tree_head(path_, system_message());
  const auto end = torn_note(*before, note.substr(0, note.find('\n')));
  if (end < before->size() && ::ftruncate(file.fd(), static_cast<off_t>(end)) != 0)
    return refuse_tree_head(path_, system_message());
  const bool begins_a_line = end == 0 || (*before)[end - 1] == '\n';
  const auto added = fmt::format("{}{}\n", begins_a_line ? "" : "\n", note);
  if (!write_all(file.fd(), added) || !sync_file(file.fd())) {
    return refuse_tree_head(path_, system_message());
  }
  if (is_new && !sync_parent_folder(path_)) return refuse_tree_head(path_, system_message());
  last_ = added;
  last_place_ = end;
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

std::string tree_head_problem(const std::vector<TreeHead>& heads, const TreeHead& tree,
                              const NodeAt& node_at) {
  for (const auto& head : heads) {
    if (head.size > tree.size) {
      return fmt::format("it ends at position {}, but a tree head of position {} was signed", tree.size,
                         head.size);
    }
    const auto proof =
        head.size == 0 ? std::vector<TreeHash>() : consistency_proof(head.size, tree.size, node_at);
    if (!is_consistent(head, tree, proof))
      return fmt::format("its root at position {} is not that of a signed tree head", head.size);
  }
  return "";
}

}  // namespace mintmark
