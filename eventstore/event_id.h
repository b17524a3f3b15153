#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace mintmark {

// A UUID, 16 bytes (RFC 9562).
struct EventId {
  std::array<std::uint8_t, 16> bytes{};

  // bytes must be 16 long.
  static EventId from_bytes(std::string_view bytes);
  std::string_view view() const { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
  // 8-4-4-4-12 lower-case hex.
  std::string text() const;

  auto operator<=>(const EventId&) const = default;
};

}  // namespace mintmark
