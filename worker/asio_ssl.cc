// The one file that compiles what Asio needs of its own for TLS; api/http/asio.cc compiles the rest.
#include <boost/asio/ssl/impl/src.hpp>
