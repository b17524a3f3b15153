// Receivers that misbehave. Each ends as it must, on its own: the client's short deadlines are only for those
// that never would.
#include "tests/worker/outbound_fixture.h"
#include "worker/outbound_response.h"

namespace mintmark::testing::outbound_receivers_test {
namespace {

const std::string ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

class OutboundReceivers : public OutboundFixture {};

TEST_F(OutboundReceivers, ThatDoNotListen) {
  const tcp::acceptor closed(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
  const auto port = closed.local_endpoint().port();
  const_cast<tcp::acceptor&>(closed).close();
  EXPECT_EQ(failure_of(send(loopback(), post(fmt::format("http://127.0.0.1:{}/", port)))),
            OutboundFailure::kConnect);
}

TEST_F(OutboundReceivers, ThatAreBlackHoles) {
  Receiver receiver(context_,
                    [](tcp::socket& socket) -> asio::awaitable<void> { co_await wait_for_end(socket); });
  EXPECT_EQ(failure_of(send(hasty(), post(receiver.url()))), OutboundFailure::kTimeout);
  auto policy = loopback();
  policy.first_byte_time_max = 40ms;
  EXPECT_EQ(failure_of(send(policy, post(receiver.url()))), OutboundFailure::kTimeout);
}

// One that takes nothing of a body larger than the sockets' buffers.
TEST_F(OutboundReceivers, ThatDoNotRead) {
  asio::steady_timer never(context_, asio::steady_timer::time_point::max());
  Receiver receiver(context_,
                    [&never](tcp::socket&) -> asio::awaitable<void> { co_await never.async_wait(awaiting); });
  auto request = post(receiver.url());
  request.body.assign(32UL << 20U, 'x');
  EXPECT_EQ(failure_of(send(hasty(), request)), OutboundFailure::kTimeout);
  never.cancel();
}

// A byte of the head now and then holds off the deadline for the first byte, not the one for all.
TEST_F(OutboundReceivers, ThatDrip) {
  Receiver receiver(context_, [](tcp::socket& socket) -> asio::awaitable<void> {
    asio::steady_timer timer(socket.get_executor());
    bool open = co_await write_all(socket, "HTTP/1.1 200 OK\r\nX: ");
    while (open) {
      timer.expires_after(2ms);
      co_await timer.async_wait(awaiting);
      open = co_await write_all(socket, "x");
    }
  });
  auto policy = hasty();
  policy.first_byte_time_max = 10s;
  EXPECT_EQ(failure_of(send(policy, post(receiver.url()))), OutboundFailure::kTimeout);
}

// The head is the answer; of what follows without end, only so much is taken, and the connection is closed.
TEST_F(OutboundReceivers, ThatNeverEndTheirBody) {
  for (const std::string framing :
       {"", "Content-Length: 99999999999\r\n", "Transfer-Encoding: chunked\r\n"}) {
    bool ended = false;
    Receiver receiver(context_, [&](tcp::socket& socket) -> asio::awaitable<void> {
      co_await read_request(socket);
      bool open = co_await write_all(socket, "HTTP/1.1 200 OK\r\n" + framing + "\r\n");
      const std::string piece =
          framing.starts_with('T') ? "3e8\r\n" + std::string(1000, 'x') + "\r\n" : std::string(1000, 'x');
      while (open) open = co_await write_all(socket, piece);
      ended = true;
    });
    OutboundClient client(context_, loopback());
    EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200) << framing;
    while (!ended) context_.run_one();
  }
}

TEST_F(OutboundReceivers, ThatAnswerAndThenSayNothing) {
  auto policy = loopback();
  policy.body_time_max = 20ms;
  Receiver receiver(context_, [](tcp::socket& socket) -> asio::awaitable<void> {
    co_await read_request(socket);
    co_await write_all(socket, "HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 10\r\n\r\n");
    co_await wait_for_end(socket);
  });
  const auto result = send(policy, post(receiver.url()));
  ASSERT_EQ(status_of(result), 503);
  EXPECT_EQ(result.outcome->retry_after, 7s);
}

TEST_F(OutboundReceivers, ThatAnswerAndVanish) {
  Receiver receiver(context_, answering_once("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nok"));
  OutboundClient client(context_, loopback());
  for (int i = 1; i <= 2; ++i) {
    EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
    EXPECT_EQ(receiver.connections(), i);
  }
}

// A connection on which more has come than was asked for could answer the next call with the wrong words.
TEST_F(OutboundReceivers, ThatAnswerTwice) {
  Receiver receiver(context_, answering(ok + "HTTP/1.1 500 Later\r\nContent-Length: 0\r\n\r\n"));
  OutboundClient client(context_, loopback());
  for (int i = 1; i <= 3; ++i) EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
  EXPECT_EQ(receiver.connections(), 3);
}

TEST_F(OutboundReceivers, ThatReset) {
  Receiver receiver(context_, [](tcp::socket& socket) -> asio::awaitable<void> {
    co_await read_request(socket);
    socket.set_option(asio::socket_base::linger(true, 0));
  });
  EXPECT_EQ(failure_of(send(loopback(), post(receiver.url()))), OutboundFailure::kClosed);
}

TEST_F(OutboundReceivers, ThatWantTheConnectionClosed) {
  Receiver receiver(context_, answering("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
  OutboundClient client(context_, loopback());
  for (int i = 1; i <= 2; ++i) EXPECT_EQ(status_of(send(client, post(receiver.url()))), 200);
  EXPECT_EQ(receiver.connections(), 2);
}

TEST_F(OutboundReceivers, ThatDoNotSpeakHttp) {
  for (const std::string answer :
       {"SSH-2.0-OpenSSH_9.2\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 99 Odd\r\n\r\n",
        "HTTP/1.1 2000 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "+OK\r\n\r\n\r\n\r\n", "\r\n\r\n\r\n\r\n"}) {
    Receiver receiver(context_, answering_once(answer));
    EXPECT_EQ(failure_of(send(loopback(), post(receiver.url()))), OutboundFailure::kMalformed) << answer;
  }
  Receiver silent(context_, answering_once(""));
  EXPECT_EQ(failure_of(send(loopback(), post(silent.url()))), OutboundFailure::kClosed);
}

TEST_F(OutboundReceivers, WhoseHeadNeverEnds) {
  for (const std::string piece : {"X-Header: value\r\n", "x"}) {
    Receiver receiver(context_, [&piece](tcp::socket& socket) -> asio::awaitable<void> {
      co_await read_request(socket);
      bool open = co_await write_all(socket, "HTTP/1.1 200 OK\r\nX: ");
      while (open) open = co_await write_all(socket, piece);
    });
    EXPECT_EQ(failure_of(send(loopback(), post(receiver.url()))), OutboundFailure::kTooLarge) << piece;
  }
}

// Whatever the sizes of the pieces, and whatever the bytes, parsing ends in an answer or a failure.
TEST(OutboundResponseParser, TakesAnswersInPiecesAndBytesThatAreNone) {
  const std::string chunked =
      "HTTP/1.1 201 Made\r\nTransfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n10\r\n0123456789abcdef\r\n0\r\n"
      "Trailer: x\r\n\r\n";
  std::uint32_t random = 1;
  const auto next = [&random] { return random = random * 1664525U + 1013904223U; };
  for (int round = 0; round < 4000; ++round) {
    std::string text = chunked;
    const bool damaged = round % 2 == 1;
    if (damaged) {
      for (unsigned i = 0; i < 3; ++i) text[(next() >> 8U) % text.size()] = static_cast<char>(next() >> 24U);
    }
    OutboundResponseParser parser(false);
    std::string pending;
    for (std::size_t at = 0; at < text.size() && !parser.done() && !parser.failure();) {
      const auto size = std::min<std::size_t>((next() >> 8U) % 7 + 1, text.size() - at);
      pending.append(text, at, size);
      at += size;
      pending.erase(0, parser.parse(pending));
    }
    if (!parser.done() && !parser.failure()) parser.parse_end();
    if (!damaged) {
      ASSERT_TRUE(parser.done());
      EXPECT_EQ(parser.response()->status, 201);
      EXPECT_EQ(parser.body_bytes(), 19U);
      EXPECT_TRUE(parser.keeps_connection());
    }
  }
}

}  // namespace
}  // namespace mintmark::testing::outbound_receivers_test
