#pragma once

#include <expected>
#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

namespace mintmark {

// What can go wrong in the course of things. api/errors.h maps each to its HTTP status and error_code.
enum class ErrorKind {
  kInvalid,              // the input breaks a rule; messages read "field: what is wrong"
  kInvalidQuery,         // a list's query cannot be read or names what is not there
  kUnauthenticated,      // nobody, or nobody we know
  kForbidden,            // somebody, but not allowed
  kNotFound,             // does not exist, or is not the caller's: never say which
  kPreconditionFailed,   // the version that the caller named is not the present one; nothing has changed
  kConflict,             // against the present state, an expected version or an idempotency key
  kTaken,                // the id of what is to be made is another's already: another id may do
  kUnavailable,          // cannot be done now; nothing has changed
  kOutcomeUnknown,       // may or may not have been stored; retry with the same idempotency key
  kInsufficientStorage,  // the disk is nearly full; nothing has changed
};

// Messages are for people, one fault each; they never carry a secret.
struct Error {
  ErrorKind kind;
  std::vector<std::string> messages;

  bool operator==(const Error&) const = default;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return std::unexpected(Error{kind, {std::move(message)}});
}

// "Token not found.", whether there is none or it is somebody else's.
inline std::unexpected<Error> not_found(std::string_view what) {
  return fail(ErrorKind::kNotFound, std::string(what) + " not found.");
}

}  // namespace mintmark
