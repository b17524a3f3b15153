#include "api/http/message.h"

#include "api/http/ascii.h"

namespace mintmark::http {

std::string_view Request::query() const {
  const std::string_view whole = target();
  const std::size_t mark = whole.find('?');
  return mark == whole.npos ? std::string_view{} : whole.substr(mark + 1);
}

std::optional<std::string_view> Request::header(std::string_view name) const {
  for (std::size_t i = 0; i < field_count_; ++i) {
    if (fields_[i].name.size == name.size() && ascii_iequals(at(fields_[i].name), name)) {
      return at(fields_[i].value);
    }
  }
  return std::nullopt;
}

std::vector<std::string_view> Request::header_values(std::string_view name) const {
  std::vector<std::string_view> values;
  for (std::size_t i = 0; i < field_count_; ++i) {
    if (ascii_iequals(at(fields_[i].name), name)) values.push_back(at(fields_[i].value));
  }
  return values;
}

std::size_t Request::header_count(std::string_view name) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < field_count_; ++i) {
    count += ascii_iequals(at(fields_[i].name), name) ? 1 : 0;
  }
  return count;
}

}  // namespace mintmark::http
