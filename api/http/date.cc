#include "api/http/date.h"

#include <array>
#include <cstdio>
#include <stdexcept>

namespace mintmark::http {
namespace {

constexpr std::size_t imf_fixdate_bytes = 29;
using DateText = std::array<char, imf_fixdate_bytes + 1>;

// Not strftime: its names of days and months follow the locale.
void write_imf_fixdate(std::time_t time, DateText& text) {
  static constexpr std::array days = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  static constexpr std::array months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                        "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) {
    throw std::out_of_range("a time without a calendar date");
  }
  const int written = std::snprintf(text.data(), text.size(), "%s, %02d %s %04d %02d:%02d:%02d GMT",
                                    days.at(static_cast<std::size_t>(parts.tm_wday)), parts.tm_mday,
                                    months.at(static_cast<std::size_t>(parts.tm_mon)), parts.tm_year + 1900,
                                    parts.tm_hour, parts.tm_min, parts.tm_sec);
  if (written != static_cast<int>(imf_fixdate_bytes)) {
    throw std::out_of_range("a year that a Date field cannot carry");
  }
}

}  // namespace

std::string imf_fixdate(std::time_t time) {
  DateText text{};
  write_imf_fixdate(time, text);
  return std::string(text.data(), imf_fixdate_bytes);
}

std::string_view date() {
  thread_local std::time_t second = -1;
  thread_local DateText text{};
  timespec now{};
  // The coarse clock is a few milliseconds late and costs a fifth of the exact one.
  clock_gettime(CLOCK_REALTIME_COARSE, &now);
  if (now.tv_sec != second) {
    write_imf_fixdate(now.tv_sec, text);
    second = now.tv_sec;
  }
  return {text.data(), imf_fixdate_bytes};
}

}  // namespace mintmark::http
