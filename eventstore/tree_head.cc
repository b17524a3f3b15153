#include "eventstore/tree_head.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>
#include <vector>

#include <fmt/format.h>

namespace mintmark {

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

std::string tree_head_problem(const TreeHead& head, const TreeHead& tree, const NodeAt& node_at) {
  if (head.size > tree.size)
    return fmt::format("it ends at position {}, but a tree head of position {} was signed", tree.size,
                       head.size);
  const auto proof =
      head.size == 0 ? std::vector<TreeHash>() : consistency_proof(head.size, tree.size, node_at);
  if (!is_consistent(head, tree, proof))
    return fmt::format("its root at position {} is not that of a signed tree head", head.size);
  return "";
}

}  // namespace mintmark
