#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mintmark {

// The text in lower case, for comparisons that ignore case: ASCII, Latin-1 and Latin Extended-A, Greek and
// Cyrillic letters. It keeps the number of bytes; what is not in these stays as it is.
std::string fold_case(std::string_view text);

// A pattern of like() and ilike(): '*' stands for any text, '\*' for a star.
class Pattern {
 public:
  Pattern() = default;
  // Nothing where it holds '**'.
  static std::optional<Pattern> parse(std::string_view text, bool ignore_case);
  // What search finds: the text anywhere, whatever its case. Stars at its ends change nothing.
  static Pattern search(std::string_view text);

  // Makes no copy of the text.
  bool matches(std::string_view text) const;

  // Calls hit(offset) for each place in `text` where a piece of the pattern stands that every match holds
  // (the longest); hit returns the offset to go on from. Nothing is called where the pattern has no such
  // piece: see piece(). Offsets count bytes. It looks at 16 bytes at a time.
  template <class Hit>
  void for_each_candidate(std::string_view text, Hit&& hit) const {
    for (auto at = find_piece(text, 0); at < text.size(); at = find_piece(text, hit(at))) {
    }
  }
  std::string_view piece() const { return longest_; }
  // Whether matches() of every text is quicker than for_each_candidate() in all of them: where the piece
  // begins or ends every match, or is one byte, which stands in too many texts to look at each place.
  bool is_quick_to_match() const { return is_at_an_end_ || byte_; }
  // Whether a text that holds the piece anywhere matches.
  bool is_contains() const {
    return pieces_.size() == 3 && pieces_.front().empty() && pieces_.back().empty();
  }

 private:
  Pattern(std::vector<std::string> pieces, bool ignore_case);
  bool equals(std::string_view text, std::string_view piece) const;
  bool holds_byte(std::string_view text) const;
  std::size_t find(std::string_view text, std::string_view piece) const;
  // npos where there is none.
  std::size_t find_piece(std::string_view text, std::size_t from) const;
  bool piece_stands_at(const char* at) const;

  std::vector<std::string> pieces_;  // between the stars, in lower case where case is ignored
  bool ignore_case_ = false;
  std::string longest_;
  bool is_at_an_end_ = false;
  std::optional<char> byte_;  // ASCII: what has it anywhere, matches
  // Two bytes of it, the furthest apart: letters or digits if there are some; ASCII, since other letters may
  // fold into other bytes.
  std::optional<std::size_t> first_, last_;
};

}  // namespace mintmark
