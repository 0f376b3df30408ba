#include "os/error.h"

#include <cerrno>
#include <system_error>

namespace conclave::os {
namespace {

ErrorKind kind_of(int code) {
  switch (code) {
    case ENOENT:
      return ErrorKind::not_found;
    case EEXIST:
    case EADDRINUSE:
      return ErrorKind::already_exists;
    case ENOSPC:
    case EDQUOT:
      return ErrorKind::no_space;
    case EMFILE:
    case ENFILE:
      return ErrorKind::limit;
    case ETIMEDOUT:
      return ErrorKind::timed_out;
    case EPIPE:
    case ECONNRESET:
      return ErrorKind::closed;
    default:
      return ErrorKind::io;
  }
}

}  // namespace

std::string errno_words(int code) {
  return std::generic_category().message(code);
}

Error errno_error(int code, std::string_view doing, std::string_view subject) {
  std::string message(doing);
  if (!subject.empty()) message.append(" ").append(subject);
  return Error{kind_of(code), message + ": " + errno_words(code)};
}

}  // namespace conclave::os
