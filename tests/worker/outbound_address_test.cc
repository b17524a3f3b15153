#include "worker/outbound_address.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "worker/outbound_policy.h"
#include "worker/outbound_url.h"

namespace mintmark::testing::outbound_address_test {
namespace {

using ::testing::HasSubstr;

std::optional<std::string> refusal_of(const std::string& address,
                                      const std::vector<AddressRange>& allowed = {}) {
  return refuse_address(boost::asio::ip::make_address(address), allowed);
}

TEST(OutboundAddress, TakesWhatTheInternetHasGivenOut) {
  for (const auto* address : {"1.1.1.1",         "8.8.8.8",
                              "9.255.255.255",   "11.0.0.0",
                              "100.63.255.255",  "100.128.0.0",
                              "126.255.255.255", "128.0.0.0",
                              "169.253.255.255", "169.255.0.0",
                              "172.15.255.255",  "172.32.0.0",
                              "192.0.1.0",       "192.0.3.0",
                              "192.167.255.255", "192.169.0.0",
                              "198.17.255.255",  "198.20.0.0",
                              "223.255.255.255", "2000::",
                              "2001:200::1",     "2001:4860:4860::8888",
                              "2606:4700::1111", "2a00:1450::1",
                              "3ffe::1"}) {
    EXPECT_EQ(refusal_of(address), std::nullopt) << address;
  }
}

TEST(OutboundAddress, RefusesEachEndOfEachSpecialRange) {
  const std::vector<std::pair<const char*, const char*>> refused{
      {"0.0.0.0", "unspecified"},
      {"0.255.255.255", "unspecified"},
      {"10.0.0.0", "private"},
      {"10.255.255.255", "private"},
      {"100.64.0.0", "shared"},
      {"100.127.255.255", "shared"},
      {"100.100.100.200", "shared"},
      {"127.0.0.0", "loopback"},
      {"127.255.255.255", "loopback"},
      {"169.254.0.0", "link-local"},
      {"169.254.169.254", "metadata"},
      {"169.254.255.255", "link-local"},
      {"168.63.129.16", "metadata"},
      {"172.16.0.0", "private"},
      {"172.31.255.255", "private"},
      {"192.0.0.0", "reserved"},
      {"192.0.0.192", "reserved"},
      {"192.0.2.255", "documentation"},
      {"192.88.99.1", "relay"},
      {"192.168.0.0", "private"},
      {"192.168.255.255", "private"},
      {"198.18.0.0", "benchmarking"},
      {"198.19.255.255", "benchmarking"},
      {"198.51.100.1", "documentation"},
      {"203.0.113.1", "documentation"},
      {"224.0.0.0", "multicast"},
      {"239.255.255.255", "multicast"},
      {"240.0.0.0", "reserved"},
      {"255.255.255.255", "reserved"},
      {"::", "unspecified"},
      {"::1", "loopback"},
      {"::2", "outside"},
      {"::127.0.0.1", "outside"},
      {"::ffff:127.0.0.1", "mapped"},
      {"::ffff:8.8.8.8", "mapped"},
      {"::ffff:0:7f00:1", "outside"},
      {"64:ff9b::7f00:1", "NAT64"},
      {"64:ff9b::808:808", "NAT64"},
      {"64:ff9b:1::1", "NAT64"},
      {"100::1", "discarding"},
      {"1fff:ffff::", "outside"},
      {"2001::1", "Teredo"},
      {"2001:2::1", "benchmarking"},
      {"2001:10::1", "reserved"},
      {"2001:20::1", "reserved"},
      {"2001:1ff::", "reserved"},
      {"2001:db8::1", "documentation"},
      {"2002:7f00:1::1", "6to4"},
      {"3fff::1", "documentation"},
      {"4000::", "outside"},
      {"5f00::1", "outside"},
      {"fc00::1", "private"},
      {"fd00:ec2::254", "metadata"},
      {"fdff::1", "private"},
      {"fe80::1", "link-local"},
      {"febf::1", "link-local"},
      {"fec0::1", "site-local"},
      {"ff02::1", "multicast"},
      {"ffff::1", "multicast"},
      {"2a00:1450::5efe:127.0.0.1", "carries a loopback"},
      {"2a00:1450::200:5efe:10.0.0.1", "carries a private"}};
  for (const auto& [address, kind] : refused) {
    const auto reason = refusal_of(address);
    ASSERT_NE(reason, std::nullopt) << address;
    EXPECT_THAT(*reason, HasSubstr(kind)) << address;
  }
}

TEST(OutboundAddress, ExceptsWhatTheOperatorAllowsAndNothingBesides) {
  const std::vector allowed{*AddressRange::parse("10.1.0.0/16"), *AddressRange::parse("::1/128"),
                            *AddressRange::parse("64:ff9b::/96"), *AddressRange::parse("::ffff:0:0/96")};
  EXPECT_EQ(refusal_of("10.1.2.3", allowed), std::nullopt);
  EXPECT_EQ(refusal_of("::1", allowed), std::nullopt);
  EXPECT_NE(refusal_of("10.2.0.1", allowed), std::nullopt);
  EXPECT_NE(refusal_of("127.0.0.1", allowed), std::nullopt);
  EXPECT_NE(refusal_of("::", allowed), std::nullopt);
  // Through NAT64, or mapped: what is embedded must be callable itself.
  EXPECT_EQ(refusal_of("64:ff9b::808:808", allowed), std::nullopt);
  EXPECT_EQ(refusal_of("64:ff9b::a01:203", allowed), std::nullopt);
  EXPECT_NE(refusal_of("64:ff9b::7f00:1", allowed), std::nullopt);
  EXPECT_NE(refusal_of("::ffff:127.0.0.1", allowed), std::nullopt);
  // Teredo, with the client's address inverted: 127.0.0.1.
  const std::vector teredo{*AddressRange::parse("2001::/32")};
  EXPECT_NE(refusal_of("2001:0:808:808::80ff:fffe", teredo), std::nullopt);
  EXPECT_EQ(refusal_of("2001:0:808:808::f7f7:f7f7", teredo), std::nullopt);
  const std::vector all_of_v4{*AddressRange::parse("0.0.0.0/0")};
  EXPECT_EQ(refusal_of("127.0.0.1", all_of_v4), std::nullopt);
  EXPECT_NE(refusal_of("::1", all_of_v4), std::nullopt);
}

TEST(OutboundAddress, ReadsRangesExactly) {
  for (const auto* text :
       {"0.0.0.0/0", "10.0.0.0/8", "127.0.0.1/32", "::/0", "fd00::/8", "2000::/3", "::1/128"}) {
    EXPECT_NE(AddressRange::parse(text), std::nullopt) << text;
  }
  for (const auto* text :
       {"", "/", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.1/8", "::1/129", "fd00::1/8", "10.0.0.0/-1",
        "10.0.0.0/8x", "10.0.0/8", "010.0.0.0/8", "fe80::%1/10", "localhost/8"}) {
    EXPECT_EQ(AddressRange::parse(text), std::nullopt) << text;
  }
}

std::optional<OutboundFailure> failure_of(const std::string& url, const OutboundPolicy& policy = {}) {
  const auto checked = check_outbound_url(url, policy);
  if (checked) return std::nullopt;
  EXPECT_THAT(checked.error().reason, Not(HasSubstr("secret")));
  return checked.error().failure;
}

TEST(OutboundUrl, TakesAUrlApart) {
  OutboundPolicy policy;
  policy.allowed_ports = {0};
  const auto plain = check_outbound_url("HTTPS://Hooks.Example.COM.?a=1#part", policy);
  ASSERT_TRUE(plain);
  EXPECT_TRUE(plain->tls);
  EXPECT_EQ(plain->host, "hooks.example.com");
  EXPECT_EQ(plain->authority, "hooks.example.com");
  EXPECT_EQ(plain->port, 443);
  EXPECT_EQ(plain->target, "/?a=1");
  EXPECT_EQ(plain->address, std::nullopt);
  const auto v6 = check_outbound_url("http://[2606:4700:0:0::1111]:8080/a%20b/../c", policy);
  ASSERT_TRUE(v6);
  EXPECT_EQ(v6->host, "2606:4700::1111");
  EXPECT_EQ(v6->authority, "[2606:4700::1111]:8080");
  EXPECT_EQ(v6->target, "/a%20b/../c");
  EXPECT_EQ(v6->port, 8080);
  EXPECT_EQ(check_outbound_url("http://a.example#@127.0.0.1/", policy)->authority, "a.example");
  EXPECT_EQ(check_outbound_url("http://a.example:/", policy)->authority, "a.example");
  EXPECT_EQ(check_outbound_url("https://xn--bcher-kva.example/", policy)->host, "xn--bcher-kva.example");
}

// Each is a way to write a loopback or metadata address, or to make a reader take another host for the one
// that is called.
TEST(OutboundUrl, RefusesEveryOtherSpellingOfAnAddress) {
  for (const auto* url : {"http://2130706433/",
                          "http://0x7f000001/",
                          "http://0x7f.0.0.1/",
                          "http://0177.0.0.1/",
                          "http://127.1/",
                          "http://127.0.1/",
                          "http://017700000001/",
                          "http://0/",
                          "http://127.0.0.1.:80/",
                          "http://127.0.0.256/",
                          "http://127.0.0.1.1/",
                          "http://127.000.000.001/",
                          "http://0X7F.1/",
                          "http://a.0x1/",
                          "http://1.2.3.4.5/",
                          "http://[::1%25lo]/",
                          "http://[fe80::1%25eth0]/",
                          "http://[fe80::1%eth0]/",
                          "http://[v1.fe]/",
                          "http://[::1/",
                          "http://[127.0.0.1]/",
                          "http://[]/",
                          "http://%31%32%37.0.0.1/",
                          "http://localhos%74/",
                          "http://\xE2\x91\xA0\xE2\x91\xA1\xE2\x91\xA6.0.0.1/",
                          "http://\xEF\xBC\x91\xEF\xBC\x92\xEF\xBC\x97.0.0.1/",
                          "http://%E2%91%A0.0.0.1/",
                          "http://127\xE3\x80\x82"
                          "0.0.1/",
                          "http://user@example.com/",
                          "http://user:secret@127.0.0.1/",
                          "http://example.com@127.0.0.1/",
                          "http://:secret@example.com/",
                          "http://@example.com/",
                          "http://example.com\\@127.0.0.1/",
                          "http://127.0.0.1\\.example.com/",
                          "http://exa mple.com/",
                          "http://example.com\r\nHost: a/",
                          "http://example.com/\r\nX: a",
                          "http://example.com/a b",
                          "http://example.com/\xC3\xA4",
                          "http:///secret",
                          "http:example.com",
                          "//example.com/",
                          "/hook",
                          "",
                          "example.com",
                          "ftp://example.com/",
                          "file:///etc/passwd",
                          "gopher://127.0.0.1/",
                          "unix:///run/a.sock",
                          "http://example..com/",
                          "http://.example.com/",
                          "http://example.com../",
                          "http://exa$mple.com/",
                          "http://a,b/",
                          "http://example.com:0/",
                          "http://example.com:65536/",
                          "http://example.com:99999999999/",
                          "http://example.com:80a/",
                          "http://example.com:-1/",
                          "javascript:alert(1)"}) {
    EXPECT_EQ(failure_of(url), OutboundFailure::kInvalidUrl) << url;
  }
  EXPECT_EQ(failure_of("http://" + std::string(64, 'a') + ".example/"), OutboundFailure::kInvalidUrl);
  std::string long_name = "http://";
  for (int i = 0; i < 64; ++i) long_name += "aaa.";
  EXPECT_EQ(failure_of(long_name + "example/"), OutboundFailure::kInvalidUrl);
}

TEST(OutboundUrl, RefusesAddressesThatMayNotBeCalled) {
  for (const auto* url :
       {"http://127.0.0.1/", "http://127.0.0.53/", "http://0.0.0.0/", "http://10.0.0.1/",
        "http://169.254.169.254/", "http://[::1]/", "http://[::]/", "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/", "http://[0:0:0:0:0:ffff:7f00:0001]/", "http://[::127.0.0.1]/",
        "http://[64:ff9b::127.0.0.1]/", "http://[2002:7f00:1::]/", "http://[fe80::1]/",
        "http://[fd00:ec2::254]/", "http://[ff02::1]/", "http://255.255.255.255/",
        "http://100.100.100.200/"}) {
    EXPECT_EQ(failure_of(url), OutboundFailure::kAddressRefused) << url;
  }
  OutboundPolicy policy;
  policy.allowed_networks = {*AddressRange::parse("127.0.0.0/8")};
  EXPECT_EQ(failure_of("http://127.0.0.1/", policy), std::nullopt);
  EXPECT_EQ(failure_of("http://[::ffff:127.0.0.1]/", policy), OutboundFailure::kAddressRefused);
}

TEST(OutboundUrl, RefusesPortsThatMayNotBeCalled) {
  EXPECT_EQ(failure_of("http://example.com/"), std::nullopt);
  EXPECT_EQ(failure_of("http://example.com:443/"), std::nullopt);
  for (const auto* url : {"http://example.com:22/", "http://example.com:25/", "https://example.com:6379/"}) {
    EXPECT_EQ(failure_of(url), OutboundFailure::kPortRefused) << url;
  }
  OutboundPolicy policy;
  policy.allowed_ports = {8443};
  EXPECT_EQ(failure_of("https://example.com:8443/", policy), std::nullopt);
  EXPECT_EQ(failure_of("https://example.com/", policy), OutboundFailure::kPortRefused);
}

}  // namespace
}  // namespace mintmark::testing::outbound_address_test
