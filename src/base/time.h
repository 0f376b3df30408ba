// Durations and instants in microseconds. An `Instant` is a point on a monotonic clock, only comparable with instants
// of the same process; wall-clock time is a plain `int64_t ..._ms` since 1970 and is never used for a timeout.
#pragma once

#include <compare>
#include <cstdint>

namespace conclave {

struct Duration {
  int64_t us = 0;

  static constexpr Duration micros(int64_t n) { return {n}; }
  static constexpr Duration millis(int64_t n) { return {n * 1000}; }
  static constexpr Duration seconds(int64_t n) { return {n * 1'000'000}; }
  constexpr int64_t ms() const { return us / 1000; }

  friend constexpr auto operator<=>(Duration, Duration) = default;
  friend constexpr Duration operator+(Duration a, Duration b) { return {a.us + b.us}; }
  friend constexpr Duration operator-(Duration a, Duration b) { return {a.us - b.us}; }
  friend constexpr Duration operator*(Duration a, int64_t n) { return {a.us * n}; }
  friend constexpr Duration operator/(Duration a, int64_t n) { return {a.us / n}; }
};

struct Instant {
  int64_t us = 0;

  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.us + d.us}; }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.us - d.us}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return {a.us - b.us}; }
};

}  // namespace conclave
