#include "os/clock.h"

#include <cerrno>
#include <sys/random.h>
#include <time.h>

#include "base/assert.h"

namespace conclave::os {
namespace {

timespec read_clock(clockid_t clock) {
  timespec time{};
  const bool read = clock_gettime(clock, &time) == 0;
  CONCLAVE_ASSERT(read);
  return time;
}

void fill(char* out, size_t size) {
  while (size > 0) {
    const ssize_t n = getrandom(out, size, 0);
    if (n < 0 && errno == EINTR) continue;
    CONCLAVE_ASSERT(n > 0);  // with these arguments getrandom has no other error
    out += n;
    size -= static_cast<size_t>(n);
  }
}

}  // namespace

Instant Clock::now() const {
  const timespec time = read_clock(CLOCK_BOOTTIME);
  return Instant{int64_t{time.tv_sec} * 1'000'000 + time.tv_nsec / 1000};
}

int64_t Clock::wall_ms() const {
  const timespec time = read_clock(CLOCK_REALTIME);
  return int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

Bytes Entropy::bytes(size_t size) {
  Bytes out(size, '\0');
  fill(out.data(), out.size());
  return out;
}

uint64_t Entropy::u64() {
  uint64_t value = 0;
  fill(reinterpret_cast<char*>(&value), sizeof(value));
  return value;
}

}  // namespace conclave::os
