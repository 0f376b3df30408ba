#include "base/codec.h"

#include <gtest/gtest.h>
#include <limits>

#include "base/random.h"

namespace conclave {
namespace {

TEST(Codec, EveryKindSurvives) {
  Bytes bytes;
  Encoder out(&bytes);
  out.fixed<uint32_t>(0xDEADBEEF);
  out.fixed<int64_t>(-2);
  out.u8(255);
  out.boolean(true);
  out.varint(std::numeric_limits<uint64_t>::max());
  out.zigzag(std::numeric_limits<int64_t>::min());
  out.zigzag(-1);
  out.bytes("hello");
  Decoder in(bytes);
  EXPECT_EQ(in.fixed<uint32_t>(), 0xDEADBEEF);
  EXPECT_EQ(in.fixed<int64_t>(), -2);
  EXPECT_EQ(in.u8(), 255);
  EXPECT_TRUE(in.boolean());
  EXPECT_EQ(in.varint(), std::numeric_limits<uint64_t>::max());
  EXPECT_EQ(in.zigzag(), std::numeric_limits<int64_t>::min());
  EXPECT_EQ(in.zigzag(), -1);
  EXPECT_EQ(in.bytes(), "hello");
  EXPECT_TRUE(in.done());
}

TEST(Codec, FixedIntegersAreLittleEndian) {
  Bytes bytes;
  Encoder(&bytes).fixed<uint32_t>(1);
  EXPECT_EQ(bytes, Bytes("\1\0\0\0", 4));
}

TEST(Codec, AFaultSticksAndYieldsNothing) {
  Decoder in(
      BytesView("\x05"
                "ab",
                3));
  EXPECT_EQ(in.bytes(), "");
  EXPECT_FALSE(in.ok());
  EXPECT_EQ(in.u8(), 0);
  EXPECT_FALSE(in.done());
}

TEST(Codec, AVarintThatNeverEndsIsAFault) {
  const Bytes bytes(11, '\xFF');
  Decoder in(bytes);
  in.varint();
  EXPECT_FALSE(in.ok());
}

TEST(Codec, ACountThatCannotFitAllocatesNothing) {
  Bytes bytes;
  Encoder(&bytes).varint(1'000'000'000);
  Decoder in(bytes);
  EXPECT_EQ(in.count(8), 0u);
  EXPECT_FALSE(in.ok());
}

TEST(Codec, RandomVarintsSurvive) {
  Random random(3);
  for (int i = 0; i < 10000; ++i) {
    const uint64_t value = random.u64() >> random.below(64);
    Bytes bytes;
    Encoder(&bytes).varint(value);
    Decoder in(bytes);
    EXPECT_EQ(in.varint(), value);
    EXPECT_TRUE(in.done());
  }
}

}  // namespace
}  // namespace conclave
