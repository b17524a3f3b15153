#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "domain/error.h"
#include "domain/text.h"

namespace mintmark {

// Collects what is wrong with the fields of one command, so that its sender hears all of it at once.
class FieldErrors {
 public:
  void add(std::string_view field, std::string_view message) {
    messages_.push_back(fmt::format("{}: {}", field, message));
  }

  // A text of at most `characters_max` code points, valid UTF-8, without control characters.
  void check_text(std::string_view field, std::string_view value, std::size_t characters_max) {
    const auto characters = count_code_points(value);
    if (!characters) return add(field, "Must be valid UTF-8.");
    if (*characters > characters_max) {
      return add(field, fmt::format("Ensure this field has no more than {} characters.", characters_max));
    }
    if (has_control_character(value)) add(field, "Control characters are not allowed.");
  }

  // The same, and not empty or blank.
  void check_required_text(std::string_view field, std::string_view value, std::size_t characters_max) {
    if (value.find_first_not_of(' ') == std::string_view::npos)
      return add(field, "This field may not be blank.");
    check_text(field, value, characters_max);
  }

  bool any() const { return !messages_.empty(); }
  std::unexpected<Error> error() && {
    return std::unexpected(Error{ErrorKind::kInvalid, std::move(messages_)});
  }

 private:
  std::vector<std::string> messages_;
};

}  // namespace mintmark
