#include "worker/outbound_client.h"

#include <atomic>
#include <future>
#include <memory>

#include "tests/worker/outbound_fixture.h"

namespace mintmark::testing::outbound_client_test {
namespace {

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class OutboundClientTest : public OutboundFixture {};

TEST_F(OutboundClientTest, SendsTheRequestAsItIs) {
  std::string seen;
  Receiver receiver(context_, [&seen](tcp::socket& socket) -> asio::awaitable<void> {
    const auto request = co_await read_request(socket);
    seen = request.value_or("");
    co_await write_all(socket, ok);
  });
  const auto result =
      send(loopback(), {"POST", receiver.url(), {{"X-One", "1"}, {"X-Two", "a\tb"}}, "{\"a\":1}"});
  EXPECT_EQ(status_of(result), 200);
  EXPECT_GT(result.duration.count(), 0);
  EXPECT_EQ(seen,
            fmt::format("POST /hook?key=secret HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nX-One: 1\r\nX-Two: a\tb\r\n"
                        "User-Agent: Mintmark\r\nContent-Length: 7\r\n\r\n{{\"a\":1}}",
                        receiver.port()));
}

TEST_F(OutboundClientTest, UsesAConnectionAgain) {
  Receiver receiver(context_, answering(ok));
  OutboundClient client(context_, loopback());
  for (int i = 0; i < 5; ++i) EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
  EXPECT_EQ(receiver.connections(), 1);
}

TEST_F(OutboundClientTest, ReplacesAConnectionThatDiedWaiting) {
  int requests = 0;
  Receiver receiver(context_, [&requests](tcp::socket& socket) -> asio::awaitable<void> {
    const auto request = co_await read_request(socket);
    requests += request.has_value();
    co_await write_all(socket, ok);
  });
  OutboundClient client(context_, loopback());
  EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
  EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
  EXPECT_EQ(receiver.connections(), 2);
  EXPECT_EQ(requests, 2);
}

// The receiver closes as the second request arrives: no byte of answer, so once more over a new connection.
TEST_F(OutboundClientTest, SendsOnceMoreWhereAKeptConnectionProvesDead) {
  int requests = 0;
  Receiver receiver(context_, [&requests](tcp::socket& socket) -> asio::awaitable<void> {
    const auto first = co_await read_request(socket);
    requests += first.has_value();
    co_await write_all(socket, ok);
    const auto second = co_await read_request(socket);
    requests += second.has_value();
  });
  OutboundClient client(context_, loopback());
  EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
  EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
  EXPECT_EQ(receiver.connections(), 2);
  EXPECT_EQ(requests, 3);
}

// A new connection that closes without an answer is a failure, and so is a kept one that closes within one.
TEST_F(OutboundClientTest, SendsOnceOnlyOtherwise) {
  Receiver silent(context_,
                  [](tcp::socket& socket) -> asio::awaitable<void> { co_await read_request(socket); });
  EXPECT_EQ(failure_of(send(loopback(), post(silent.url()))), OutboundFailure::kClosed);
  EXPECT_EQ(silent.connections(), 1);

  Receiver halfway(context_, [](tcp::socket& socket) -> asio::awaitable<void> {
    co_await read_request(socket);
    co_await write_all(socket, ok);
    co_await read_request(socket);
    co_await write_all(socket, "HTTP/1.1 200");
  });
  OutboundClient client(context_, loopback());
  EXPECT_EQ(status_of(send(client, post(halfway.url()))), 200);
  EXPECT_EQ(failure_of(send(client, post(halfway.url()))), OutboundFailure::kClosed);
  EXPECT_EQ(halfway.connections(), 1);
}

TEST_F(OutboundClientTest, KeepsNoMoreConnectionsThanItMay) {
  auto policy = loopback();
  policy.idle_connections_max = 1;
  Receiver one(context_, answering(ok));
  Receiver other(context_, answering(ok));
  OutboundClient client(context_, policy);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(status_of(send(client, post(one.url()))), 200);
    EXPECT_EQ(status_of(send(client, post(other.url()))), 200);
  }
  EXPECT_EQ(one.connections(), 2);
  EXPECT_EQ(other.connections(), 2);
}

TEST_F(OutboundClientTest, DoesNotUseAConnectionThatHasWaitedForTooLong) {
  auto policy = loopback();
  policy.idle_time_max = 0ms;
  Receiver receiver(context_, answering(ok));
  OutboundClient client(context_, policy);
  for (int i = 0; i < 2; ++i) EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
  EXPECT_EQ(receiver.connections(), 2);
}

TEST_F(OutboundClientTest, DoesNotFollowRedirections) {
  Receiver target(context_, answering(ok));
  for (const int status : {301, 302, 303, 307, 308}) {
    Receiver receiver(context_,
                      answering(fmt::format("HTTP/1.1 {} Elsewhere\r\nLocation: {}\r\nContent-Length: "
                                            "0\r\n\r\n",
                                            status, target.url())));
    EXPECT_EQ(status_of(send(loopback(), post(receiver.url()))), status);
  }
  EXPECT_EQ(target.connections(), 0);
}

TEST_F(OutboundClientTest, ObeysNoProxyOfTheEnvironment) {
  Receiver proxy(context_, answering(ok));
  Receiver receiver(context_, answering("HTTP/1.1 204 No Content\r\n\r\n"));
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) {
    setenv(name, proxy.url().c_str(), 1);
  }
  EXPECT_EQ(status_of(send(loopback(), post(receiver.url()))), 204);
  EXPECT_EQ(proxy.connections(), 0);
  for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"}) unsetenv(name);
}

