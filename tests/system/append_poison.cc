// append_poison LOG_FOLDER TOKEN_ID: appends, to a log that nobody has open, two events that this version
// never writes and cannot take in: as a bug or a newer version might have left them. Prints the first one's
// position.
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <utility>

#include "domain/ids.h"
#include "eventstore/random.h"
#include "eventstore/rocksdb_log.h"

namespace {

mintmark::Position append(mintmark::EventLog& log, const std::string& stream, mintmark::Event event) {
  mintmark::SystemRandom random;
  mintmark::AppendRequest request;
  request.streams.push_back(
      {stream, log.version_of(stream), {{random.event_id(mintmark::Time()), std::move(event)}}});
  request.metadata.actor.set_kind(mintmark::Actor::OPERATOR);
  request.metadata.actor.set_id("poison");
  const auto committed = mintmark::append_and_wait(log, std::move(request));
  if (!committed) throw std::runtime_error(committed.error().message);
  return committed->last;
}

void append_poison(const char* folder, const char* token) {
  const auto id = mintmark::TokenId::parse(token);
  const auto log = mintmark::RocksDbLog::open({folder, nullptr, {}, {}});
  if (!id || !log) throw std::runtime_error("no such token id, or the log does not open");
  // A new key under a pepper that there never was: neither key may count.
  mintmark::Event rotated;
  rotated.mutable_token_rotated()->mutable_credentials()->mutable_secret_digest()->set_pepper(77);
  const auto position = append(**log, stream_of(*id), rotated);
  // A webhook of nobody's.
  mintmark::Event created;
  const auto webhook = mintmark::WebhookId::from_value(7);
  created.mutable_webhook_created()->set_webhook_id(webhook.text());
  append(**log, stream_of(webhook), created);
  std::printf("%llu\n", static_cast<unsigned long long>(position));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    if (argc != 3) throw std::runtime_error("append_poison LOG_FOLDER TOKEN_ID");
    append_poison(argv[1], argv[2]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
