// Operating errors are values. `Result<T>` is std::expected; `Error` says what kind it is and, in words for an
// operator, what was wrong and where.
#pragma once

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace conclave {

enum class ErrorKind {
  invalid_argument,  // the caller or a client sent something malformed
  not_found,
  already_exists,
  corrupt,  // bytes fail their checksum or format
  io,       // the operating system refused; the message holds its words
  no_space,
  unavailable,  // not now: no master, no quorum, shutting down
  timed_out,
  closed,
  limit,        // a configured limit was reached
  unsupported,  // a version or an option this build does not know
};

std::string_view to_string(ErrorKind kind);

struct Error {
  ErrorKind kind = ErrorKind::invalid_argument;
  std::string message;
};

template <class T = void>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorKind kind, std::string message) {
  return std::unexpected(Error{kind, std::move(message)});
}

}  // namespace conclave
