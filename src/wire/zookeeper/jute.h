// Jute, ZooKeeper's binary format: big-endian fixed integers, one-byte booleans, and strings, buffers and vectors that
// carry a signed 32-bit length first, -1 for null. Pure.
//
// A record is a plain struct with one list of its fields in wire order:
//
//   struct SetDataRequest {
//     BytesView path; BytesView data; int32_t version = kAnyVersion;
//     static constexpr auto kFields = std::tuple(&SetDataRequest::path, ...);
//   };
//
// and is written and read through that list, so that both directions cannot disagree.
//
// A Reader never throws and never reads outside its input: after the first fault every read yields zero or empty and
// ok() stays false, so a caller reads a whole record and checks once. A length is compared with what is left before
// anything is allocated from it. Views that it hands out point into the input and live as long as that.
#pragma once

#include <concepts>
#include <cstdint>
#include <cstring>
#include <optional>
#include <tuple>
#include <type_traits>
#include <vector>

#include "base/byte_order.h"
#include "base/bytes.h"
#include "base/ids.h"

namespace conclave::wire::zookeeper {

template <class T>
concept Record = requires { T::kFields; };

// Fewest bytes that a value of the type takes on the wire; bounds the element count of a vector.
template <class T>
constexpr size_t wire_size_min();

class Writer {
 public:
  explicit Writer(Bytes* out) : out_(out) {}

  void put(int32_t value) { fixed(value); }
  void put(int64_t value) { fixed(value); }
  void put(bool value) { out_->push_back(value ? '\1' : '\0'); }
  void put(Zxid value) { fixed(static_cast<int64_t>(value.value)); }
  void put(SessionId value) { fixed(value.value); }
  template <class E>
    requires std::is_enum_v<E>
  void put(E value) {
    static_assert(sizeof(E) == 4);
    fixed(static_cast<int32_t>(value));
  }
  // String or buffer. An empty view is written as length 0, never as null.
  void put(BytesView value) {
    fixed(static_cast<int32_t>(value.size()));
    out_->append(value);
  }
  // nullopt is written as null.
  void put(const std::optional<BytesView>& value) {
    if (value) {
      put(*value);
    } else {
      fixed(int32_t{-1});
    }
  }
  template <class T>
  void put(const std::vector<T>& values) {
    fixed(static_cast<int32_t>(values.size()));
    for (const T& value : values) put(value);
  }
  // Records whose fields are all fixed-size integers are assembled on the stack and appended once: every reply carries
  // such a header and most carry a Stat.
  template <Record R>
  void put(const R& record) {
    std::apply([&](auto... field) { (put(record.*field), ...); }, R::kFields);
  }
  template <Record R>
    requires(requires { R::kPacked; })
  void put(const R& record) {
    char raw[wire_size_min<R>()];
    char* at = raw;
    std::apply([&](auto... field) { (pack(&at, record.*field), ...); }, R::kFields);
    out_->append(raw, sizeof(raw));
  }
  Bytes* out() { return out_; }

 private:
  template <std::integral T>
  void fixed(T value) {
    const T raw = big_endian(value);
    char bytes[sizeof(T)];
    std::memcpy(bytes, &raw, sizeof(T));
    out_->append(bytes, sizeof(T));
  }
  template <std::integral T>
  static void pack(char** at, T value) {
    const T raw = big_endian(value);
    std::memcpy(*at, &raw, sizeof(T));
    *at += sizeof(T);
  }
  static void pack(char** at, Zxid value) { pack(at, static_cast<int64_t>(value.value)); }
  template <class E>
    requires std::is_enum_v<E>
  static void pack(char** at, E value) {
    pack(at, static_cast<int32_t>(value));
  }

  Bytes* out_;
};

class Reader {
 public:
  explicit Reader(BytesView in) : in_(in) {}

  void get(int32_t* value) { *value = fixed<int32_t>(); }
  void get(int64_t* value) { *value = fixed<int64_t>(); }
  void get(bool* value) {
    *value = false;
    if (in_.empty()) return fault();
    *value = in_.front() != 0;  // Java's DataInput.readBoolean: any non-zero byte is true
    in_.remove_prefix(1);
  }
  void get(Zxid* value) { *value = Zxid(static_cast<uint64_t>(fixed<int64_t>())); }
  void get(SessionId* value) { *value = SessionId(fixed<int64_t>()); }
  // The number may be none of the enumerators: whoever switches over it must cope.
  template <class E>
    requires std::is_enum_v<E>
  void get(E* value) {
    *value = static_cast<E>(fixed<int32_t>());
  }
  // String or buffer; null is read as empty.
  void get(BytesView* value) {
    std::optional<BytesView> read;
    get(&read);
    *value = read.value_or(BytesView());
  }
  void get(std::optional<BytesView>* value) {
    value->reset();
    const auto length = fixed<int32_t>();
    if (!ok_ || length == -1) return;
    if (length < 0 || static_cast<uint32_t>(length) > in_.size()) return fault();
    *value = in_.substr(0, static_cast<size_t>(length));
    in_.remove_prefix(static_cast<size_t>(length));
  }
  // null is read as empty.
  template <class T>
  void get(std::vector<T>* values) {
    values->clear();
    const auto count = fixed<int32_t>();
    if (!ok_ || count == -1) return;
    if (count < 0 || static_cast<uint32_t>(count) > in_.size() / wire_size_min<T>()) return fault();
    values->reserve(static_cast<size_t>(count));
    for (int32_t i = 0; i < count && ok_; ++i) {
      T value{};
      get(&value);
      if (ok_) values->push_back(std::move(value));
    }
  }
  template <Record R>
  void get(R* record) {
    std::apply([&](auto... field) { (get(&(record->*field)), ...); }, R::kFields);
  }
  template <class T>
  T get() {
    T value{};
    get(&value);
    return value;
  }

  bool ok() const { return ok_; }
  // All input consumed and no fault.
  bool done() const { return ok_ && in_.empty(); }
  BytesView rest() const { return in_; }
  // Marks the input as malformed, for checks of meaning that the caller makes.
  void fault() {
    ok_ = false;
    in_ = {};
  }

 private:
  template <std::integral T>
  T fixed() {
    T raw{};
    if (in_.size() < sizeof(T)) return fault(), T{};
    std::memcpy(&raw, in_.data(), sizeof(T));
    in_.remove_prefix(sizeof(T));
    return big_endian(raw);
  }

  BytesView in_;
  bool ok_ = true;
};

template <class T>
constexpr size_t wire_size_min() {
  if constexpr (Record<T>) {
    return std::apply(
        [](auto... field) {
          return (size_t{0} + ... + wire_size_min<std::remove_cvref_t<decltype(std::declval<T>().*field)>>());
        },
        T::kFields);
  } else if constexpr (std::is_same_v<T, bool>) {
    return 1;
  } else if constexpr (std::is_same_v<T, int64_t> || std::is_same_v<T, Zxid> || std::is_same_v<T, SessionId>) {
    return 8;
  } else {
    return 4;  // int32_t, enums, and the length of strings, buffers and vectors
  }
}

}  // namespace conclave::wire::zookeeper
