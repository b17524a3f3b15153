#pragma once

#include <functional>
#include <memory>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

#include "worker/outbound_client.h"

namespace mintmark {

// Makes one call outside and tells what came of it; never throws for what the other side does. A simulator
// and tests have their own.
using Send = std::function<boost::asio::awaitable<OutboundResult>(OutboundRequest request)>;

// Makes a Send for the context that its calls are to run on.
using MakeSend = std::function<Send(boost::asio::io_context& context)>;

}  // namespace mintmark
