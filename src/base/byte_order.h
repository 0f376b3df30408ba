// Numbers in network order.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>

namespace conclave {

// To big-endian, and back. Of 4 or 8 bytes.
template <std::integral T>
constexpr T big_endian(T value) {
  static_assert(std::endian::native == std::endian::little);
  if constexpr (sizeof(T) == 8) {
    return static_cast<T>(__builtin_bswap64(static_cast<uint64_t>(value)));
  } else {
    static_assert(sizeof(T) == 4);
    return static_cast<T>(__builtin_bswap32(static_cast<uint32_t>(value)));
  }
}

}  // namespace conclave
