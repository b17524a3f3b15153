#include "eventstore/tree_head_journal.h"

#include <filesystem>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "eventstore/files.h"

namespace mintmark {

Result<SigningSeed> open_tree_head_key(const std::string& key_path, const std::string& tree_heads_path,
                                       Random& random) {
  if (is_absent(key_path)) {
    if (!is_absent(tree_heads_path)) {
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

Result<TreeHeadReader::Findings> read_tree_heads(TreeHeadReader& own, const std::string& further_path,
                                                 const TreeHeadVisitor& visit) {
  std::error_code code;
  const bool is_further =
      !further_path.empty() && !std::filesystem::equivalent(own.path(), further_path, code);
  if (is_further && is_absent(further_path))
    return fail(ErrorKind::kUnavailable, fmt::format("There is no file {}.", further_path));
  bool goes_on = true;
  auto all = own.read([&](const TreeHead& head) { return goes_on = visit(head); });
  if (is_further && goes_on && all.kind != ErrorKind::kUnavailable) {
    auto further = TreeHeadReader(further_path, own.verifier()).read(visit);
    if (all.problem.empty() || further.kind == ErrorKind::kUnavailable) {
      all.problem = std::move(further.problem);
      all.kind = further.kind;
    }
    if (all.note.empty()) all.note = std::move(further.note);
  }
  if (all.kind == ErrorKind::kUnavailable) return fail(all.kind, std::move(all.problem));
  return all;
}

void TreeHeadJournal::look_for_loss() {
  if (is_lost_) return;
  auto loss = file_.loss();
  if (loss.empty()) return;
  is_lost_ = true;
  loss_ = std::move(loss);
}

std::string TreeHeadJournal::take_loss() {
  const std::scoped_lock lock(mutex_);
  look_for_loss();
  return std::exchange(loss_, "");
}

Result<TreeHeadJournal::Published> TreeHeadJournal::publish_locked() {
  look_for_loss();
  const auto head = log_.tree().head();
  auto note = sign_tree_head(signer_, head);
  if (auto appended = file_.append(note); !appended) return std::unexpected(appended.error());
  published_ = head.size;
  is_lost_ = false;
  return Published{head, std::move(note)};
}

Result<TreeHeadJournal::Published> TreeHeadJournal::publish() {
  const std::scoped_lock lock(mutex_);
  return publish_locked();
}

Result<void> TreeHeadJournal::publish_if_grown() {
  const std::scoped_lock lock(mutex_);
  look_for_loss();
  if (log_.head() <= published_ && !is_lost_) return {};
  const auto published = publish_locked();
  if (!published) return std::unexpected(published.error());
  return {};
}

TreeHeadReader TreeHeadJournal::reader() const {
  const std::scoped_lock lock(mutex_);
  return {file_.path(), signer_.verifier()};
}

TreeHeadReader::Findings TreeHeadJournal::read_own(const TreeHeadVisitor& visit) const {
  return reader().read(visit);
}

Result<TreeHeadReader::Findings> TreeHeadJournal::read(const std::string& further_path,
                                                       const TreeHeadVisitor& visit) const {
  auto own = reader();
  return read_tree_heads(own, further_path, visit);
}

Result<void> TreeHeadJournal::begin() {
  const std::scoped_lock lock(mutex_);
  return file_.begin();
}

}  // namespace mintmark
