// The server's side of the frames, against what the load generator writes and accepts.
#include "app/roofline/frames.h"

#include <gtest/gtest.h>

#include "app/bench/frames.h"

namespace conclave::app::roofline {
namespace frames_test {
namespace {

// The only frame in `bytes`, without its length.
BytesView only_frame(const Bytes& bytes) {
  BytesView found;
  const auto rest = for_each_frame(bytes, [&](BytesView frame) {
    found = frame;
    return true;
  });
  EXPECT_TRUE(rest.has_value());
  EXPECT_EQ(rest.value_or("none"), "");
  return found;
}

TEST(RooflineFrames, RequestsOfTheLoadGeneratorAreUnderstood) {
  Bytes create, set, get;
  bench::append_create(&create, 7, "/a/b", "data");
  bench::append_set_data(&set, 8, "/a/b", "");
  bench::append_get_data(&get, 9, "/a");

  const auto created = parse_request(only_frame(create));
  ASSERT_TRUE(created.has_value());
  EXPECT_EQ(created->xid, 7);
  EXPECT_EQ(created->opcode, Opcode::create);
  EXPECT_EQ(created->path, "/a/b");
  EXPECT_EQ(created->data, "data");
  const auto written = parse_request(only_frame(set));
  ASSERT_TRUE(written.has_value());
  EXPECT_EQ(written->path, "/a/b");
  EXPECT_EQ(written->data, "");
  EXPECT_TRUE(is_write(written->opcode));
  const auto read = parse_request(only_frame(get));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->path, "/a");
  EXPECT_FALSE(is_write(read->opcode));
}

TEST(RooflineFrames, ACutOrLyingRequestIsNone) {
  Bytes bytes;
  bench::append_set_data(&bytes, 8, "/a/b", "data");
  const BytesView frame = only_frame(bytes);
  for (size_t size = 0; size < frame.size() - 4; ++size)  // what follows the data is not looked at
    EXPECT_FALSE(parse_request(frame.substr(0, size)).has_value()) << size;
  Bytes lying(frame);
  lying[8] = '\x7f';  // the length of the path
  EXPECT_FALSE(parse_request(lying).has_value());
  lying[8] = '\x80';
  EXPECT_FALSE(parse_request(lying).has_value());
}

TEST(RooflineFrames, FramesAreCutWhereTheyEnd) {
  Bytes bytes;
  bench::append_sync(&bytes, 1, "/a");
  bench::append_close_session(&bytes, 2);
  const size_t whole = bytes.size();
  bench::append_sync(&bytes, 3, "/b");
  for (size_t size = whole; size < bytes.size(); ++size) {
    int frames = 0;
    const auto rest = for_each_frame(BytesView(bytes).substr(0, size), [&](BytesView) { return ++frames > 0; });
    ASSERT_TRUE(rest.has_value());
    EXPECT_EQ(frames, 2);
    EXPECT_EQ(rest->size(), size - whole);
  }
  EXPECT_FALSE(for_each_frame(BytesView("\x7f\xff\xff\xff", 4), [](BytesView) { return true; }).has_value());
}

TEST(RooflineFrames, RepliesHaveTheirFieldsWhereTheLoadGeneratorLooks) {
  const Stat stat{.created_zxid = 1, .modified_zxid = 2, .version = 3, .data_size = 4};
  Bytes written, read;
  append_stat(&written, 7, 2, stat);
  append_data(&read, 8, 9, "data", stat);
  const BytesView written_frame = only_frame(written), read_frame = only_frame(read);

  EXPECT_EQ(load_big_endian<int32_t>(written_frame.data()), 7);
  EXPECT_EQ(load_big_endian<int64_t>(written_frame.data() + 4), 2);
  EXPECT_EQ(load_big_endian<int32_t>(written_frame.data() + 12), 0);
  EXPECT_EQ(written_frame.size(), bench::kReplyHeaderSize + bench::kStatSize);
  const char* body = written_frame.data() + bench::kReplyHeaderSize;
  EXPECT_EQ(load_big_endian<int64_t>(body + bench::kStatMzxidOffset), 2);
  EXPECT_EQ(load_big_endian<int32_t>(body + bench::kStatVersionOffset), 3);

  EXPECT_EQ(read_frame.size(), bench::kReplyHeaderSize + 4 + 4 + bench::kStatSize);
  body = read_frame.data() + bench::kReplyHeaderSize;
  EXPECT_EQ(load_big_endian<int32_t>(body), 4);
  EXPECT_EQ(BytesView(body + 4, 4), "data");
  EXPECT_EQ(load_big_endian<int32_t>(body + 8 + bench::kStatVersionOffset), 3);
}

}  // namespace
}  // namespace frames_test
}  // namespace conclave::app::roofline