TEST_F(OutboundClientTest, TellsHowLongToWait) {
  Receiver receiver(context_,
                    answering("HTTP/1.1 429 Slow\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"));
  const auto result = send(loopback(), post(receiver.url()));
  ASSERT_EQ(status_of(result), 429);
  EXPECT_EQ(result.outcome->retry_after, 120s);
}

TEST_F(OutboundClientTest, SkipsInterimAnswersAFewTimes) {
  const std::string hint = "HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n";
  Receiver receiver(context_, answering("HTTP/1.1 100 Continue\r\n\r\n" + hint + ok));
  EXPECT_EQ(status_of(send(loopback(), post(receiver.url()))), 200);
  std::string many;
  for (int i = 0; i < 20; ++i) many += hint;
  Receiver endless(context_, answering(many + ok));
  EXPECT_EQ(failure_of(send(loopback(), post(endless.url()))), OutboundFailure::kMalformed);
}

// No header can end its line, set another or move the end of the message; and nothing is sent then.
TEST_F(OutboundClientTest, RefusesHeadersThatChangeTheMessage) {
  Receiver receiver(context_, answering(ok));
  OutboundClient client(context_, loopback());
  const std::vector<std::pair<std::string, std::string>> refused{{"Host", "elsewhere"},
                                                                 {"host", "elsewhere"},
                                                                 {"Content-Length", "0"},
                                                                 {"Transfer-Encoding", "chunked"},
                                                                 {"CONNECTION", "close"},
                                                                 {"Upgrade", "h2c"},
                                                                 {"Expect", "100-continue"},
                                                                 {"TE", "trailers"},
                                                                 {"X-A", "1\r\nX-B: 2"},
                                                                 {"X-A", "1\n2"},
                                                                 {"X-A", std::string("1\0", 2)},
                                                                 {"X-A\r\nX-B", "1"},
                                                                 {"X A", "1"},
                                                                 {"X-A:", "1"},
                                                                 {"", "1"},
                                                                 {"X-\xC3\xA4", "1"},
                                                                 {"X-A", "1\x7F"}};
  for (const auto& header : refused) {
    const auto result = send(client, {"POST", receiver.url(), {header}, "hidden"});
    EXPECT_EQ(failure_of(result), OutboundFailure::kInvalidUrl) << header.first;
    EXPECT_EQ(result.outcome.error().reason.find("hidden"), std::string::npos);
  }
  for (const std::string method : {"", "GET /x HTTP/1.1\r\n\r\nGET", "CONNECT", "P OST"}) {
    EXPECT_EQ(failure_of(send(client, {method, receiver.url(), {}, ""})), OutboundFailure::kInvalidUrl);
  }
  EXPECT_EQ(receiver.connections(), 0);
}

