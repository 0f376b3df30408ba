#include "app/bench/connection.h"

#include <array>
#include <gtest/gtest.h>
#include <optional>
#include <utility>

namespace conclave::app::bench {
namespace {

constexpr size_t kPayloadSize = 16;

// A reply frame, built the way a server builds it.
class Reply {
 public:
  Reply(int32_t xid, int64_t zxid, int32_t error = kNoError) : writer_(&bytes_) {
    writer_.i32(xid);
    writer_.i64(zxid);
    writer_.i32(error);
  }
  Reply& buffer(BytesView bytes) { return writer_.buffer(bytes), *this; }
  Reply& stat(int64_t mzxid, int32_t version) {
    writer_.i64(1);
    writer_.i64(mzxid);
    writer_.i64(0);
    writer_.i64(0);
    writer_.i32(version);
    bytes_.append(kStatSize - 36, '\0');
    return *this;
  }
  BytesView frame() const { return bytes_; }

 private:
  Bytes bytes_;
  FrameWriter writer_;
};

class ConnectionTest : public testing::Test {
 protected:
  ConnectionTest() : connection_(3, kPayloadSize) {
    connection_.keys().paths = {"/b/n0", "/b/n1"};
    connection_.keys().versions = {{}, {.known = 7}};
    connection_.keys().stamps = {0, 1};
    open_session();
  }
  // Without a socket: nothing here is sent.
  void open_session() {
    connection_.start(0, -1, "server:1", 30'000);
    ASSERT_TRUE(connection_.on_frame(session_reply(30'000)).has_value());
    ASSERT_TRUE(connection_.has_session());
  }
  static Bytes session_reply(int32_t timeout_ms) {
    Bytes bytes;
    FrameWriter writer(&bytes);
    writer.i32(0);
    writer.i32(timeout_ms);
    writer.i64(77);
    writer.buffer(Bytes(16, 'p'));
    return bytes;
  }
  Bytes data_of(uint64_t stamp) const {
    Bytes data(kPayloadSize, 'x');
    std::memcpy(data.data(), &stamp, sizeof(stamp));
    return data;
  }
  // The text of the error, or nothing when the reply is accepted.
  std::optional<std::string> breach(const Reply& reply) {
    const auto answer = connection_.on_frame(reply.frame());
    return answer ? std::nullopt : std::optional(answer.error().message);
  }
  void expect_breach(const Reply& reply, std::string_view words) {
    const auto text = breach(reply);
    ASSERT_TRUE(text.has_value()) << "accepted, expected: " << words;
    EXPECT_NE(text->find(words), std::string::npos) << *text;
    EXPECT_NE(text->find("server:1"), std::string::npos) << "names the server: " << *text;
  }

  Connection connection_;
};

TEST_F(ConnectionTest, AcceptsARightHistory) {
  connection_.set_data(100, 0, data_of(0));
  connection_.set_data(101, 1, data_of(1));
  connection_.get_data(102, 1);
  connection_.create(103, "/b/new", data_of(9));
  EXPECT_EQ(connection_.in_flight(), 4u);
  EXPECT_EQ(breach(Reply(1, 50).stat(50, 12)), std::nullopt);  // any version is right for the first write seen
  const auto answer = connection_.on_frame(Reply(2, 51).stat(51, 8).frame());
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->request.sent_ns, 101u);
  EXPECT_EQ(answer->zxid, 51);
  EXPECT_EQ(breach(Reply(3, 51).buffer(data_of(1)).stat(51, 8)), std::nullopt);
  EXPECT_EQ(breach(Reply(4, 52).buffer("/b/new")), std::nullopt);
  EXPECT_EQ(connection_.in_flight(), 0u);
}

TEST_F(ConnectionTest, RejectsALostReply) {
  connection_.get_data(0, 1);
  connection_.get_data(0, 1);
  expect_breach(Reply(2, 5).buffer(data_of(1)).stat(5, 7), "lost, doubled or reordered");
}

TEST_F(ConnectionTest, RejectsADoubledReply) {
  connection_.get_data(0, 1);
  const Reply reply = Reply(1, 5).buffer(data_of(1)).stat(5, 7);
  EXPECT_EQ(breach(reply), std::nullopt);
  expect_breach(reply, "no request is in flight");
}

TEST_F(ConnectionTest, RejectsAnErrorCode) {
  connection_.set_data(0, 0, data_of(0));
  expect_breach(Reply(1, 5, -101), "error -101");
}

TEST_F(ConnectionTest, AcceptsNodeExistsOnlyWhereAllowed) {
  connection_.create(0, "/b", "", true);
  connection_.create(0, "/b", "", false);
  EXPECT_EQ(breach(Reply(1, 5, kNodeExists)), std::nullopt);
  expect_breach(Reply(2, 5, kNodeExists), "error -110");
}

TEST_F(ConnectionTest, RejectsAZxidThatGoesBack) {  // ZK-11
  connection_.get_data(0, 1);
  connection_.get_data(0, 1);
  EXPECT_EQ(breach(Reply(1, 5).buffer(data_of(1)).stat(5, 7)), std::nullopt);
  expect_breach(Reply(2, 4).buffer(data_of(1)).stat(5, 7), "zxid went back");
}

TEST_F(ConnectionTest, RejectsTwoWritesWithOneZxid) {
  connection_.set_data(0, 1, data_of(1));
  connection_.set_data(0, 1, data_of(1));
  EXPECT_EQ(breach(Reply(1, 5).stat(5, 8)), std::nullopt);
  expect_breach(Reply(2, 5).stat(5, 9), "two writes carry zxid");
}

TEST_F(ConnectionTest, RejectsAWriteAppliedTwice) {
  connection_.set_data(0, 1, data_of(1));
  expect_breach(Reply(1, 5).stat(5, 9), "from version 7 to 9");
}

TEST_F(ConnectionTest, RejectsTheStatOfAnotherWrite) {
  connection_.set_data(0, 1, data_of(1));
  expect_breach(Reply(1, 5).stat(4, 8), "another zxid");
}

TEST_F(ConnectionTest, RejectsAStaleRead) {
  connection_.get_data(0, 1);
  expect_breach(Reply(1, 5).buffer(data_of(1)).stat(5, 6), "read at version 6, written at 7");
}

TEST_F(ConnectionTest, RejectsTheDataOfAnotherNode) {
  connection_.get_data(0, 1);
  expect_breach(Reply(1, 5).buffer(data_of(0)).stat(5, 7), "data of another node");
}

TEST_F(ConnectionTest, RejectsAnotherPath) {
  connection_.create(0, "/b/new", "");
  expect_breach(Reply(1, 5).buffer("/b/neu"), "another path");
}

TEST_F(ConnectionTest, RejectsTruncatedReplies) {
  connection_.set_data(0, 1, data_of(1));
  expect_breach(Reply(1, 5), "a stat of 0 bytes");
  connection_.get_data(0, 1);
  expect_breach(Reply(2, 6).buffer(data_of(1)), "an answer of 20 bytes");
  const auto answer = connection_.on_frame("short");
  ASSERT_FALSE(answer.has_value());
  EXPECT_NE(answer.error().message.find("shorter than its header"), std::string::npos);
}

TEST_F(ConnectionTest, ARefusedSessionIsABrokenConnection) {
  connection_.abandon();
  connection_.start(0, -1, "server:1", 30'000);
  const auto answer = connection_.on_frame(session_reply(0));
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::closed);
  EXPECT_FALSE(connection_.has_session());
}

TEST_F(ConnectionTest, AnExpiredSessionIsABrokenConnection) {
  connection_.set_data(0, 1, data_of(1));
  const auto answer = connection_.on_frame(Reply(1, 5, kSessionExpired).frame());
  ASSERT_FALSE(answer.has_value());
  EXPECT_EQ(answer.error().kind, ErrorKind::closed);
  EXPECT_EQ(connection_.abandon(), 1u) << "whether the write was done is not known";
}

TEST_F(ConnectionTest, WritesInFlightWhenItBreaksAreInDoubt) {
  connection_.set_data(0, 1, data_of(1));
  connection_.set_data(0, 1, data_of(1));
  connection_.get_data(0, 1);
  EXPECT_EQ(breach(Reply(1, 50).stat(50, 8)), std::nullopt);
  EXPECT_EQ(connection_.abandon(), 1u);
  EXPECT_FALSE(connection_.has_session());
  EXPECT_EQ(connection_.in_flight(), 0u);

  open_session();
  connection_.get_data(0, 1);
  connection_.set_data(0, 1, data_of(1));
  EXPECT_EQ(breach(Reply(1, 51).buffer(data_of(1)).stat(51, 9)), std::nullopt) << "xids begin again; it was applied";
  EXPECT_EQ(breach(Reply(2, 52).stat(52, 10)), std::nullopt);
}

TEST_F(ConnectionTest, RejectsAnAcknowledgedWriteLostInABreak) {
  connection_.set_data(0, 1, data_of(1));
  connection_.set_data(0, 1, data_of(1));
  EXPECT_EQ(breach(Reply(1, 50).stat(50, 8)), std::nullopt);
  connection_.abandon();
  open_session();
  connection_.get_data(0, 1);
  expect_breach(Reply(1, 51).buffer(data_of(1)).stat(51, 7), "read at version 7, written at 8, 1 writes in doubt");
}

TEST_F(ConnectionTest, RejectsAZxidThatGoesBackInTheNextSession) {  // ZK-11
  connection_.set_data(0, 1, data_of(1));
  EXPECT_EQ(breach(Reply(1, 50).stat(50, 8)), std::nullopt);
  connection_.abandon();
  open_session();
  connection_.get_data(0, 1);
  expect_breach(Reply(1, 49).buffer(data_of(1)).stat(50, 8), "zxid went back");
}

TEST_F(ConnectionTest, APingIsAnsweredOnce) {
  connection_.ping(0);
  const auto answer = connection_.on_frame(Reply(kXidPing, 5).frame());
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Answer::Kind::ping);
  EXPECT_EQ(connection_.pings_in_flight(), 0u);
  expect_breach(Reply(kXidPing, 5), "a ping that was not sent");
}

Bytes event_of(int32_t type, BytesView path) {
  Bytes bytes;
  FrameWriter writer(&bytes);
  writer.i32(kXidWatch);
  writer.i64(-1);
  writer.i32(0);
  writer.i32(type);
  writer.i32(3);  // connected
  writer.buffer(path);
  return bytes;
}

TEST_F(ConnectionTest, TellsWhichNodeChanged) {
  const Bytes event = event_of(kEventDataChanged, "/b/n0");
  const auto answer = connection_.on_frame(event);
  ASSERT_TRUE(answer.has_value());
  EXPECT_EQ(answer->kind, Answer::Kind::data_changed);
  EXPECT_EQ(answer->path, "/b/n0");
}

TEST_F(ConnectionTest, RejectsAnEventOfAnotherKindOrCutShort) {
  EXPECT_FALSE(connection_.on_frame(event_of(2, "/b/n0")).has_value());
  const Bytes event = event_of(kEventDataChanged, "/b/n0");
  EXPECT_FALSE(connection_.on_frame(BytesView(event).substr(0, event.size() - 1)).has_value());
}

TEST_F(ConnectionTest, WaitsSinceItsOldestRequest) {
  EXPECT_FALSE(connection_.waits()) << "it has no socket";
  connection_.get_data(30, 1);
  connection_.get_data(40, 1);
  EXPECT_EQ(connection_.waiting_since_ns(), 30u);
  EXPECT_EQ(breach(Reply(1, 5).buffer(data_of(1)).stat(5, 7)), std::nullopt);
  EXPECT_EQ(connection_.waiting_since_ns(), 40u);
}

TEST(Frames, AreBigEndianWithTheirLengthInFront) {
  Bytes out;
  append_sync(&out, 258, "/x");
  const std::array<uint8_t, 18> expected = {0, 0, 0, 14, 0, 0, 1, 2, 0, 0, 0, 9, 0, 0, 0, 2, '/', 'x'};
  EXPECT_EQ(out, Bytes(expected.begin(), expected.end()));
  EXPECT_EQ(load_big_endian<int32_t>(out.data() + 4), 258);
}

}  // namespace
}  // namespace conclave::app::bench
