#pragma once

#include <ctime>
#include <string>
#include <string_view>

namespace mintmark::http {

// `time` as the value of a Date field: "Sun, 06 Nov 1994 08:49:37 GMT" (IMF-fixdate, RFC 9110, 5.6.7). For
// the years 1970 to 9999.
std::string imf_fixdate(std::time_t time);

// The present time in that form, made anew once a second. Allocates nothing, does not block; from any thread.
// The view is the calling thread's and valid until its next call.
std::string_view date();

}  // namespace mintmark::http
