// Assertions of invariants, on in release too. One condition per assertion. An operating error (bad input, a full
// disk) is never asserted: it is a Result.
#pragma once

namespace conclave {

// Prints file, line and the broken condition to standard error, then aborts.
[[noreturn]] void assertion_failed(const char* condition, const char* file, int line);

}  // namespace conclave

#define CONCLAVE_ASSERT(condition)                                  \
  do {                                                              \
    if (!(condition)) [[unlikely]]                                  \
      ::conclave::assertion_failed(#condition, __FILE__, __LINE__); \
  } while (false)
