// A fuzzer's input read as a stream of choices, first byte first, so that cutting an input short keeps its beginning.
// Every stream of bytes is a valid one; past the end everything is zero.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "base/bytes.h"

namespace conclave::fuzz {

class Input {
 public:
  Input(const uint8_t* data, size_t size) : rest_(reinterpret_cast<const char*>(data), size) {}
  explicit Input(BytesView bytes) : rest_(bytes) {}

  bool empty() const { return rest_.empty(); }
  uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  bool flag() { return (byte() & 1) != 0; }
  // One of 0 ... count - 1.
  size_t below(size_t count) {
    const size_t value = count <= 256 ? byte() : static_cast<size_t>(byte() << 8 | byte());
    return value % count;
  }
  // Mostly small, sometimes one that sits at a limit, sometimes any.
  uint64_t number() {
    const uint8_t first = byte();
    if (first < 0xE0) return first;
    if (first == 0xE0) return eight();
    if (first < 0xE8) return static_cast<uint64_t>(byte()) << 8 | byte();
    static constexpr std::array<uint64_t, 12> kLimits = {
        UINT64_MAX,        UINT64_MAX - 1,           uint64_t{1} << 63, (uint64_t{1} << 63) - 1,
        UINT32_MAX,        uint64_t{UINT32_MAX} + 1, INT32_MAX,         uint64_t{1} << 31,
        uint64_t{1} << 20, (uint64_t{1} << 20) + 1,  uint64_t{1} << 40, UINT16_MAX};
    return kLimits[(first - 0xE8u) % kLimits.size()];
  }
  // Up to 255 bytes, as many as the next byte says and there are.
  BytesView bytes() {
    const size_t size = byte();
    const BytesView taken = rest_.substr(0, size);
    rest_.remove_prefix(taken.size());
    return taken;
  }
  BytesView take_rest() { return std::exchange(rest_, {}); }

 private:
  uint64_t eight() {
    uint64_t value = 0;
    for (int i = 0; i < 8; ++i) value = value << 8 | byte();
    return value;
  }

  BytesView rest_;
};

// What a harness promises beyond "does not crash": a broken promise is a crash too.
inline void require(bool holds, std::string_view promise) {
  if (holds) [[likely]]
    return;
  std::fprintf(stderr, "broken promise: %.*s\n", static_cast<int>(promise.size()), promise.data());
  std::abort();
}

}  // namespace conclave::fuzz
