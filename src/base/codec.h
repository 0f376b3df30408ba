// The one binary codec of Conclave's own formats (journal, snapshot, peers, transactions): little-endian fixed
// integers, LEB128 varints, and length-prefixed byte strings. Pure. (ZooKeeper's big-endian jute is in wire/zookeeper.)
//
// A Decoder never throws and never reads outside its input: after the first fault every read yields zero or empty and
// ok() stays false, so a caller decodes a whole struct and checks once. A length is checked against what is left
// before anything is allocated from it.
#pragma once

#include <bit>
#include <concepts>
#include <cstdint>
#include <cstring>
#include <string>

#include "base/bytes.h"

namespace conclave {

class Encoder {
 public:
  explicit Encoder(Bytes* out) : out_(out) {}

  template <std::integral T>
  void fixed(T value) {
    static_assert(std::endian::native == std::endian::little);
    char raw[sizeof(T)];
    std::memcpy(raw, &value, sizeof(T));
    out_->append(raw, sizeof(T));
  }
  void u8(uint8_t value) { out_->push_back(static_cast<char>(value)); }
  void boolean(bool value) { u8(value ? 1 : 0); }
  void varint(uint64_t value) {
    char raw[10];
    size_t n = 0;
    for (; value >= 0x80; value >>= 7) raw[n++] = static_cast<char>(value | 0x80);
    raw[n++] = static_cast<char>(value);
    out_->append(raw, n);
  }
  // Signed numbers, small magnitudes short.
  void zigzag(int64_t value) { varint((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63)); }
  void bytes(BytesView value) {
    varint(value.size());
    out_->append(value);
  }
  void raw(BytesView value) { out_->append(value); }
  Bytes* out() { return out_; }

 private:
  Bytes* out_;
};

class Decoder {
 public:
  explicit Decoder(BytesView in) : in_(in) {}

  template <std::integral T>
  T fixed() {
    T value{};
    if (in_.size() < sizeof(T)) return fault(), T{};
    std::memcpy(&value, in_.data(), sizeof(T));
    in_.remove_prefix(sizeof(T));
    return value;
  }
  uint8_t u8() { return fixed<uint8_t>(); }
  bool boolean() { return u8() != 0; }
  uint64_t varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (in_.empty()) break;
      const auto byte = static_cast<uint8_t>(in_.front());
      in_.remove_prefix(1);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    fault();
    return 0;
  }
  int64_t zigzag() {
    const uint64_t raw = varint();
    return static_cast<int64_t>(raw >> 1) ^ -static_cast<int64_t>(raw & 1);
  }
  // A view into the input, valid as long as the input is.
  BytesView bytes() {
    const uint64_t size = varint();
    return raw(size);
  }
  std::string string() { return std::string(bytes()); }
  BytesView raw(uint64_t size) {
    if (size > in_.size()) return fault(), BytesView();
    const BytesView out = in_.substr(0, size);
    in_.remove_prefix(size);
    return out;
  }
  // Number of elements that follow, each at least `element_size_min` bytes long; a count that cannot fit is a fault.
  size_t count(size_t element_size_min = 1) {
    const uint64_t n = varint();
    if (n > in_.size() / (element_size_min ? element_size_min : 1)) return fault(), size_t{0};
    return static_cast<size_t>(n);
  }

  bool ok() const { return ok_; }
  // All input consumed and no fault: what a complete message must be.
  bool done() const { return ok_ && in_.empty(); }
  BytesView rest() const { return in_; }
  // Marks the input as malformed, for checks of meaning that the caller makes.
  void fault() {
    ok_ = false;
    in_ = {};
  }

 private:
  BytesView in_;
  bool ok_ = true;
};

}  // namespace conclave
