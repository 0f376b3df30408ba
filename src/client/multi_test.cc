#include "wire/zookeeper/multi.h"

#include <gmock/gmock.h>

#include "client/testing_client.h"

namespace conclave::client {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class MultiTest : public ClientTest {
 protected:
  void reply_multi(int32_t xid, std::vector<MultiResult> results) {
    Bytes out;
    FrameWriter writer(&out);
    Writer fields(&out);
    fields.put(ReplyHeader{.xid = xid, .zxid = Zxid(++zxid)});
    wire::zookeeper::encode(MultiResponse{std::move(results)}, &fields);
    writer.finish();
    send(out);
  }
};

TEST_F(MultiTest, TakesEffect) {
  connect();
  Stat stat;
  stat.version = 7;
  Outcome<MultiOutcome> got;
  client->multi({CreateOperation{.path = "/s-", .data = "d", .options = {.mode = CreateMode::ephemeral_sequential}},
                 CreateOperation{.path = "/t", .options = {.mode = CreateMode::persistent_with_ttl, .ttl_ms = 9}},
                 SetOperation{.path = "/x", .data = "v", .version = 6}, RemoveOperation{.path = "/r", .version = 2},
                 CheckOperation{.path = "/c", .version = 3}},
                [&](Outcome<MultiOutcome> outcome) { got = std::move(outcome); });
  const auto sent = requests();
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header, (RequestHeader{.xid = 1, .op = OpCode::multi}));
  Reader body(sent[0].body);
  const std::vector acl = {wire::zookeeper::Acl{.permissions = 31, .id = {.scheme = "world", .id = "anyone"}}};
  EXPECT_THAT(
      decode_multi_request(&body, 10).ops,
      ElementsAre(MultiOp{.op = OpCode::create2,
                          .body = wire::zookeeper::CreateRequest{"/s-", "d", acl, CreateMode::ephemeral_sequential}},
                  MultiOp{.op = OpCode::create_ttl,
                          .body = CreateTtlRequest{"/t", "", acl, CreateMode::persistent_with_ttl, 9}},
                  MultiOp{.op = OpCode::set_data, .body = SetDataRequest{"/x", "v", 6}},
                  MultiOp{.op = OpCode::delete_node, .body = DeleteRequest{"/r", 2}},
                  MultiOp{.op = OpCode::check, .body = CheckVersionRequest{"/c", 3}}));
  EXPECT_TRUE(body.done());

  reply_multi(1, {{.op = OpCode::create2, .body = Create2Response{"/s-0000000004", stat}},
                  {.op = OpCode::create2, .body = Create2Response{"/t", {}}},
                  {.op = OpCode::set_data, .body = StatResponse{stat}},
                  {.op = OpCode::delete_node, .body = {}},
                  {.op = OpCode::check, .body = {}}});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->error, ErrorCode::ok);
  ASSERT_EQ(got->parts.size(), 5u);
  EXPECT_EQ(got->parts[0].path, "/s-0000000004");
  EXPECT_EQ(got->parts[0].stat, stat);
  EXPECT_EQ(got->parts[1].path, "/t");
  EXPECT_EQ(got->parts[2].stat, stat);
  EXPECT_EQ(got->parts[3].stat, std::nullopt);
  for (const OperationResult& part : got->parts) EXPECT_EQ(part.error, ErrorCode::ok);
}

// In a multi servers answer a create of a plain node without its stat, whatever the opcode was.
TEST_F(MultiTest, TellsThePathOfAPlainNode) {
  connect();
  Outcome<MultiOutcome> got;
  client->multi({CreateOperation{.path = "/a"}}, [&](Outcome<MultiOutcome> outcome) { got = std::move(outcome); });
  reply_multi(1, {{.op = OpCode::create, .body = PathResponse{"/a"}}});
  ASSERT_TRUE(got);
  ASSERT_EQ(got->parts.size(), 1u);
  EXPECT_EQ(got->parts[0].path, "/a");
  EXPECT_EQ(got->parts[0].stat, std::nullopt);
}

TEST_F(MultiTest, SaysAtFailureWhichPartAndWhy) {
  connect();
  Outcome<MultiOutcome> got;
  client->multi({CheckOperation{.path = "/a"}, RemoveOperation{.path = "/b"}, SetOperation{.path = "/c"}},
                [&](Outcome<MultiOutcome> outcome) { got = std::move(outcome); });
  const auto failed = [](ErrorCode error) { return MultiResult{.op = OpCode::error, .body = ErrorResponse{error}}; };
  reply_multi(1, {failed(ErrorCode::ok), failed(ErrorCode::not_empty), failed(ErrorCode::runtime_inconsistency)});
  ASSERT_TRUE(got);
  EXPECT_EQ(got->error, ErrorCode::not_empty);
  std::vector<ErrorCode> errors;
  for (const OperationResult& part : got->parts) errors.push_back(part.error);
  EXPECT_THAT(errors, ElementsAre(ErrorCode::ok, ErrorCode::not_empty, ErrorCode::runtime_inconsistency));
}

TEST_F(MultiTest, NeedsAResultForEachPart) {
  connect();
  client->multi({CheckOperation{.path = "/a"}}, record<MultiOutcome>("refused"));
  reply(1, ErrorCode::session_moved);
  client->multi({CheckOperation{.path = "/a"}, CheckOperation{.path = "/b"}}, record<MultiOutcome>("short"));
  reply_multi(2, {{.op = OpCode::check, .body = {}}});
  EXPECT_THAT(log, ElementsAre("refused: " + std::string(to_string(ErrorCode::session_moved)),
                               "short: " + std::string(to_string(ErrorCode::marshalling_error))));
  EXPECT_THAT(client->last_failure(), HasSubstr("a malformed body of reply 2"));
}

}  // namespace
}  // namespace conclave::client
