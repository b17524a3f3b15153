#pragma once

#include <optional>
#include <string>

#include "api/http/message.h"
#include "api/services.h"

// The cookie by which a browser is known again in which somebody has signed in with an e-mail address (OWASP,
// "Slow Down Online Guessing Attacks with Device Cookies"). It opens nothing: it only counts wrong passwords
// apart from everybody else's. It tells no address, and nobody can make one without the server's pepper.
// Nothing here blocks.
namespace mintmark {

// The name of the browser that the request comes from; nothing where nobody has signed in there with that
// address, in lower case, before.
std::optional<std::string> known_device(const Services& services, const http::Request& request,
                                        const std::string& email);

// A name for a browser that has none.
std::string new_device(Services& services);

// Set-Cookie for the browser of that name, in which somebody has just signed in with that address.
std::string set_device_cookie(const Services& services, const std::string& device, const std::string& email);

}  // namespace mintmark
