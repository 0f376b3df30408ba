// Frames cut anywhere come out whole and in order; bad lengths are named.
#include "base/frame.h"

#include <gtest/gtest.h>
#include <vector>

#include "base/random.h"

namespace conclave {
namespace {

using namespace std::string_literals;

Bytes framed(BytesView message) {
  Bytes out = "before";
  FrameWriter frame(&out);
  out.append(message);
  EXPECT_EQ(frame.message_bytes(), message.size());
  frame.finish();
  return out.substr(6);
}

struct Collected {
  std::vector<Bytes> frames;
  auto collect() {
    return [this](BytesView message) { return frames.emplace_back(message), true; };
  }
};

TEST(FrameTest, WriterFillsInTheLengthAndCanBeTakenBack) {
  EXPECT_EQ(framed("abc"),
            "\x00\x00\x00\x03"
            "abc"s);
  EXPECT_EQ(framed(""), "\x00\x00\x00\x00"s);
  Bytes out = "x";
  FrameWriter frame(&out);
  out += "lost";
  frame.cancel();
  EXPECT_EQ(out, "x");
}

TEST(FrameTest, WholeFramesAreViewsOfTheInput) {
  const Bytes input = framed("one") + framed("two");
  FrameReader reader(100);
  std::vector<const char*> at;
  ASSERT_TRUE(reader.feed(input, [&](BytesView m) { return at.push_back(m.data()), true; }));
  EXPECT_EQ(at, (std::vector<const char*>{input.data() + 4, input.data() + 11}));
  EXPECT_FALSE(reader.partial());
}

TEST(FrameTest, AnyCutGivesTheSameFrames) {
  Random random(3);
  for (int round = 0; round < 500; ++round) {
    std::vector<Bytes> sent;
    Bytes stream;
    for (uint64_t i = random.below(6); i > 0; --i) {
      sent.push_back(Bytes(random.below(40), static_cast<char>('a' + i)));
      stream += framed(sent.back());
    }
    FrameReader reader(40);
    Collected got;
    for (size_t at = 0; at < stream.size();) {
      const size_t size = 1 + random.below(random.chance(1, 2) ? 3 : 60);
      ASSERT_TRUE(reader.feed(BytesView(stream).substr(at, size), got.collect()));
      at += size;
    }
    EXPECT_EQ(got.frames, sent);
    EXPECT_FALSE(reader.partial());
  }
}

TEST(FrameTest, BadLengthsAreFaultsHoweverTheyArrive) {
  const Bytes ok = framed("fine");
  for (const Bytes& bad : {"\xff\xff\xff\xff"s, "\x80\x00\x00\x00"s, "\x00\x00\x00\x0b"s}) {
    for (size_t chunk : {size_t{1}, size_t{3}, size_t{100}}) {
      const Bytes stream = ok + bad;
      FrameReader reader(10);
      Collected got;
      std::expected<void, FrameFault> result;
      for (size_t at = 0; at < stream.size() && result; at += chunk) {
        result = reader.feed(BytesView(stream).substr(at, chunk), got.collect());
      }
      ASSERT_FALSE(result);
      EXPECT_EQ(got.frames, std::vector<Bytes>{"fine"});
      EXPECT_NE(result.error().message().find(result.error().length < 0 ? "negative" : "limit of 10"), Bytes::npos);
    }
  }
}

TEST(FrameTest, LimitCanBeRaisedBetweenFrames) {
  FrameReader reader(4);
  Collected got;
  ASSERT_TRUE(reader.feed(framed("four"), got.collect()));
  EXPECT_FALSE(FrameReader(4).feed(framed("fives"), got.collect()));
  reader.set_frame_bytes_max(5);
  ASSERT_TRUE(reader.feed(framed("fives"), got.collect()));
  EXPECT_EQ(got.frames.size(), 2u);
}

TEST(FrameTest, StoppingKeepsTheRestUntilResume) {
  for (size_t chunk : {size_t{2}, size_t{5}, size_t{100}}) {
    const Bytes stream = framed("a") + framed("b") + framed("c") + framed("d");
    FrameReader reader(10);
    std::vector<Bytes> got;
    const auto one_then_stop = [&](BytesView m) { return got.emplace_back(m), false; };
    for (size_t at = 0; at < stream.size(); at += chunk) {
      ASSERT_TRUE(reader.feed(BytesView(stream).substr(at, chunk), one_then_stop));
    }
    EXPECT_EQ(got, std::vector<Bytes>{"a"});
    EXPECT_TRUE(reader.partial());
    ASSERT_TRUE(reader.resume(one_then_stop));
    EXPECT_EQ(got, (std::vector<Bytes>{"a", "b"}));
    ASSERT_TRUE(reader.resume([&](BytesView m) { return got.emplace_back(m), true; }));
    EXPECT_EQ(got, (std::vector<Bytes>{"a", "b", "c", "d"}));
    EXPECT_FALSE(reader.partial());
  }
}

}  // namespace
}  // namespace conclave