TEST_F(OutboundClientTest, ConnectsToTheAddressesThatItHasChecked) {
  int lookups = 0;
  auto policy = loopback();
  // Rebinding: the second look would lead elsewhere.
  policy.resolve = [&lookups](const std::string& host) -> ResolvedAddresses {
    EXPECT_EQ(host, "hooks.example.com");
    const auto* const address = ++lookups == 1 ? "127.0.0.1" : "10.0.0.1";
    return std::vector{asio::ip::make_address(address)};
  };
  Receiver receiver(context_, answering_once(ok));
  OutboundClient client(context_, policy);
  const auto url = receiver.url("hooks.example.com");
  EXPECT_EQ(status_of(send(client, post(url))), 200);
  EXPECT_EQ(lookups, 1);
  EXPECT_EQ(receiver.connections(), 1);
  EXPECT_EQ(failure_of(send(client, post(url))), OutboundFailure::kAddressRefused);
  EXPECT_EQ(lookups, 2);
}

TEST_F(OutboundClientTest, RefusesANameForOneOfItsAddresses) {
  Receiver receiver(context_, answering(ok));
  for (const std::string hidden : {"10.0.0.1", "::1", "::ffff:127.0.0.1", "169.254.169.254", "fe80::1%1"}) {
    auto policy = loopback();
    policy.resolve = [&hidden](const std::string&) -> ResolvedAddresses {
      return std::vector{asio::ip::make_address("127.0.0.1"), asio::ip::make_address(hidden)};
    };
    const auto result = send(policy, post(receiver.url("hooks.example.com")));
    EXPECT_EQ(failure_of(result), OutboundFailure::kAddressRefused) << hidden;
  }
  EXPECT_EQ(receiver.connections(), 0);
}

TEST_F(OutboundClientTest, TriesTheNextAddress) {
  Receiver receiver(context_, answering(ok));
  auto policy = loopback();
  policy.resolve = [](const std::string&) -> ResolvedAddresses {
    return std::vector{asio::ip::make_address("127.0.0.2"), asio::ip::make_address("127.0.0.1")};
  };
  EXPECT_EQ(status_of(send(policy, post(receiver.url("hooks.example.com")))), 200);
}

TEST_F(OutboundClientTest, TellsThatANameLeadsNowhere) {
  auto policy = loopback();
  policy.resolve = [](const std::string&) -> ResolvedAddresses { return std::unexpected("unknown"); };
  EXPECT_EQ(failure_of(send(policy, post("http://hooks.example.com/"))), OutboundFailure::kUnresolved);
  policy.resolve = [](const std::string&) -> ResolvedAddresses { throw std::runtime_error("broken"); };
  EXPECT_EQ(failure_of(send(policy, post("http://hooks.example.com/"))), OutboundFailure::kUnresolved);
  policy.resolve = [](const std::string&) -> ResolvedAddresses { return {}; };
  EXPECT_EQ(failure_of(send(policy, post("http://hooks.example.com/"))), OutboundFailure::kUnresolved);
}

// Those that wait for it are given up, others are not held up, and neither is the end.
TEST_F(OutboundClientTest, GivesUpALookupThatHangs) {
  auto released = std::make_shared<std::promise<void>>();
  const std::shared_future<void> release(released->get_future());
  auto policy = loopback();
  policy.connect_time_max = 60ms;
  policy.resolve = [release](const std::string& host) -> ResolvedAddresses {
    if (host == "hanging.example.com") release.wait();
    return std::vector{asio::ip::make_address("127.0.0.1")};
  };
  Receiver receiver(context_, answering(ok));
  {
    OutboundClient client(context_, policy);
    EXPECT_EQ(failure_of(send(client, post(receiver.url("hanging.example.com")))), OutboundFailure::kTimeout);
  }
  policy.connect_time_max = 10s;
  OutboundClient client(context_, policy);
  std::optional<OutboundResult> hanging;
  asio::co_spawn(context_, client.send(post(receiver.url("hanging.example.com"))),
                 [&hanging](const std::exception_ptr&, OutboundResult made) { hanging = std::move(made); });
  EXPECT_EQ(status_of(send(client, post(receiver.url("quick.example.com")))), 200);
  EXPECT_FALSE(hanging);
  released->set_value();
  while (!hanging) context_.run_one();
  EXPECT_EQ(status_of(*hanging), 200);
}

