#include <cstdio>
#include <stdexcept>

#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "tests/support/temporary_folder.h"
#include "tests/worker/outbound_fixture.h"

namespace mintmark::testing::outbound_tls_test {
namespace {

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

struct Identity {
  Key key;
  Certificate certificate;
};

// A self-signed certificate for a name such as "DNS:hooks.example.com", valid for the coming hour or over.
Identity make_identity(const std::string& name, bool is_over = false) {
  Identity identity{Key(EVP_EC_gen("P-256"), &EVP_PKEY_free), Certificate(X509_new(), &X509_free)};
  auto* const certificate = identity.certificate.get();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -7200);
  X509_gmtime_adj(X509_getm_notAfter(certificate), is_over ? -3600 : 3600);
  X509_set_pubkey(certificate, identity.key.get());
  const auto* const organisation = reinterpret_cast<const unsigned char*>("Mintmark tests");
  auto* const subject = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_ASC, organisation, -1, -1, 0);
  X509_set_issuer_name(certificate, subject);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, name.c_str());
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  if (X509_sign(certificate, identity.key.get(), EVP_sha256()) == 0) throw std::runtime_error("X509_sign");
  return identity;
}

class OutboundTls : public OutboundFixture {
 protected:
  // Trusts the identity's certificate, and finds every name on loopback.
  OutboundPolicy trusting(const Identity& identity, OutboundPolicy policy = loopback()) {
    policy.extra_ca_file = (folder_.path() / "ca.pem").string();
    const std::unique_ptr<FILE, decltype(&fclose)> file(fopen(policy.extra_ca_file.c_str(), "w"), &fclose);
    PEM_write_X509(file.get(), identity.certificate.get());
    policy.resolve = [](const std::string&) -> ResolvedAddresses {
      return std::vector{asio::ip::make_address("127.0.0.1")};
    };
    return policy;
  }

  // Speaks TLS with that identity and answers every request of a connection. Remembers the name it was asked
  // for, and the protocol.
  Receiver::Script speaking(const Identity& identity, int version_max = TLS1_3_VERSION) {
    auto tls = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
    SSL_CTX_use_certificate(tls->native_handle(), identity.certificate.get());
    SSL_CTX_use_PrivateKey(tls->native_handle(), identity.key.get());
    SSL_CTX_set_security_level(tls->native_handle(), 0);
    SSL_CTX_set_min_proto_version(tls->native_handle(), TLS1_VERSION);
    SSL_CTX_set_max_proto_version(tls->native_handle(), version_max);
    return [this, tls](tcp::socket& socket) -> asio::awaitable<void> {
      asio::ssl::stream<tcp::socket&> stream(socket, *tls);
      const auto [error] = co_await stream.async_handshake(asio::ssl::stream_base::server, awaiting);
      if (error) co_return;
      const char* name = SSL_get_servername(stream.native_handle(), TLSEXT_NAMETYPE_host_name);
      server_name_ = name == nullptr ? "" : name;
      protocol_ = SSL_version(stream.native_handle());
      for (;;) {
        const auto request = co_await read_request(stream);
        if (!request) co_return;
        co_await write_all(stream, ok);
      }
    };
  }

  TemporaryFolder folder_;
  std::string server_name_;
  int protocol_ = 0;
};

TEST_F(OutboundTls, NamesTheHostAndUsesAConnectionAgain) {
  const auto identity = make_identity("DNS:hooks.example.com");
  Receiver receiver(context_, speaking(identity));
  OutboundClient client(context_, trusting(identity));
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(status_of(send(client, post(receiver.url("hooks.example.com", "https")))), 200);
  }
  EXPECT_EQ(server_name_, "hooks.example.com");
  EXPECT_EQ(protocol_, TLS1_3_VERSION);
  EXPECT_EQ(receiver.connections(), 1);
}

