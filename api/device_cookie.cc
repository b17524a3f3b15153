#include "api/device_cookie.h"

#include <algorithm>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

#include "api/cookies.h"
#include "domain/api_key.h"

namespace mintmark {
namespace {

constexpr std::string_view device_cookie_name = "mintmark_device";

std::string device_mark(const Services& services, std::string_view device, std::string_view email) {
  return services.peppers.name_hash("device", fmt::format("{} {}", device, email));
}

}  // namespace

std::optional<std::string> known_device(const Services& services, const http::Request& request,
                                        const std::string& email) {
  const auto cookie = find_cookie(request, device_cookie_name);
  if (!cookie) return std::nullopt;
  const auto device = cookie->substr(0, cookie->find('.'));
  const auto mark = cookie->substr(std::min(device.size() + 1, cookie->size()));
  const bool is_ours = Secret::parse(device) && is_same_secret(mark, device_mark(services, device, email));
  return is_ours ? std::optional(std::string(device)) : std::nullopt;
}

std::string new_device(Services& services) {
  return services.random.secret().hex();
}

std::string set_device_cookie(const Services& services, const std::string& device, const std::string& email) {
  constexpr std::chrono::seconds lifetime = std::chrono::days(180);
  return fmt::format("{}={}.{}; Path=/public/v1/auth/login; HttpOnly; SameSite=Strict; Max-Age={}{}",
                     device_cookie_name, device, device_mark(services, device, email), lifetime.count(),
                     services.secure_cookies ? "; Secure" : "");
}

}  // namespace mintmark
