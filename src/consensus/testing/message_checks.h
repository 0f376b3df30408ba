// Test only: what must hold of the messages of every engine, whatever they say.
//
//   const MessageChecks<Body> kChecks{samples(), &decode, &describe, &type_name};
//   TEST(RaftMessages, AreReadBackAsTheyWere) { kChecks.are_read_back(); }
#pragma once

#include <gtest/gtest.h>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "consensus/api/message.h"

namespace conclave::consensus::harness {

template <class Body>
struct MessageChecks {
  std::vector<Body> samples;  // of every type one, in the order of the types
  Result<Body> (*decode)(Message);
  std::string (*describe)(const Message&);
  std::string_view (*type_name)(uint8_t);

  void are_read_back() const {
    ASSERT_EQ(samples.size(), std::variant_size_v<Body>);
    uint8_t type = 0;
    for (const Body& body : samples) {
      const Message message = encode(body);
      EXPECT_EQ(message.type, ++type);
      const auto decoded = decode(message);
      ASSERT_TRUE(decoded) << decoded.error().message;
      const Message again = encode(*decoded);
      EXPECT_EQ(again.header, message.header);
      EXPECT_EQ(again.entries, message.entries);
      EXPECT_EQ(describe(again), describe(message));
      EXPECT_EQ(describe(message).find(" ="), std::string::npos) << "a field without a name: " << describe(message);
    }
  }
  void cuts_and_additions_are_refused() const {
    for (const Body& body : samples) {
      const Message message = encode(body);
      for (size_t length = 0; length < message.header.size(); ++length) {
        Message cut = message;
        cut.header.resize(length);
        const auto decoded = decode(cut);
        ASSERT_FALSE(decoded) << type_name(message.type) << " cut to " << length;
        EXPECT_EQ(decoded.error().kind, ErrorKind::invalid_argument);
        EXPECT_EQ(decoded.error().message.find(type_name(message.type)), 0u);
      }
      Message longer = message;
      longer.header += '\0';
      EXPECT_FALSE(decode(longer));
      Message newer = message;
      newer.header[0] = 2;
      EXPECT_FALSE(decode(newer));
    }
  }
  void flipped_bits_crash_nothing() const {
    for (const Body& body : samples) {
      const Message message = encode(body);
      for (size_t bit = 0; bit < message.header.size() * 8; ++bit) {
        Message flipped = message;
        flipped.header[bit / 8] = static_cast<char>(flipped.header[bit / 8] ^ (1 << (bit % 8)));
        const auto decoded = decode(flipped);
        EXPECT_TRUE(!decoded || encode(*decoded).type == message.type);
      }
    }
  }
  void unknown_types_are_refused() const {
    const auto beyond = static_cast<uint8_t>(samples.size() + 1);
    EXPECT_FALSE(decode({.type = 0, .header = "\1", .entries = {}}));
    EXPECT_FALSE(decode({.type = beyond, .header = "\1", .entries = {}}));
    EXPECT_EQ(type_name(beyond), "unknown");
  }
};

}  // namespace conclave::consensus::harness
