#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "worker/outbound_address.h"

namespace mintmark {

using ResolvedAddresses = std::expected<std::vector<boost::asio::ip::address>, std::string>;

// Finds the addresses of a host name, or says why there are none. Blocks, for as long as it likes; called
// from threads that exist for nothing else, several at once, and possibly still running when its caller is
// gone.
using ResolveHost = std::function<ResolvedAddresses(const std::string& host)>;

// getaddrinfo(3): /etc/hosts, DNS, whatever the machine is set up to ask.
ResolvedAddresses resolve_with_system(const std::string& host);

// Whether the file can be read as one or more certificates in PEM. Blocks on disk.
bool holds_certificates(const std::string& path);

// What calls outside may do.
struct OutboundPolicy {
  // Networks that calls may go to although refuse_address() would refuse them. Default: none.
  std::vector<AddressRange> allowed_networks;
  // 0 stands for every port.
  std::vector<std::uint16_t> allowed_ports{80, 443};
  // A file that holds_certificates(), which are trusted beside the system's. Empty: the system's alone.
  std::string extra_ca_file;

  // From the start to the end of a call.
  std::chrono::milliseconds total_time_max = std::chrono::seconds(30);
  // Of it, for finding the address, TCP and TLS together.
  std::chrono::milliseconds connect_time_max = std::chrono::seconds(10);
  // Of it, from the last byte sent to the first one received.
  std::chrono::milliseconds first_byte_time_max = std::chrono::seconds(20);
  // After an answer's head, for the rest of it to arrive, so that the connection can be used again.
  std::chrono::milliseconds body_time_max = std::chrono::seconds(1);
  // Of an answer's body are read and dropped; a connection with more to come is closed.
  std::size_t response_body_bytes_max = 64UL * 1024;

  // Connections that are kept open without a call.
  std::size_t idle_connections_max = 512;
  std::size_t idle_connections_per_host_max = 64;
  std::chrono::milliseconds idle_time_max = std::chrono::seconds(30);
  // After which a connection carries no further call, so that a changed address is noticed.
  std::chrono::milliseconds connection_life_max = std::chrono::minutes(5);

  ResolveHost resolve = resolve_with_system;
};

}  // namespace mintmark
