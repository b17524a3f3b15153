#pragma once

#include <span>
#include <string>

#include "api/http/message.h"
#include "worker/outbound_address.h"

namespace mintmark {

// The address of the client that a request is of. That is the connection's peer, unless the peer lies in one
// of `trusted`: then the peer is a gateway, and says in X-Forwarded-For whom it forwards. The list is read
// from its end, where the nearest gateway has written, up to the first address that is no gateway's: what
// stands before that one is the client's own word. An entry that is no address, "unknown" for example, ends
// the search, and the gateway that wrote it counts as the client. Does not block.
std::string client_address(const http::Request& request, std::span<const AddressRange> trusted);

}  // namespace mintmark
