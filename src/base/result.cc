#include "base/result.h"

namespace conclave {

std::string_view to_string(ErrorKind kind) {
  switch (kind) {
    case ErrorKind::invalid_argument:
      return "invalid argument";
    case ErrorKind::not_found:
      return "not found";
    case ErrorKind::already_exists:
      return "already exists";
    case ErrorKind::corrupt:
      return "corrupt";
    case ErrorKind::io:
      return "input/output error";
    case ErrorKind::no_space:
      return "no space";
    case ErrorKind::unavailable:
      return "unavailable";
    case ErrorKind::timed_out:
      return "timed out";
    case ErrorKind::closed:
      return "closed";
    case ErrorKind::limit:
      return "limit reached";
    case ErrorKind::unsupported:
      return "unsupported";
  }
  return "unknown";
}

}  // namespace conclave
