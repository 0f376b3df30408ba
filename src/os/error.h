// Operating-system errors as values: the system's words, what was being done, and to what.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace conclave::os {

// "Connection reset by peer" and the like.
std::string errno_words(int code);

// "<doing> <subject>: <words of code>", of the kind that fits the code.
Error errno_error(int code, std::string_view doing, std::string_view subject);

inline std::unexpected<Error> errno_fail(int code, std::string_view doing, std::string_view subject) {
  return std::unexpected(errno_error(code, doing, subject));
}

}  // namespace conclave::os
