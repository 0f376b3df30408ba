// What a caller can learn of replies beyond their content.
#include <gmock/gmock.h>

#include "client/testing_client.h"

namespace conclave::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// C5: three replies in one read, and completions that run after all of them were read.
TEST_F(ClientTest, ACompletionKnowsTheZxidOfItsOwnReply) {
  connect();
  std::vector<Zxid> zxids;
  const auto note = [&](const auto&) { zxids.push_back(client->reply_zxid()); };
  client->set("/x", "v", kAnyVersion, note);
  client->get("/no", nullptr, note);
  client->children("/x", [&](const WatchEvent&) { zxids.push_back(client->reply_zxid()); }, note);
  client->sync("/", note);
  const auto header = [](int32_t xid, uint64_t number, ErrorCode error) {
    return ReplyHeader{.xid = xid, .zxid = Zxid(number), .error = error};
  };
  send(frame(header(1, 201, ErrorCode::ok), StatResponse{}) + frame(header(2, 202, ErrorCode::no_node)) +
       frame(header(3, 203, ErrorCode::ok), GetChildren2Response{}) +
       frame(
           header(kXidNotification, 0, ErrorCode::ok),
           WatcherEvent{.type = EventType::node_children_changed, .state = KeeperState::sync_connected, .path = "/x"}));
  EXPECT_THAT(zxids, ElementsAre(Zxid(201), Zxid(202), Zxid(203), Zxid(0)));
  server->close("bye");
  loop.drain();
  EXPECT_EQ(zxids.back(), Zxid(0)) << "no reply came, so there is no zxid";
  EXPECT_EQ(zxids.size(), 5u);
  EXPECT_EQ(client->last_zxid(), Zxid(203));
}

TEST_F(ClientTest, LastContactIsTheNewestFrameThatWasAnswered) {
  const Instant start = loop.now();
  const auto after = [start](int64_t ms) { return start + Duration::millis(ms); };
  const auto contact = [&](int64_t sent, int64_t answered) { return Contact{after(sent), after(answered)}; };
  EXPECT_EQ(client->last_contact(), std::nullopt);
  server = network.accept();
  loop.advance(Duration::millis(10));
  welcome();  // timeout 9 s
  EXPECT_EQ(client->last_contact(), contact(0, 10));
  loop.advance(Duration::millis(10));
  client->sync("/", record<void>("sync"));  // sent at 20
  loop.advance(Duration::millis(3'000));    // a ping at 3,020
  reply(kXidPing, ErrorCode::ok);
  EXPECT_EQ(client->last_contact(), contact(3'020, 3'020));
  loop.advance(Duration::millis(1));
  reply(1, ErrorCode::ok, PathResponse{"/"});
  EXPECT_EQ(client->last_contact(), contact(3'020, 3'020)) << "the answer to something older says nothing new";
  notify(EventType::node_created, "/x");
  EXPECT_EQ(client->last_contact(), contact(3'020, 3'020)) << "an event answers nothing";

  server->close("bye");
  client->sync("/", record<void>("waits"));  // asked at 3,021
  loop.advance(Duration::millis(1'000));
  server = network.accept();  // the handshake is sent
  raw_frames();
  loop.advance(Duration::millis(5));
  welcome();  // what waited is sent
  EXPECT_EQ(client->last_contact(), contact(4'021, 4'026));
  loop.advance(Duration::millis(5));
  reply(2, ErrorCode::ok, PathResponse{"/"});
  EXPECT_EQ(client->last_contact(), contact(4'026, 4'031))
      << "counts from when it was sent, not from when it was asked";
  reply(kXidPing, ErrorCode::ok);
  EXPECT_THAT(client->last_failure(), HasSubstr("an answer to a ping that was not sent"));
}

}  // namespace
}  // namespace conclave::client
