#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "api/http/request_parser.h"

// Chunked bodies in every pair of pieces; what the fuzz target fuzz_request_parser found stays found.
namespace mintmark::http::http_parser_chunk_test {
namespace {

const std::string head = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";

// Presents the input up to each end in turn, again and again until nothing more is consumed, as a connection
// does with what it has received so far.
class Feeder {
 public:
  void feed(std::string_view input) {
    received_ += input;
    while (!parser_.done() && !parser_.error()) {
      const auto size = parser_.parse(std::string_view(received_).substr(begin_));
      begin_ += size;
      if (size == 0) break;
    }
  }
  bool done() const { return parser_.done(); }
  bool refused() const { return parser_.error().has_value(); }
  std::string_view body() const { return request_.body(); }

 private:
  Request request_;
  RequestParser parser_{request_};
  std::string received_;
  std::size_t begin_ = 0;
};

TEST(HttpParserChunks, ALastChunkMayArriveInAnyTwoPieces) {
  for (const std::string_view chunks :
       {"0\r\n\r\n", "00\r\n\r\n", "0000\r\n\r\n", "0;x=y\r\n\r\n", "0\r\nT: v\r\n\r\n",
        "3\r\n0\r\n\r\n0\r\n\r\n", "1\r\n0\r\n0\r\n\r\n"}) {
    const auto whole = head + std::string(chunks);
    for (std::size_t cut = 1; cut < whole.size(); ++cut) {
      Feeder feeder;
      feeder.feed(std::string_view(whole).substr(0, cut));
      EXPECT_FALSE(feeder.done() || feeder.refused()) << chunks << " cut at " << cut;
      feeder.feed(std::string_view(whole).substr(cut));
      EXPECT_TRUE(feeder.done()) << chunks << " cut at " << cut;
    }
  }
}

TEST(HttpParserChunks, ALastChunkMayArriveByteByByte) {
  Feeder feeder;
  for (const char byte : head + "2\r\n00\r\n0\r\n\r\n") {
    EXPECT_FALSE(feeder.done() || feeder.refused());
    feeder.feed(std::string_view(&byte, 1));
  }
  EXPECT_TRUE(feeder.done());
  EXPECT_EQ(feeder.body(), "00");
}

TEST(HttpParserChunks, WhatIsNoChunkIsRefusedAtOnce) {
  for (const std::string_view chunks : {"x\r\n", "-1\r\n", "\r\n\r\n", "0x1\r\n\r\n"}) {
    Feeder feeder;
    feeder.feed(head + std::string(chunks));
    EXPECT_TRUE(feeder.refused()) << chunks;
  }
}

}  // namespace
}  // namespace mintmark::http::http_parser_chunk_test
