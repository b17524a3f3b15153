#include "api/pattern.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <cstring>
#include <utility>

namespace mintmark {
namespace {

// The code point of two bytes in lower case, where that is two bytes as well (Unicode, CaseFolding.txt).
unsigned fold_two_bytes(unsigned code) {
  if (code >= 0xC0 && code <= 0xDE && code != 0xD7) return code + 0x20;
  const bool paired = (code >= 0x100 && code <= 0x137 && code != 0x130) || (code >= 0x14A && code <= 0x177) ||
                      (code >= 0x460 && code <= 0x481) || (code >= 0x48A && code <= 0x4BF) ||
                      (code >= 0x4D0 && code <= 0x52F);
  if (paired) return code | 1U;
  const bool odd_pairs = (code >= 0x139 && code <= 0x148) || (code >= 0x179 && code <= 0x17E);
  if (odd_pairs) return code + (code & 1U);
  if (code >= 0x391 && code <= 0x3A9 && code != 0x3A2) return code + 0x20;
  if (code >= 0x410 && code <= 0x42F) return code + 0x20;
  if (code >= 0x400 && code <= 0x40F) return code + 0x50;
  return code;
}

struct TwoBytes {
  char first;
  char second;
};

// Whether these bytes are one letter (RFC 3629), which fold_pair() takes.
bool is_pair(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  return lead >= 0xC2 && lead <= 0xDF && at + 1 < text.size();
}

TwoBytes fold_pair(std::string_view text, std::size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const auto next = static_cast<unsigned char>(text[at + 1]);
  const unsigned code = fold_two_bytes(((lead & 0x1FU) << 6U) | (next & 0x3FU));
  return {static_cast<char>(0xC0U | (code >> 6U)), static_cast<char>(0x80U | (code & 0x3FU))};
}

char fold_ascii(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

// Bytes that are compared at once: clang makes vector instructions of it on every machine.
using Chunk = unsigned char __attribute__((ext_vector_type(16)));
using ChunkBits = bool __attribute__((ext_vector_type(16)));

Chunk load(const char* from) {
  Chunk chunk;
  std::memcpy(&chunk, from, sizeof chunk);
  return chunk;
}

// One bit a byte, set where it is not zero.
template <class Mask>
std::uint16_t bits_of(Mask mask) {
  return std::bit_cast<std::uint16_t>(__builtin_convertvector(mask, ChunkBits));
}

bool is_letter_or_digit(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool is_ascii(char c) {
  return (static_cast<unsigned char>(c) & 0x80U) == 0;
}

// Whether fold_case(text) is `folded`, without making it.
bool folds_to(std::string_view text, std::string_view folded) {
  if (text.size() != folded.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_pair(text, i)) {
      const auto pair = fold_pair(text, i);
      if (pair.first != folded[i] || pair.second != folded[i + 1]) return false;
      ++i;
    } else if (fold_ascii(text[i]) != folded[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

std::string fold_case(std::string_view text) {
  std::string folded(text);
  for (std::size_t i = 0; i < folded.size(); ++i) {
    if (is_pair(text, i)) {
      const auto pair = fold_pair(text, i);
      folded[i] = pair.first;
      folded[++i] = pair.second;
    } else {
      folded[i] = fold_ascii(folded[i]);
    }
  }
  return folded;
}

namespace {

// What stands between the stars; nothing where two stand side by side.
std::optional<std::vector<std::string>> split_at_stars(std::string_view text) {
  std::vector<std::string> pieces(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && text.substr(i + 1).starts_with('*')) {
      pieces.back().push_back(text[++i]);
    } else if (text[i] == '*') {
      if (text.substr(i + 1).starts_with('*')) return std::nullopt;
      pieces.emplace_back();
    } else {
      pieces.back().push_back(text[i]);
    }
  }
  return pieces;
}

}  // namespace

std::optional<Pattern> Pattern::parse(std::string_view text, bool ignore_case) {
  auto pieces = split_at_stars(text);
  if (!pieces) return std::nullopt;
  return Pattern(std::move(*pieces), ignore_case);
}

Pattern Pattern::search(std::string_view text) {
  auto pieces = split_at_stars(text).value_or(std::vector<std::string>(1));
  if (!pieces.front().empty()) pieces.insert(pieces.begin(), std::string());
  if (pieces.size() == 1 || !pieces.back().empty()) pieces.emplace_back();
  return {std::move(pieces), true};
}

Pattern::Pattern(std::vector<std::string> pieces, bool ignore_case)
    : pieces_(std::move(pieces)), ignore_case_(ignore_case) {
  if (ignore_case_) {
    for (auto& piece : pieces_) piece = fold_case(piece);
  }
  longest_ = *std::ranges::max_element(pieces_, {}, &std::string::size);
  constexpr std::size_t folded_max = 4;  // bytes: more are found more quickly than folded in every text
  is_at_an_end_ = pieces_.size() > 1 && !longest_.empty() &&
                  (!ignore_case_ || longest_.size() <= folded_max) &&
                  std::max(pieces_.front().size(), pieces_.back().size()) == longest_.size();
  if (is_contains() && longest_.size() == 1 && is_ascii(longest_.front())) byte_ = longest_.front();
  // The dashes of ids stand in all of them, and as far apart.
  for (const bool letters_and_digits : {true, false}) {
    for (std::size_t i = 0; i < longest_.size(); ++i) {
      if (letters_and_digits ? !is_letter_or_digit(longest_[i]) : !is_ascii(longest_[i])) continue;
      if (!first_) first_ = i;
      last_ = i;
    }
    if (first_) return;
  }
}

bool Pattern::equals(std::string_view text, std::string_view piece) const {
  return ignore_case_ ? folds_to(text, piece) : text == piece;
}

// No letter that is not ASCII folds into one that is.
bool Pattern::holds_byte(std::string_view text) const {
  if (text.find(*byte_) != std::string_view::npos) return true;
  const char upper = ignore_case_ ? static_cast<char>(*byte_ & ~0x20) : *byte_;
  return fold_ascii(upper) == *byte_ && upper != *byte_ && text.find(upper) != std::string_view::npos;
}

// Where the piece stands first, npos where it does not.
std::size_t Pattern::find(std::string_view text, std::string_view piece) const {
  if (!ignore_case_) return text.find(piece);
  for (std::size_t at = 0; at + piece.size() <= text.size(); ++at) {
    if (folds_to(text.substr(at, piece.size()), piece)) return at;
  }
  return std::string_view::npos;
}

// Folding keeps the number of bytes, so every piece is compared where it would stand.
bool Pattern::matches(std::string_view text) const {
  if (byte_) return holds_byte(text);
  const auto& front = pieces_.front();
  const auto& back = pieces_.back();
  if (pieces_.size() == 1) return equals(text, front);
  if (text.size() < front.size() + back.size()) return false;
  // Texts of one kind begin alike more often than they end alike.
  if (!back.empty() && !equals(text.substr(text.size() - back.size()), back)) return false;
  if (!front.empty() && !equals(text.substr(0, front.size()), front)) return false;
  text = text.substr(front.size(), text.size() - front.size() - back.size());
  for (std::size_t i = 1; i + 1 < pieces_.size(); ++i) {
    const auto at = find(text, pieces_[i]);
    if (at == std::string_view::npos) return false;
    text.remove_prefix(at + pieces_[i].size());
  }
  return true;
}

bool Pattern::piece_stands_at(const char* at) const {
  return equals({at, longest_.size()}, longest_);
}

std::size_t Pattern::find_piece(std::string_view text, std::size_t from) const {
  const auto size = longest_.size();
  if (text.size() < size || size == 0) return std::string_view::npos;
  const auto end = text.size() - size + 1;  // of the places where it can stand
  const auto* const data = text.data();
  auto at = from;
  if (first_) {
    // Bit 5 is the case of an ASCII letter; other bytes that it makes equal are sorted out by
    // piece_stands_at.
    const Chunk blur = static_cast<unsigned char>(ignore_case_ ? 0x20 : 0) - Chunk{};
    const Chunk first = (static_cast<unsigned char>(longest_[*first_]) - Chunk{}) | blur;
    const Chunk last = (static_cast<unsigned char>(longest_[*last_]) - Chunk{}) | blur;
    for (; at + sizeof(Chunk) <= end; at += sizeof(Chunk)) {
      const auto fits =
          ((load(data + at + *first_) | blur) == first) & ((load(data + at + *last_) | blur) == last);
      for (unsigned bits = bits_of(fits); bits != 0; bits &= bits - 1) {
        const auto place = at + static_cast<std::size_t>(std::countr_zero(bits));
        if (piece_stands_at(data + place)) return place;
      }
    }
  }
  for (; at < end; ++at) {
    if (piece_stands_at(data + at)) return at;
  }
  return std::string_view::npos;
}

}  // namespace mintmark
