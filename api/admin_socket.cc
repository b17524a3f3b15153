#include "api/admin_socket.h"

#include <array>
#include <chrono>
#include <exception>
#include <set>
#include <stop_token>
#include <thread>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fmt/format.h>
#include <pwd.h>
#include <spdlog/spdlog.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "api/json.h"
#include "domain/limits.h"

namespace mintmark {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using Socket = asio::local::stream_protocol::socket;

constexpr auto as_result = asio::as_tuple(asio::use_awaitable);
constexpr std::chrono::milliseconds accept_pause{100};

// The name of the user at the other end, by the kernel's word (SO_PEERCRED).
std::string peer_name(Socket& socket) {
  ucred credentials{};
  socklen_t size = sizeof credentials;
  if (::getsockopt(socket.native_handle(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0)
    return "operator";
  passwd entry{};
  passwd* found = nullptr;
  std::array<char, 4096> buffer{};
  ::getpwuid_r(credentials.uid, &entry, buffer.data(), buffer.size(), &found);
  return found ? found->pw_name : fmt::format("uid {}", credentials.uid);
}

class SocketOutput final : public LineOutput {
 public:
  explicit SocketOutput(Socket& socket) : socket_(socket) {}

  awaitable<void> write(std::vector<std::string> lines) override {
    std::string text;
    for (const auto& line : lines) text += json::serialize(json::object{{"line", line}}) + '\n';
    co_await asio::async_write(socket_, asio::buffer(text), asio::use_awaitable);
  }

 private:
  Socket& socket_;
};

// Without a kind where it is kInvalid.
json::object error_object(const Error& error) {
  json::array messages;
  for (const auto& message : error.messages) messages.emplace_back(message);
  json::object object{{"error", std::move(messages)}};
  if (error.kind != ErrorKind::kInvalid) object["kind"] = static_cast<int>(error.kind);
  return object;
}

// The error of an answer; one of a kind that this program does not know is kUnavailable.
Error error_of(const json::object& answer) {
  Error error{ErrorKind::kInvalid, {}};
  if (const auto* kind = answer.if_contains("kind")) {
    const auto number = kind->to_number<int>();
    const bool known = number > 0 && number <= static_cast<int>(ErrorKind::kInsufficientStorage);
    error.kind = known ? static_cast<ErrorKind>(number) : ErrorKind::kUnavailable;
  }
  for (const auto& message : answer.at("error").as_array()) error.messages.emplace_back(message.as_string());
  return error;
}

// The sockets of the commands under way.
using OpenSockets = std::set<Socket*>;

awaitable<void> serve(Socket socket, Administration& administration, OpenSockets& open_sockets) {
  open_sockets.insert(&socket);
  const auto close = [&open_sockets](Socket* closed) { open_sockets.erase(closed); };
  const std::unique_ptr<Socket, decltype(close)> registered(&socket, close);
  std::string text;
  const auto [read_code, size] = co_await asio::async_read_until(
      socket, asio::dynamic_buffer(text, limits::request_body_bytes_max), '\n', as_result);
  if (read_code) co_return;
  json::object answer;
  auto command = parse_json_object(std::string_view(text).substr(0, size));
  if (command) {
    SocketOutput output(socket);
    // Whoever is gone waits for nothing; whoever has merely said all that he has to say waits for the answer.
    std::stop_source gone;
    socket.async_wait(Socket::wait_error, [gone](const boost::system::error_code& code) mutable {
      if (!code) gone.request_stop();
    });
    try {
      auto outcome =
          co_await administration.run(peer_name(socket), std::move(*command), output, gone.get_token());
      if (!outcome && gone.stop_requested())
        spdlog::info("an operator's command was given up: {}", outcome.error().messages.front());
      answer = outcome ? json::object{{"result", std::move(*outcome)}} : error_object(outcome.error());
    } catch (const std::exception& error) {
      spdlog::error("an operator's command failed: {}", error.what());
      answer = error_object({ErrorKind::kUnavailable, {"The command failed; the server's log says why."}});
    }
  } else {
    answer = error_object(command.error());
  }
  const auto line = json::serialize(answer) + '\n';
  co_await asio::async_write(socket, asio::buffer(line), as_result);
}

}  // namespace

struct AdminSocket::Impl {
  Impl(std::string socket_path, Administration& served)
      : path(std::move(socket_path)), administration(served) {
    const asio::local::stream_protocol::endpoint endpoint(path);  // throws where check_path() fails
    ::unlink(path.c_str());
    // The file must never be open to others, not even between bind and chmod.
    const auto mask = ::umask(0177);
    boost::system::error_code code;
    acceptor.open(endpoint.protocol(), code);
    if (!code) acceptor.bind(endpoint, code);
    ::umask(mask);
    if (code) throw boost::system::system_error(code, path);
    acceptor.listen();
    asio::co_spawn(context, accept(), asio::detached);
    thread = std::thread([this] { context.run(); });
  }

  // Commands wait for the blocking pool, the log and the projector, which answer to this context: so it goes
  // on until they have, and their next line finds its socket shut.
  ~Impl() {
    administration.stop();
    try {
      asio::post(context, [this] { shut_sockets(); });
    } catch (const std::exception&) {
      context.stop();  // without the memory to end in order
    }
    thread.join();
    ::unlink(path.c_str());
  }

  // On the context's thread.
  void shut_sockets() {
    boost::system::error_code ignored;  // whatever it is, they are of no use any more
    acceptor.close(ignored);
    for (auto* socket : open_sockets) socket->shutdown(Socket::shutdown_both, ignored);
  }

  awaitable<void> accept() {
    for (;;) {
      auto [code, socket] = co_await acceptor.async_accept(as_result);
      if (!acceptor.is_open()) co_return;
      if (code) {
        // Without a descriptor, say: once something else is closed it goes on.
        asio::steady_timer pause(context, accept_pause);
        co_await pause.async_wait(as_result);
        continue;
      }
      asio::co_spawn(context, serve(std::move(socket), administration, open_sockets),
                     [](const std::exception_ptr& thrown) {
                       if (!thrown) return;
                       try {
                         std::rethrow_exception(thrown);
                       } catch (const std::exception& error) {
                         spdlog::error("an operator's command failed: {}", error.what());
                       }
                     });
    }
  }

  std::string path;
  Administration& administration;
  asio::io_context context{1};
  asio::local::stream_protocol::acceptor acceptor{context};
  OpenSockets open_sockets;  // of the context's thread
  std::thread thread;
};

Result<void> AdminSocket::check_path(const std::string& path) {
  constexpr auto bytes_max = sizeof(sockaddr_un::sun_path) - 1;
  if (path.size() <= bytes_max) return {};
  return fail(ErrorKind::kInvalid,
              fmt::format("{} is longer than the {} bytes that the name of a socket may have; use a shorter "
                          "path to the data folder.",
                          path, bytes_max));
}

AdminSocket::AdminSocket(const std::string& path, Administration& administration)
    : impl_(std::make_unique<Impl>(path, administration)) {}
AdminSocket::~AdminSocket() = default;

struct AdminClient::Impl {
  asio::io_context context{1};
  Socket socket{context};
};

AdminClient::AdminClient(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
AdminClient::~AdminClient() = default;

std::unique_ptr<AdminClient> AdminClient::connect(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  boost::system::error_code code;
  asio::local::stream_protocol::endpoint endpoint;
  try {
    endpoint.path(path);
  } catch (const boost::system::system_error&) {
    return nullptr;  // longer than a socket's name can be, so nobody listens there
  }
  impl->socket.connect(endpoint, code);
  if (code) return nullptr;
  return std::unique_ptr<AdminClient>(new AdminClient(std::move(impl)));
}

Result<json::object> AdminClient::run(const json::object& command,
                                      const std::function<void(std::string)>& line) {
  boost::system::error_code code;
  asio::write(impl_->socket, asio::buffer(json::serialize(command) + '\n'), code);
  std::string text;
  while (!code) {
    const auto size = asio::read_until(impl_->socket, asio::dynamic_buffer(text), '\n', code);
    if (code) break;
    auto answer = json::parse(std::string_view(text).substr(0, size)).as_object();
    text.erase(0, size);
    if (auto* shown = answer.if_contains("line")) {
      line(std::string(shown->as_string()));
    } else if (auto* result = answer.if_contains("result")) {
      return std::move(result->as_object());
    } else {
      return std::unexpected(error_of(answer));
    }
  }
  return fail(ErrorKind::kUnavailable, "The server went away before it answered.");
}

}  // namespace mintmark
