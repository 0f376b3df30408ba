// For tests: queries as bytes, and answers as text.
#pragma once

#include <fmt/format.h>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "frontend/dns/message.h"

namespace conclave::frontend::dns {

struct TestQuery {
  std::string_view name;
  Type type = Type::a;
  uint16_t id = 7;
  uint16_t flags = 0x0100;  // RD
  uint16_t klass = kClassIn;
  int udp_size = -1;  // no EDNS
  uint8_t edns_version = 0;
};

inline Bytes bytes_of(const TestQuery& query) {
  Bytes out;
  for (const uint16_t field : {query.id, query.flags, uint16_t{1}, uint16_t{0}, uint16_t{0}}) append_u16(field, &out);
  append_u16(query.udp_size >= 0 ? 1 : 0, &out);
  out += Name::parse(query.name).value().wire();
  append_u16(static_cast<uint16_t>(query.type), &out);
  append_u16(query.klass, &out);
  if (query.udp_size < 0) return out;
  out += '\0';
  append_u16(41, &out);
  append_u16(static_cast<uint16_t>(query.udp_size), &out);
  out += '\0';
  out += static_cast<char>(query.edns_version);
  append_u16(0, &out);
  append_u16(0, &out);
  return out;
}

// Reads a message, byte by byte and without the code under test.
class TestAnswer {
 public:
  explicit TestAnswer(Bytes bytes) : bytes_(std::move(bytes)) {
    id = u16();
    flags = u16();
    size_t counts[4];
    for (size_t& count : counts) count = u16();
    for (size_t i = 0; i < counts[0]; ++i) {
      question = name();
      question += fmt::format(" {} {}", to_string(static_cast<Type>(u16())), u16());
    }
    for (auto [count, section] : {std::pair(counts[1], &answers), {counts[2], &authority}, {counts[3], &additional}}) {
      for (size_t i = 0; i < count; ++i) section->push_back(record());
    }
  }
  int rcode() const { return flags & 0xF; }
  bool truncated() const { return (flags & 0x0200) != 0; }
  bool authoritative() const { return (flags & 0x0400) != 0; }
  size_t size() const { return bytes_.size(); }

  uint16_t id = 0;
  uint16_t flags = 0;
  std::string question;
  std::vector<std::string> answers, authority, additional;  // "web.example. 0 A 0a000001": data in hexadecimal

 private:
  uint8_t u8() { return static_cast<uint8_t>(bytes_.at(at_++)); }
  uint16_t u16() {
    const uint16_t high = u8();
    return static_cast<uint16_t>(high << 8 | u8());
  }
  uint32_t u32() {
    const uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string name() {
    std::string out;
    while (const uint8_t size = u8()) {
      if (size >= 0xC0) {
        const size_t target = static_cast<size_t>(size & 0x3F) << 8 | u8();
        const size_t back = std::exchange(at_, target);
        out += name();
        at_ = back;
        return out;
      }
      out += bytes_.substr(at_, size) + ".";
      at_ += size;
    }
    return out;
  }
  std::string record() {
    std::string out = name();
    const auto type = static_cast<Type>(u16());
    const uint16_t klass = u16();
    const uint32_t ttl = u32();
    const size_t size = u16();
    const size_t end = at_ + size;
    out += fmt::format(" {} {}{}", ttl, to_string(type), klass == kClassIn ? "" : fmt::format(" class {}", klass));
    if (type == Type::srv) {
      for (int i = 0; i < 3; ++i) out += fmt::format(" {}", u16());
      out += " " + name();
    } else if (type == Type::ns || type == Type::soa) {
      out += " " + name();
      if (type == Type::soa) out += " " + name();
      while (at_ < end) out += fmt::format(" {}", u32());
    } else {
      out += " ";
      while (at_ < end) out += fmt::format("{:02x}", u8());
    }
    return out;
  }

  Bytes bytes_;
  size_t at_ = 0;
};

}  // namespace conclave::frontend::dns
