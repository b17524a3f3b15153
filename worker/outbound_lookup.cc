#include "worker/outbound_lookup.h"

#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <utility>
#include <vector>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/post.hpp>
#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace mintmark {
namespace {

namespace asio = boost::asio;

constexpr std::size_t threads_max = 16;

ResolvedAddresses answer_of(const ResolveHost& resolve, const std::string& host) {
  try {
    return resolve(host);
  } catch (const std::exception& exception) {
    return std::unexpected(std::string(exception.what()));
  }
}

}  // namespace

ResolvedAddresses resolve_with_system(const std::string& host) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int failure = getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (failure != 0) return std::unexpected(std::string(gai_strerror(failure)));
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> owned(found, &freeaddrinfo);
  std::vector<asio::ip::address> addresses;
  for (const auto* entry = found; entry != nullptr; entry = entry->ai_next) {
    if (entry->ai_family == AF_INET) {
      sockaddr_in v4{};
      std::memcpy(&v4, entry->ai_addr, sizeof v4);
      addresses.emplace_back(asio::ip::address_v4(ntohl(v4.sin_addr.s_addr)));
    } else if (entry->ai_family == AF_INET6) {
      sockaddr_in6 v6{};
      std::memcpy(&v6, entry->ai_addr, sizeof v6);
      asio::ip::address_v6::bytes_type bytes;
      std::memcpy(bytes.data(), v6.sin6_addr.s6_addr, bytes.size());
      addresses.emplace_back(asio::ip::address_v6(bytes, v6.sin6_scope_id));
    }
  }
  if (addresses.empty()) return std::unexpected(std::string("It has no address."));
  return addresses;
}

struct Lookups::Queue {
  Queue(asio::io_context& io, ResolveHost how) : context(io), resolve(std::move(how)) {}

  asio::io_context& context;  // may be gone once `ended`
  const ResolveHost resolve;

  std::mutex mutex;  // of what follows
  std::condition_variable changed;
  std::deque<std::string> hosts;  // to be looked up
  std::size_t threads = 0;
  std::size_t resting = 0;
  bool ended = false;

  // Who waits for each name that is to be looked up or just being so; nobody, where all have given up. Of the
  // context's thread alone.
  std::unordered_map<std::string, std::vector<Waiting*>> waiting;
};

// That somebody waits, for as long as it lives.
class Lookups::Entry {
 public:
  Entry(Queue& queue, Waiting& waiting, std::string host)
      : queue_(queue), waiting_(waiting), host_(std::move(host)) {
    const auto [place, is_first] = queue_.waiting.try_emplace(host_);
    place->second.push_back(&waiting_);
    is_first_ = is_first;
  }
  ~Entry() {
    const auto found = queue_.waiting.find(host_);
    if (found == queue_.waiting.end()) return;
    std::erase(found->second, &waiting_);
    if (!found->second.empty()) return;
    const std::scoped_lock lock(queue_.mutex);
    if (std::erase(queue_.hosts, host_) > 0) queue_.waiting.erase(found);
  }
  Entry(const Entry&) = delete;
  Entry& operator=(const Entry&) = delete;

  // Whether it is for this one to have the name looked up.
  bool is_first() const { return is_first_; }

 private:
  Queue& queue_;
  Waiting& waiting_;
  const std::string host_;
  bool is_first_ = false;
};

Lookups::Waiting::Waiting(asio::io_context& context)
    : done_(context, asio::steady_timer::time_point::max()) {}

Lookups::Lookups(asio::io_context& context, ResolveHost resolve)
    : queue_(std::make_shared<Queue>(context, std::move(resolve))) {}

Lookups::~Lookups() {
  const std::scoped_lock lock(queue_->mutex);
  queue_->ended = true;
  queue_->hosts.clear();
  queue_->changed.notify_all();
}

asio::awaitable<std::optional<ResolvedAddresses>> Lookups::find(Waiting& waiting, std::string host) {
  return find(queue_, waiting, std::move(host));
}

asio::awaitable<std::optional<ResolvedAddresses>> Lookups::find(std::shared_ptr<Queue> queue,
                                                                Waiting& waiting, std::string host) {
  const Entry entry(*queue, waiting, host);
  if (entry.is_first()) {
    const std::scoped_lock lock(queue->mutex);
    queue->hosts.push_back(std::move(host));
    if (queue->resting < queue->hosts.size() && queue->threads < threads_max) {
      // Left to itself: getaddrinfo() cannot be ended, and a name server that hangs must not hold up our end.
      std::thread([queue] { work(queue); }).detach();
      ++queue->threads;
    }
    queue->changed.notify_one();
  }
  // The answer comes through the context's queue, so never before this waits.
  co_await waiting.done_.async_wait(asio::as_tuple(asio::deferred));
  co_return std::move(waiting.answer_);
}

void Lookups::work(const std::shared_ptr<Queue>& queue) {
  std::unique_lock lock(queue->mutex);
  for (;;) {
    ++queue->resting;
    queue->changed.wait(lock, [&queue] { return queue->ended || !queue->hosts.empty(); });
    --queue->resting;
    if (queue->ended) return;
    auto host = std::move(queue->hosts.front());
    queue->hosts.pop_front();
    lock.unlock();
    auto answer = answer_of(queue->resolve, host);
    lock.lock();
    if (queue->ended) return;  // the context may be gone
    auto deliver = [queue, host = std::move(host), answer = std::move(answer)] {
      const auto all = queue->waiting.extract(host);
      if (all.empty()) return;
      for (auto* const waiting : all.mapped()) {
        waiting->answer_ = answer;
        waiting->done_.cancel();
      }
    };
    asio::post(queue->context, std::move(deliver));
  }
}

}  // namespace mintmark
