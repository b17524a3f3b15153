#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "domain/ids.h"

namespace mintmark {

// Texts of tokens in chunks of 64 KiB, each text behind its token's id, so that whoever cleans up can ask the
// token whether it still uses the text. Freed texts are garbage until their chunk is cleaned;
// wants_cleaning() keeps garbage below a quarter of the whole plus two chunks, as log-structured stores do
// (Rosenblum and Ousterhout, "The Design and Implementation of a Log-Structured File System", 1992). Not
// thread-safe.
class NameArena {
 public:
  // Where a text lies: chunk number and offset in units of two bytes.
  using Ref = std::uint32_t;

  static constexpr std::size_t chunk_bytes = 64UL * 1024;
  static constexpr std::size_t text_bytes_max = 4096;
  static constexpr std::size_t chunks_max = (1UL << 32) / (chunk_bytes / 2);

  // Takes a copy of a text of at most text_bytes_max bytes. Throws std::length_error at chunks_max.
  Ref add(TokenId token, std::string_view text);
  // Makes the text garbage; it stays readable until its chunk is cleaned.
  void drop(Ref ref);

  std::string_view text(Ref ref) const { return {text_start(ref), text_length(ref)}; }
  // Known without a look at the arena's memory.
  const char* text_start(Ref ref) const { return record(ref) + record_head; }

  bool wants_cleaning() const { return used_ > live_ + live_ / 4 + 2 * chunk_bytes; }
  // Empties the chunk that has the most garbage: asks live(token, ref) about each text in it; where that is
  // true the text is copied and moved(token, new_ref) tells where. Costs at most one chunk.
  template <class Live, class Moved>
  void clean(Live&& live, Moved&& moved);

  std::size_t memory_bytes() const;
  // Chunks that may still be had.
  std::size_t chunks_left() const { return chunks_max - chunks_.size() + free_chunks_.size(); }

 private:
  // A record: token id (4 bytes), length (2 bytes), text, padded to an even size.
  static constexpr std::size_t record_head = 6;

  struct Chunk {
    std::unique_ptr<char[]> bytes;
    std::uint32_t used = 0;
    std::uint32_t live = 0;
  };

  static std::size_t record_bytes(std::size_t length) { return (record_head + length + 1) / 2 * 2; }
  const char* record(Ref ref) const {
    return chunks_[ref / (chunk_bytes / 2)].bytes.get() + ref % (chunk_bytes / 2) * 2;
  }
  std::size_t text_length(Ref ref) const;
  TokenId token_of(Ref ref) const;
  void open_chunk();
  std::size_t dirtiest_chunk() const;
  void free_chunk(std::size_t index);

  std::vector<Chunk> chunks_;
  std::vector<std::uint32_t> free_chunks_;
  std::size_t open_ = SIZE_MAX;  // the chunk that takes new texts
  std::size_t used_ = 0;         // bytes of records in all chunks, garbage included
  std::size_t live_ = 0;
};

template <class Live, class Moved>
void NameArena::clean(Live&& live, Moved&& moved) {
  const auto victim = dirtiest_chunk();
  if (victim == open_) open_ = SIZE_MAX;
  const auto first = static_cast<Ref>(victim * (chunk_bytes / 2));
  const auto used = chunks_[victim].used;
  for (std::uint32_t offset = 0; offset < used;) {
    const Ref ref = first + offset / 2;
    const auto token = token_of(ref);
    if (live(token, ref)) moved(token, add(token, text(ref)));
    offset += static_cast<std::uint32_t>(record_bytes(text_length(ref)));
  }
  free_chunk(victim);
}

}  // namespace mintmark
