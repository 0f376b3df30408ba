// Jute primitives: byte-exact forms, bounds, null and hostile lengths.
#include "wire/zookeeper/jute.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "wire/zookeeper/records.h"
#include "wire/zookeeper/requests.h"

namespace conclave::wire::zookeeper {
namespace {

using namespace std::string_literals;

template <class T>
Bytes written(const T& value) {
  Bytes out;
  Writer(&out).put(value);
  return out;
}

TEST(JuteTest, PrimitivesAreBigEndian) {
  EXPECT_EQ(written(int32_t{0x01020304}), "\x01\x02\x03\x04"s);
  EXPECT_EQ(written(int32_t{-2}), "\xff\xff\xff\xfe"s);
  EXPECT_EQ(written(int64_t{0x0102030405060708}), "\x01\x02\x03\x04\x05\x06\x07\x08"s);
  EXPECT_EQ(written(true), "\x01"s);
  EXPECT_EQ(written(false), "\x00"s);
  EXPECT_EQ(written(BytesView("/a")), "\x00\x00\x00\x02/a"s);
  EXPECT_EQ(written(BytesView()), "\x00\x00\x00\x00"s);
  EXPECT_EQ(written(std::optional<BytesView>()), "\xff\xff\xff\xff"s);
  EXPECT_EQ(written(std::vector<BytesView>{"x", "yz"}), "\x00\x00\x00\x02\x00\x00\x00\x01x\x00\x00\x00\x02yz"s);
  EXPECT_EQ(written(Zxid(Epoch(1), 2)), "\x00\x00\x00\x01\x00\x00\x00\x02"s);
  EXPECT_EQ(written(OpCode::close_session), "\xff\xff\xff\xf5"s);
}

TEST(JuteTest, NullStringAndVectorReadAsEmpty) {
  const Bytes null = "\xff\xff\xff\xff"s;
  Reader text(null);
  EXPECT_EQ(text.get<BytesView>(), "");
  EXPECT_TRUE(text.done());
  Reader optional(null);
  EXPECT_EQ(optional.get<std::optional<BytesView>>(), std::nullopt);
  EXPECT_TRUE(optional.done());
  Reader list(null);
  EXPECT_TRUE(list.get<std::vector<BytesView>>().empty());
  EXPECT_TRUE(list.done());
}

TEST(JuteTest, HostileLengthsFaultWithoutAllocation) {
  for (const Bytes& bad :
       {"\x7f\xff\xff\xff"s, "\xff\xff\xff\xfe"s, "\x80\x00\x00\x00"s, "\x00\x00\x00\x01"s, "\x00"s}) {
    Reader text(bad);
    EXPECT_EQ(text.get<BytesView>(), "");
    EXPECT_FALSE(text.ok());
    Reader list(bad);
    const auto values = list.get<std::vector<Acl>>();
    EXPECT_FALSE(list.ok());
    EXPECT_EQ(values.capacity(), 0u);
  }
}

TEST(JuteTest, CountIsCheckedAgainstTheSmallestElement) {
  // 12 bytes follow: one Acl at most, so a count of two is a lie.
  const Bytes bytes =
      "\x00\x00\x00\x02"s
      "\x00\x00\x00\x1f\x00\x00\x00\x00\x00\x00\x00\x00"s;
  Reader two(bytes);
  EXPECT_TRUE(two.get<std::vector<Acl>>().empty());
  EXPECT_FALSE(two.ok());
  static_assert(wire_size_min<Acl>() == 12);
  static_assert(wire_size_min<Stat>() == 68);
  static_assert(wire_size_min<RequestHeader>() == 8);
  static_assert(wire_size_min<ReplyHeader>() == 16);
  static_assert(wire_size_min<MultiHeader>() == 9);
}

TEST(JuteTest, AfterAFaultEverythingIsZero) {
  const Bytes bytes = "\x00\x01"s;
  Reader in(bytes);
  EXPECT_EQ(in.get<int32_t>(), 0);
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.get<int64_t>(), 0);
  EXPECT_FALSE(in.get<bool>());
  EXPECT_EQ(in.get<BytesView>(), "");
  EXPECT_FALSE(in.done());
}

TEST(JuteTest, BooleanIsTrueForAnyNonZeroByte) {
  const Bytes bytes = "\x02\x00"s;
  Reader in(bytes);
  EXPECT_TRUE(in.get<bool>());
  EXPECT_FALSE(in.get<bool>());
  EXPECT_TRUE(in.done());
  EXPECT_FALSE(in.get<bool>());
  EXPECT_FALSE(in.ok());
}

TEST(JuteTest, EveryTruncationOfARecordFaults) {
  CreateTtlRequest request{.path = "/path", .data = "data", .acl = {{1, {"digest", "u:x"}}}, .ttl_ms = 7};
  const Bytes whole = written(request);
  for (size_t size = 0; size < whole.size(); ++size) {
    Reader in(BytesView(whole).substr(0, size));
    in.get<CreateTtlRequest>();
    EXPECT_FALSE(in.ok()) << size;
  }
  Reader in(whole);
  EXPECT_EQ(in.get<CreateTtlRequest>(), request);
  EXPECT_TRUE(in.done());
}

TEST(JuteTest, RandomBytesNeverReadOutside) {
  Random random(7);
  for (int round = 0; round < 20000; ++round) {
    Bytes noise(random.below(64), '\0');
    for (char& c : noise) c = static_cast<char>(random.chance(1, 2) ? random.below(4) : random.below(256));
    Reader in(noise);
    const auto request = in.get<SetWatches2Request>();
    for (const auto& path : request.data) {
      ASSERT_GE(path.data(), noise.data());
      ASSERT_LE(path.data() + path.size(), noise.data() + noise.size());
    }
    Reader again(noise);
    again.get<CreateRequest>();
  }
}

}  // namespace
}  // namespace conclave::wire::zookeeper