// However many wait for it, a name that hangs takes one of the threads that look names up.
TEST_F(OutboundClientTest, ANameThatHangsLeavesTheOthersTheirLookups) {
  std::promise<void> released;
  const std::shared_future<void> release(released.get_future());
  const auto lookups = std::make_shared<std::atomic<int>>();
  auto policy = loopback();
  policy.resolve = [release, lookups](const std::string& host) -> ResolvedAddresses {
    if (host == "hanging.example.com") {
      ++*lookups;
      release.wait();
    }
    return std::vector{asio::ip::make_address("127.0.0.1")};
  };
  Receiver receiver(context_, answering(ok));
  OutboundClient client(context_, policy);
  constexpr int hanging = 40;
  int answered = 0;
  for (int i = 0; i < hanging; ++i) {
    asio::co_spawn(context_, client.send(post(receiver.url("hanging.example.com"))),
                   [&answered](const std::exception_ptr&, const OutboundResult& made) {
                     if (status_of(made) == 200) ++answered;
                   });
  }
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(status_of(send(client, post(receiver.url(fmt::format("quick-{}.example.com", i))))), 200);
  }
  EXPECT_EQ(answered, 0);
  released.set_value();
  while (answered < hanging) context_.run_one();
  EXPECT_EQ(*lookups, 1);
}

// Every thread hangs; a name that nobody waits for any more is not looked up once they are free.
TEST_F(OutboundClientTest, DoesNotLookUpWhatNobodyWaitsForAnyMore) {
  std::promise<void> released;
  const std::shared_future<void> release(released.get_future());
  const auto asked = std::make_shared<std::atomic<bool>>(false);
  auto policy = loopback();
  policy.connect_time_max = 60ms;
  policy.resolve = [release, asked](const std::string& host) -> ResolvedAddresses {
    if (host.starts_with("hanging")) release.wait();
    if (host == "late.example.com") *asked = true;
    return std::vector{asio::ip::make_address("127.0.0.1")};
  };
  Receiver receiver(context_, answering(ok));
  OutboundClient client(context_, policy);
  int given_up = 0;
  const auto call = [&](const std::string& host) {
    asio::co_spawn(context_, client.send(post(receiver.url(host))),
                   [&given_up](const std::exception_ptr&, const OutboundResult& made) {
                     if (failure_of(made) == OutboundFailure::kTimeout) ++given_up;
                   });
  };
  constexpr int threads = 16;
  for (int i = 0; i < threads; ++i) call(fmt::format("hanging-{}.example.com", i));
  call("late.example.com");
  while (given_up < threads + 1) context_.run_one();
  released.set_value();
  while (status_of(send(client, post(receiver.url("hanging-again.example.com")))) != 200) {
  }
  EXPECT_FALSE(*asked);
}

TEST_F(OutboundClientTest, LooksLocalhostUpAsTheMachineDoes) {
  Receiver receiver(context_, answering(ok));
  auto policy = loopback();
  policy.allowed_networks.push_back(range("::1/128"));
  EXPECT_EQ(status_of(send(policy, post(receiver.url("localhost")))), 200);
  policy.allowed_networks.clear();
  EXPECT_EQ(failure_of(send(policy, post(receiver.url("localhost")))), OutboundFailure::kAddressRefused);
  EXPECT_EQ(receiver.connections(), 1);
}

}  // namespace
}  // namespace mintmark::testing::outbound_client_test