TEST_F(OutboundTls, SpeaksNothingOlderThanTls12) {
  const auto identity = make_identity("DNS:hooks.example.com");
  Receiver modern(context_, speaking(identity, TLS1_2_VERSION));
  EXPECT_EQ(status_of(send(trusting(identity), post(modern.url("hooks.example.com", "https")))), 200);
  EXPECT_EQ(protocol_, TLS1_2_VERSION);
  Receiver old(context_, speaking(identity, TLS1_1_VERSION));
  EXPECT_EQ(failure_of(send(trusting(identity), post(old.url("hooks.example.com", "https")))),
            OutboundFailure::kTls);
}

TEST_F(OutboundTls, WantsACertificateThatHoldsForTheHost) {
  const auto right = make_identity("DNS:hooks.example.com");
  const auto other_name = make_identity("DNS:other.example.com");
  const auto over = make_identity("DNS:hooks.example.com", true);
  const auto partial = make_identity("DNS:ho*.example.com");
  const auto address = make_identity("IP:127.0.0.1");
  for (const auto* identity : {&other_name, &over, &partial, &address}) {
    Receiver receiver(context_, speaking(*identity));
    const auto result = send(trusting(*identity), post(receiver.url("hooks.example.com", "https")));
    EXPECT_EQ(failure_of(result), OutboundFailure::kTls);
  }
  // Right, but signed by nobody who is trusted.
  Receiver unknown(context_, speaking(right));
  const auto result = send(trusting(other_name), post(unknown.url("hooks.example.com", "https")));
  EXPECT_EQ(failure_of(result), OutboundFailure::kTls);
}

TEST_F(OutboundTls, ChecksAnAddressAgainstTheCertificate) {
  const auto address = make_identity("IP:127.0.0.1");
  Receiver receiver(context_, speaking(address));
  EXPECT_EQ(status_of(send(trusting(address), post(receiver.url("127.0.0.1", "https")))), 200);
  EXPECT_EQ(server_name_, "");  // RFC 6066, 3: no addresses there
  const auto name = make_identity("DNS:127.0.0.1");
  Receiver named(context_, speaking(name));
  EXPECT_EQ(failure_of(send(trusting(name), post(named.url("127.0.0.1", "https")))), OutboundFailure::kTls);
}

TEST_F(OutboundTls, GivesUpAHandshakeThatStalls) {
  const auto identity = make_identity("DNS:hooks.example.com");
  auto policy = trusting(identity);
  policy.connect_time_max = 60ms;
  Receiver receiver(context_,
                    [](tcp::socket& socket) -> asio::awaitable<void> { co_await wait_for_end(socket); });
  EXPECT_EQ(failure_of(send(policy, post(receiver.url("hooks.example.com", "https")))),
            OutboundFailure::kTimeout);
}

TEST_F(OutboundTls, TellsThatTheReceiverSpeaksNoTls) {
  const auto identity = make_identity("DNS:hooks.example.com");
  Receiver receiver(context_, [](tcp::socket& socket) -> asio::awaitable<void> {
    co_await write_all(socket, "HTTP/1.1 400 Bad Request\r\n\r\n");
    co_await wait_for_end(socket);
  });
  EXPECT_EQ(failure_of(send(trusting(identity), post(receiver.url("hooks.example.com", "https")))),
            OutboundFailure::kTls);
}

TEST_F(OutboundTls, WantsAFileOfCertificates) {
  auto policy = loopback();
  policy.extra_ca_file = (folder_.path() / "none.pem").string();
  EXPECT_THROW(OutboundClient(context_, policy), std::runtime_error);
  EXPECT_FALSE(holds_certificates(policy.extra_ca_file));
  EXPECT_FALSE(holds_certificates("/dev/null"));
  EXPECT_TRUE(holds_certificates(trusting(make_identity("DNS:hooks.example.com")).extra_ca_file));
}

}  // namespace
}  // namespace mintmark::testing::outbound_tls_test
