// Messages survive frames; bytes that are none are named.
#include "wire/chubby/message.h"

#include <gtest/gtest.h>
#include <vector>

namespace conclave::wire::chubby {
namespace {

template <class Message, class Decode>
Result<Message> through_a_frame(const Message& message, Decode decode) {
  Bytes bytes;
  put_frame(message, &bytes);
  Result<Message> out = fail(ErrorKind::invalid_argument, "no frame");
  EXPECT_TRUE(FrameReader(kServerFrameBytesMax).feed(bytes, [&](BytesView frame) {
    out = decode(frame);
    return true;
  }));
  return out;
}

TEST(ChubbyMessage, ACallSurvivesItsFrame) {
  ClientMessage message;
  Call& call = *message.mutable_call();
  call.set_number(7);
  call.set_epoch(uint64_t{1} << 40);
  call.mutable_set_contents()->set_contents(Bytes("a\0b", 3));
  const auto read = through_a_frame(message, decode_client_message);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->call().number(), 7u);
  EXPECT_EQ(read->call().epoch(), uint64_t{1} << 40);
  EXPECT_EQ(read->call().set_contents().contents(), Bytes("a\0b", 3));
}

TEST(ChubbyMessage, ANoticeSurvivesItsFrame) {
  ServerMessage message;
  Notice& notice = *message.mutable_keep_alive()->add_notices();
  notice.set_sequence(3);
  notice.mutable_invalidation()->set_path("/a");
  const auto read = through_a_frame(message, decode_server_message);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->keep_alive().notices(0).invalidation().path(), "/a");
}

TEST(ChubbyMessage, BytesThatAreNoneAreRefused) {
  EXPECT_EQ(decode_client_message("\xff\xff\xff").error().message, "client: malformed message");
  EXPECT_EQ(decode_client_message("").error().message, "client: a message of an unknown kind");
  EXPECT_EQ(decode_server_message("\x0a\x05"
                                  "a")
                .error()
                .message,
            "server: malformed message");
}

}  // namespace
}  // namespace conclave::wire::chubby
