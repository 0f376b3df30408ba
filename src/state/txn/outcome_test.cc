// The bytes of outcomes: what the master answers a peer, and what is kept for who asks again.
#include "state/txn/outcome.h"

#include <gtest/gtest.h>

namespace conclave::state {
namespace {

TEST(OutcomeCodec, OutcomesSurviveAndEveryCutIsRefused) {
  Outcome outcome{.code = Code::not_empty, .ops = {}};
  outcome.ops.push_back({.kind = OpKind::create,
                         .code = Code::ok,
                         .path = "/a",
                         .stat = {.czxid = Zxid(Epoch(3), 4), .ctime_ms = -1, .version = 7, .ephemeral_owner = -9}});
  outcome.ops.push_back({.kind = OpKind::check, .code = Code::bad_version, .path = "", .stat = {}});
  Bytes bytes;
  encode(outcome, &bytes);
  const auto decoded = decode_outcome(bytes);
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->code, outcome.code);
  ASSERT_EQ(decoded->ops.size(), 2u);
  EXPECT_EQ(decoded->ops[0].path, "/a");
  EXPECT_EQ(decoded->ops[0].stat, outcome.ops[0].stat);
  EXPECT_EQ(decoded->ops[1].code, Code::bad_version);
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_outcome(BytesView(bytes).substr(0, size)));
}

}  // namespace
}  // namespace conclave::state
