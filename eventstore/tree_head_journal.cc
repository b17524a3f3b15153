#include "eventstore/tree_head_journal.h"

#include <filesystem>
#include <system_error>

#include <fmt/format.h>

namespace mintmark {

Result<SigningSeed> open_tree_head_key(const std::string& key_path, const std::string& tree_heads_path,
                                       Random& random) {
  std::error_code code;
  if (!std::filesystem::exists(key_path, code)) {
    if (std::filesystem::exists(tree_heads_path, code)) {
      return fail(ErrorKind::kUnavailable,
                  fmt::format("There are tree heads in {}, but their signing key {} is missing.",
                              tree_heads_path, key_path));
    }
    return create_key_file(key_path, random);
  }
  const auto keys = read_key_file(key_path);
  if (!keys) return std::unexpected(keys.error());
  return keys->current;
}

Result<std::vector<TreeHead>> read_tree_heads(const NoteVerifier& verifier, const std::string& path,
                                              const std::string& further_path) {
  auto heads = TreeHeadFile(path).read(verifier);
  if (!heads || further_path.empty()) return heads;
  std::error_code code;
  if (!std::filesystem::exists(further_path, code)) {
    return fail(ErrorKind::kUnavailable, fmt::format("There is no file {}.", further_path));
  }
  const auto further = TreeHeadFile(further_path).read(verifier);
  if (!further) return further;
  heads->insert(heads->end(), further->begin(), further->end());
  return heads;
}

Result<TreeHeadJournal::Published> TreeHeadJournal::publish_locked() {
  const auto head = log_.tree().head();
  auto note = sign_tree_head(signer_, head);
  if (auto appended = file_.append(note); !appended) return std::unexpected(appended.error());
  published_ = head.size;
  return Published{head, std::move(note)};
}

Result<TreeHeadJournal::Published> TreeHeadJournal::publish() {
  const std::scoped_lock lock(mutex_);
  return publish_locked();
}

Result<void> TreeHeadJournal::publish_if_grown() {
  const std::scoped_lock lock(mutex_);
  if (log_.head() <= published_) return {};
  const auto published = publish_locked();
  if (!published) return std::unexpected(published.error());
  return {};
}

Result<std::vector<TreeHead>> TreeHeadJournal::heads(const std::string& further_path) const {
  const std::scoped_lock lock(mutex_);
  return read_tree_heads(signer_.verifier(), file_.path(), further_path);
}

TreeHeadFile::Valid TreeHeadJournal::valid_heads() const {
  const std::scoped_lock lock(mutex_);
  return file_.read_valid(signer_.verifier());
}

}  // namespace mintmark
