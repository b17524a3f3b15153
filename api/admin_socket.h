#pragma once

#include <functional>
#include <memory>
#include <string>

#include "api/administration.h"

namespace mintmark {

// Administration beside a running server: a Unix socket that only its owner may open. A client sends one JSON
// object and a newline; the answer is lines of JSON: any number of {"line": "…"}, then one {"result": {…}} or
// {"error": […], "kind": …}, and the end. The kind is the number of an ErrorKind, and left out for kInvalid.
class AdminSocket {
 public:
  // kInvalid, with the length that is possible, where a socket's name cannot be as long as that path is.
  static Result<void> check_path(const std::string& path);

  // Listens from here on, on a thread of its own; a stale socket file is replaced, so the caller must hold
  // the data folder. Throws boost::system::system_error where it cannot. `administration` must outlive it.
  AdminSocket(const std::string& path, Administration& administration);
  // Stops accepting, ends what is under way (Administration::stop, and the rest at its next line) and removes
  // the file.
  ~AdminSocket();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The other side. Blocks.
class AdminClient {
 public:
  // Nothing where no server listens there.
  static std::unique_ptr<AdminClient> connect(const std::string& path);
  ~AdminClient();

  // Sends the command, gives each line to `line`, and returns the result. kUnavailable where the server goes
  // away.
  Result<boost::json::object> run(const boost::json::object& command,
                                  const std::function<void(std::string)>& line);

 private:
  struct Impl;
  explicit AdminClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace mintmark
