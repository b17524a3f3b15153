#include "projections/name_arena.h"

#include <cassert>
#include <cstring>
#include <stdexcept>

namespace mintmark {

NameArena::Ref NameArena::add(TokenId token, std::string_view text) {
  assert(text.size() <= text_bytes_max);
  const auto bytes = record_bytes(text.size());
  if (open_ == SIZE_MAX || chunks_[open_].used + bytes > chunk_bytes) open_chunk();
  auto& chunk = chunks_[open_];
  char* const record = chunk.bytes.get() + chunk.used;
  const auto ref = static_cast<Ref>(open_ * (chunk_bytes / 2) + chunk.used / 2);
  const auto id = token.value();
  const auto length = static_cast<std::uint16_t>(text.size());
  std::memcpy(record, &id, sizeof id);
  std::memcpy(record + sizeof id, &length, sizeof length);
  if (!text.empty()) std::memcpy(record + record_head, text.data(), text.size());
  chunk.used += static_cast<std::uint32_t>(bytes);
  chunk.live += static_cast<std::uint32_t>(bytes);
  used_ += bytes;
  live_ += bytes;
  return ref;
}

void NameArena::drop(Ref ref) {
  const auto bytes = record_bytes(text_length(ref));
  auto& chunk = chunks_[ref / (chunk_bytes / 2)];
  assert(chunk.live >= bytes);
  chunk.live -= static_cast<std::uint32_t>(bytes);
  live_ -= bytes;
}

std::size_t NameArena::text_length(Ref ref) const {
  std::uint16_t length = 0;
  std::memcpy(&length, record(ref) + sizeof(std::uint32_t), sizeof length);
  return length;
}

TokenId NameArena::token_of(Ref ref) const {
  std::uint32_t id = 0;
  std::memcpy(&id, record(ref), sizeof id);
  return TokenId::from_value(id);
}

void NameArena::open_chunk() {
  if (!free_chunks_.empty()) {
    open_ = free_chunks_.back();
    free_chunks_.pop_back();
  } else {
    if (chunks_.size() == chunks_max) throw std::length_error("the names of tokens fill their arena");
    chunks_.emplace_back();
    open_ = chunks_.size() - 1;
  }
  chunks_[open_].bytes = std::make_unique_for_overwrite<char[]>(chunk_bytes);
}

std::size_t NameArena::dirtiest_chunk() const {
  std::size_t dirtiest = 0;
  std::uint32_t garbage = 0;
  for (std::size_t i = 0; i < chunks_.size(); ++i) {
    const auto here = chunks_[i].used - chunks_[i].live;
    if (here > garbage) {
      garbage = here;
      dirtiest = i;
    }
  }
  assert(garbage > 0 && "there is nothing to clean");
  return dirtiest;
}

void NameArena::free_chunk(std::size_t index) {
  auto& chunk = chunks_[index];
  used_ -= chunk.used;
  live_ -= chunk.live;
  chunk = Chunk{};
  free_chunks_.push_back(static_cast<std::uint32_t>(index));
}

std::size_t NameArena::memory_bytes() const {
  return (chunks_.size() - free_chunks_.size()) * chunk_bytes + chunks_.capacity() * sizeof(Chunk) +
         free_chunks_.capacity() * sizeof(std::uint32_t);
}

}  // namespace mintmark
