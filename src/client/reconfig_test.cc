#include <gmock/gmock.h>

#include "client/testing_client.h"

namespace conclave::client {
namespace {

using testing::HasSubstr;

class ReconfigTest : public ClientTest {
 protected:
  // The body of the only request that was sent since the last call.
  ReconfigRequest sent() {
    frames_ = requests();
    EXPECT_EQ(frames_.size(), 1u);
    EXPECT_EQ(frames_.at(0).header.op, OpCode::reconfig);
    Reader body(frames_.at(0).body);
    const auto request = body.get<ReconfigRequest>();  // views into frames_
    EXPECT_TRUE(body.done());
    return request;
  }

 private:
  std::vector<Frame> frames_;
};

// A server tells a change of some members from a new list by what is null.
TEST_F(ReconfigTest, WhatIsNotGivenIsNull) {
  connect();
  client->reconfig({.joining = "server.4=d:1:2;3", .leaving = "1,2", .new_members = {}, .from_version = 0x100000004},
                   record<NodeData>("some"));
  EXPECT_EQ(sent(), (ReconfigRequest{.joining_servers = "server.4=d:1:2;3",
                                     .leaving_servers = "1,2",
                                     .new_members = std::nullopt,
                                     .current_config_id = 0x100000004}));
  client->reconfig({.joining = {}, .leaving = {}, .new_members = "server.1=a:1:2;3"}, record<NodeData>("all"));
  EXPECT_EQ(sent(), (ReconfigRequest{.joining_servers = std::nullopt,
                                     .leaving_servers = std::nullopt,
                                     .new_members = "server.1=a:1:2;3",
                                     .current_config_id = -1}));
}

TEST_F(ReconfigTest, AnswersWithTheNewListAndTheStatOfItsNode) {
  connect();
  Outcome<NodeData> got;
  client->reconfig({.joining = {}, .leaving = "3", .new_members = {}},
                   [&](Outcome<NodeData> outcome) { got = std::move(outcome); });
  Stat stat;
  stat.mzxid = Zxid(9);
  reply(1, ErrorCode::ok, GetDataResponse{.data = "server.1=a:1:2\nversion=9", .stat = stat});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->data, "server.1=a:1:2\nversion=9");
  EXPECT_EQ(got->stat, stat);
}

TEST_F(ReconfigTest, Refusals) {
  connect();
  const ErrorCode codes[] = {ErrorCode::reconfig_in_progress, ErrorCode::new_config_no_quorum,
                             ErrorCode::reconfig_disabled, ErrorCode::bad_version};
  int32_t xid = 0;
  for (const ErrorCode code : codes) {
    client->reconfig({.joining = {}, .leaving = "3", .new_members = {}}, record<NodeData>("refused"));
    reply(++xid, code);
    EXPECT_EQ(log.back(), "refused: " + std::string(to_string(code)));
  }
  client->reconfig({.joining = {}, .leaving = "3", .new_members = {}}, record<NodeData>("lost"));
  server->close("bye");
  loop.drain();
  EXPECT_EQ(log.back(), "lost: connection loss");
  loop.advance(Duration::seconds(1));
  connect();
  client->reconfig({.joining = {}, .leaving = "3", .new_members = {}}, record<NodeData>("short"));
  reply(6, ErrorCode::ok, int32_t{100});
  EXPECT_EQ(log.back(), "short: " + std::string(to_string(ErrorCode::marshalling_error)));
  EXPECT_THAT(client->last_failure(), HasSubstr("a malformed body of reply 6"));
}

}  // namespace
}  // namespace conclave::client
