#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>

namespace mintmark::http {

// An operation awaited with it answers its error code instead of throwing it.
inline constexpr auto awaiting = boost::asio::as_tuple(boost::asio::deferred);

}  // namespace mintmark::http
