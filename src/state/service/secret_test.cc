// The secret of a cell: brought by the first fact that finds none, the same for ever and everywhere (CH-30).
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state {
namespace {

using namespace testing;

const Bytes kFirst = "the first secret";
const Bytes kSecond = "a second secret!";

// The fact with which a new master begins on top of what is applied.
Transaction start(Service& service, const Bytes& secret) {
  Evaluator evaluator(service, Epoch(service.last_zxid().epoch().value + 1), {});
  auto made = evaluator.evaluate({.session = SessionId(), .body = EpochStartRequest{secret}}, {});
  Transaction txn = std::get<Transaction>(made);
  EXPECT_FALSE(service.apply(txn).skipped);
  return txn;
}

TEST(Secret, CH_30_TheFirstOneStays) {
  Service service;
  EXPECT_EQ(service.cell_secret(), "");
  start(service, "");
  EXPECT_EQ(service.cell_secret(), "") << "a cell of a time before secrets";
  const Transaction first = start(service, kFirst);
  EXPECT_EQ(std::get<EpochStartTxn>(first.facts[0]).secret, kFirst);
  EXPECT_EQ(service.cell_secret(), kFirst);
  const Transaction second = start(service, kSecond);
  EXPECT_EQ(std::get<EpochStartTxn>(second.facts[0]).secret, "") << "what the state has is not told again";
  EXPECT_EQ(service.cell_secret(), kFirst);
}

TEST(Secret, IsOfOneLength) {
  Service service;
  Evaluator evaluator(service, Epoch(1), {});
  const auto made = evaluator.evaluate({.session = SessionId(), .body = EpochStartRequest{"short"}}, {});
  EXPECT_EQ(std::get<Refusal>(made).outcome.code, Code::bad_arguments);
}

TEST(Secret, ShowsInTheDigest) {
  Service a, b, c;
  start(a, kFirst);
  start(b, kSecond);
  start(c, "");
  EXPECT_NE(a.digest(), b.digest());
  EXPECT_NE(a.digest(), c.digest());
}

TEST(Membership, SurvivesASnapshotAsItWasWhenThatBegan) {
  Service service;
  start(service, kFirst);
  const uint64_t digest = service.digest();
  service.set_membership("four members");
  EXPECT_EQ(service.digest(), digest) << "it has no zxid, so replicas at one zxid may differ in it";
  const auto cursor = service.begin_snapshot();
  service.set_membership("five members");
  Service again;
  ASSERT_TRUE(load(again, snapshot_of(*cursor), 3));
  EXPECT_EQ(again.membership(), "four members");
  ASSERT_TRUE(load(again, snapshot_of(*Service().begin_snapshot())));
  EXPECT_EQ(again.membership(), "") << "nor is it left over from what was there";
}

TEST(Secret, SurvivesASnapshot) {
  Service service;
  start(service, kFirst);
  Service again;
  ASSERT_TRUE(load(again, snapshot_of(*service.begin_snapshot()), 3));
  EXPECT_EQ(again.cell_secret(), kFirst);
  EXPECT_EQ(again.digest(), service.digest());
  ASSERT_TRUE(load(again, snapshot_of(*Service().begin_snapshot())));
  EXPECT_EQ(again.cell_secret(), "") << "nor is it left over from what was there";
}

}  // namespace
}  // namespace conclave::state
