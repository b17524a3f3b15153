#include "api/client_address.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/request_builder.h"

namespace mintmark::client_address_test {
namespace {

using http::RequestBuilder;
using Fields = std::vector<std::string>;

const std::vector<AddressRange> gateways = {AddressRange::parse("10.0.0.0/8").value(),
                                            AddressRange::parse("fd00::/8").value()};

std::string found(const std::string& peer, const Fields& forwarded,
                  const std::vector<AddressRange>& trusted = gateways) {
  RequestBuilder request("GET", "/");
  request.client_ip(peer);
  for (const auto& field : forwarded) request.header("x-forwarded-for", field);
  return client_address(request.build(), trusted);
}

TEST(ClientAddress, IsThePeersWhereNoGatewayIsNamed) {
  EXPECT_EQ(found("10.0.0.1", {"192.0.2.1"}, {}), "10.0.0.1");
  EXPECT_EQ(found("203.0.113.9", {"192.0.2.1"}), "203.0.113.9") << "a stranger says so";
}

TEST(ClientAddress, IsWhomTheNearestGatewayForwards) {
  EXPECT_EQ(found("10.0.0.1", {"192.0.2.1"}), "192.0.2.1");
  EXPECT_EQ(found("10.0.0.1", {"198.51.100.7, 192.0.2.1"}), "192.0.2.1") << "before it is the client's word";
  EXPECT_EQ(found("10.0.0.1", {"198.51.100.7", "192.0.2.1"}), "192.0.2.1") << "a field of its own";
  EXPECT_EQ(found("10.0.0.1", {"198.51.100.7 ,192.0.2.1,\t10.2.3.4"}), "192.0.2.1") << "a chain of gateways";
  EXPECT_EQ(found("fd00::1", {"2001:db8::7"}), "2001:db8::7");
}

TEST(ClientAddress, TakesAddressesAsGatewaysWriteThem) {
  EXPECT_EQ(found("10.0.0.1", {"192.0.2.1:4711"}), "192.0.2.1");
  EXPECT_EQ(found("10.0.0.1", {"[2001:db8::7]:4711"}), "2001:db8::7");
  EXPECT_EQ(found("10.0.0.1", {"[2001:DB8:0::7]"}), "2001:db8::7");
  EXPECT_EQ(found("10.0.0.1", {"192.0.2.1, ::ffff:10.0.0.2"}), "192.0.2.1");
}

TEST(ClientAddress, IsTheGatewaysWhereItNamesNobody) {
  EXPECT_EQ(found("10.0.0.1", {}), "10.0.0.1");
  EXPECT_EQ(found("10.0.0.1", {"10.0.0.9, 10.0.0.2"}), "10.0.0.9") << "all are gateways";
  for (const auto* nobody :
       {"", ",", "unknown", "192.0.2.1,", "300.1.1.1", "[", "[]", ":", "a:1", "_hidden"}) {
    EXPECT_EQ(found("10.0.0.1", {nobody}), "10.0.0.1") << nobody;
  }
  EXPECT_EQ(found("10.0.0.1", {"192.0.2.1, unknown, 10.0.0.2"}), "10.0.0.2")
      << "nothing behind it is believed";
}

}  // namespace
}  // namespace mintmark::client_address_test
