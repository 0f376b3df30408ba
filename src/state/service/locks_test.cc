// Locks through requests, facts and the life of sessions and nodes: CH-24, CH-27, CH-31, CH-35, CH-36, CH-39.
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state::locks_test {
namespace {

using namespace testing;

const SessionId kOther{0x100000000000002};

struct Locks : ::testing::Test {
  Cell cell;
  Locks() {
    cell.open();
    cell.open(kOther);
    cell.create("/x");
  }

  Code acquire(SessionId session, AcquireLockRequest request) {
    return cell.run({session, {}, std::move(request)}).code;
  }
  Code acquire(SessionId session, bool exclusive = true, int64_t delay_ms = 0) {
    return acquire(session, {.path = "/x", .handle = 1, .exclusive = exclusive, .delay_ms = delay_ms});
  }
  Code release(SessionId session) {
    return cell.run({session, {}, ReleaseLockRequest{.path = "/x", .handle = 1}}).code;
  }
  Code end_delay(SessionId of) { return cell.run({SessionId(), {}, EndLockDelayRequest{"/x", of, 1}}).code; }
  Code expire(SessionId session) { return cell.run({session, {}, CloseSessionRequest{.expired = true}}).code; }
};

TEST_F(Locks, CH_35_ExcludeEachOtherAndNothingElse) {
  EXPECT_EQ(acquire(kClient), Code::ok);
  const Zxid generation = cell.last_applied.zxid;
  EXPECT_EQ(acquire(kOther), Code::lock_held);
  EXPECT_EQ(acquire(kOther, /*exclusive=*/false), Code::lock_held);
  EXPECT_EQ(cell.run({kOther, {}, SetDataRequest{"/x", "free to write"}}).code, Code::ok) << "they are advisory";
  ASSERT_NE(cell.service.lock("/x"), nullptr);
  EXPECT_TRUE(cell.service.lock("/x")->confirms(LockMode::exclusive, generation));
  EXPECT_EQ(release(kClient), Code::ok);
  EXPECT_EQ(cell.last_applied.released_locks, (std::vector<std::string>{"/x"}));
  EXPECT_EQ(acquire(kOther), Code::ok);
  EXPECT_GT(cell.service.lock("/x")->generation(), generation) << "CH-27";
}

TEST_F(Locks, ToAskAgainChangesNothing) {
  EXPECT_EQ(acquire(kClient), Code::ok);
  const Zxid zxid = cell.service.last_zxid();
  EXPECT_EQ(acquire(kClient), Code::ok);
  EXPECT_TRUE(cell.refused) << "no log entry";
  EXPECT_EQ(cell.service.last_zxid(), zxid);
  EXPECT_EQ(acquire(kClient, /*exclusive=*/false), Code::bad_arguments) << "a lock does not change its mode";
}

TEST_F(Locks, Errors) {
  EXPECT_EQ(acquire(SessionId(99)), Code::session_expired);
  EXPECT_EQ(acquire(SessionId()), Code::bad_arguments) << "the cell itself holds no locks";
  EXPECT_EQ(acquire(kClient, {.path = "/none"}), Code::no_node);
  EXPECT_EQ(acquire(kClient, {.path = "nonsense"}), Code::bad_arguments);
  EXPECT_EQ(acquire(kClient, true, -1), Code::bad_arguments);
  EXPECT_EQ(acquire(kClient, true, 60'001), Code::bad_arguments) << "CH-39: at most a minute";
  EXPECT_EQ(release(kClient), Code::lock_not_held);
  EXPECT_EQ(release(SessionId(99)), Code::session_expired);
  EXPECT_EQ(cell.client(ReleaseLockRequest{.path = "/none"}).code, Code::no_node);
  EXPECT_EQ(end_delay(kClient), Code::lock_not_held);
  EXPECT_EQ(cell.client(EndLockDelayRequest{.path = "/x"}).code, Code::unimplemented) << "not for clients";
  EXPECT_EQ(acquire(kClient), Code::ok);
  EXPECT_EQ(release(kOther), Code::lock_not_held);
  EXPECT_EQ(end_delay(kClient), Code::lock_not_held) << "it is not lost";
}

TEST_F(Locks, CH_36_NeedPermissionToWrite) {
  cell.client(SetAclRequest{"/x", {{kRead, "world", "anyone"}}});
  EXPECT_EQ(acquire(kClient), Code::no_auth);
  EXPECT_EQ(acquire(kClient, /*exclusive=*/false), Code::no_auth);
}

TEST_F(Locks, CH_31_BelongToOneInstanceOfANode) {
  const Zxid instance = cell.stat("/x").czxid;
  EXPECT_EQ(acquire(kClient, {.path = "/x", .instance = instance, .handle = 1}), Code::ok);
  const Zxid generation = cell.service.lock("/x")->generation();
  cell.client(DeleteRequest{"/x"});
  EXPECT_EQ(cell.service.lock("/x"), nullptr);
  EXPECT_TRUE(cell.service.locks_held(kClient).empty());
  cell.create("/x");
  EXPECT_EQ(acquire(kClient, {.path = "/x", .instance = instance, .handle = 1}), Code::no_node);
  EXPECT_EQ(cell.client(ReleaseLockRequest{.path = "/x", .instance = instance, .handle = 1}).code, Code::no_node);
  EXPECT_EQ(acquire(kOther), Code::ok);
  EXPECT_GT(cell.service.lock("/x")->generation(), generation) << "newer than every one of the node before";
}

TEST_F(Locks, AreFreeAtOnceWhenTheirSessionIsClosed) {
  acquire(kClient, true, 60'000);
  cell.client(CloseSessionRequest{});
  EXPECT_EQ(cell.last_applied.released_locks, (std::vector<std::string>{"/x"}));
  EXPECT_EQ(acquire(kOther), Code::ok);
}

TEST_F(Locks, CH_39_KeepOthersOutForTheirDelayWhenTheirSessionExpires) {
  acquire(kClient, true, 60'000);
  EXPECT_EQ(expire(kClient), Code::ok);
  EXPECT_TRUE(cell.last_applied.released_locks.empty());
  EXPECT_EQ(cell.service.locks_lost(), (std::vector<LockClaim>{{"/x", {kClient, 1}}}));
  EXPECT_EQ(acquire(kOther), Code::lock_delayed);
  cell.next_epoch();  // whatever happens to masters
  EXPECT_EQ(acquire(kOther), Code::lock_delayed);
  EXPECT_EQ(end_delay(kClient), Code::ok);
  EXPECT_EQ(cell.last_applied.released_locks, (std::vector<std::string>{"/x"}));
  EXPECT_TRUE(cell.service.locks_lost().empty());
  EXPECT_EQ(acquire(kOther), Code::ok);
}

TEST_F(Locks, WithoutADelayAreFreeWhenTheirSessionExpires) {
  acquire(kClient, true, 0);
  expire(kClient);
  EXPECT_EQ(acquire(kOther), Code::ok);
}

TEST_F(Locks, OfAnEphemeralGoWithIt) {
  cell.create("/e", NodeKind::ephemeral);
  EXPECT_EQ(acquire(kClient, {.path = "/e", .delay_ms = 1000}), Code::ok);
  EXPECT_EQ(expire(kClient), Code::ok);
  EXPECT_EQ(cell.service.lock("/e"), nullptr);
  EXPECT_TRUE(cell.service.locks_lost().empty());
}

TEST_F(Locks, AreDecidedOnWhatIsUnderWay) {
  Cell lagging({}, /*lag=*/100);
  lagging.open();
  lagging.open(kOther);
  lagging.create("/x");
  const auto ask = [&](SessionId session, RequestBody body) {
    return lagging.run({session, {}, std::move(body)}).code;
  };
  const AcquireLockRequest request{.path = "/x", .handle = 1, .delay_ms = 5};
  ask(kClient, request);
  EXPECT_FALSE(lagging.refused);
  EXPECT_EQ(ask(kOther, request), Code::lock_held);
  ask(kClient, CloseSessionRequest{.expired = true});
  EXPECT_EQ(std::get<CloseSessionTxn>(lagging.last_transaction.facts[0]).locks.size(), 1u);
  EXPECT_EQ(ask(kOther, request), Code::lock_delayed);
  ask(SessionId(), EndLockDelayRequest{"/x", kClient, 1});
  ask(kOther, request);
  EXPECT_FALSE(lagging.refused);
  lagging.apply_all();
  EXPECT_EQ(lagging.service.locks_held(kOther), (std::vector<LockClaim>{{"/x", {kOther, 1}}}));
}

TEST_F(Locks, SurviveASnapshot) {
  acquire(kClient, false, 7);
  acquire(kOther, false, 8);
  expire(kOther);
  Service again;
  const Bytes bytes = snapshot_of(*cell.service.begin_snapshot());
  ASSERT_TRUE(load(again, bytes, 3));
  EXPECT_EQ(again.digest(), cell.service.digest());
  ASSERT_NE(again.lock("/x"), nullptr);
  EXPECT_EQ(*again.lock("/x"), *cell.service.lock("/x"));
  EXPECT_EQ(again.locks_lost(), cell.service.locks_lost());
  EXPECT_EQ(again.locks(), cell.service.locks());
  ASSERT_EQ(again.locks().size(), 1u);
  EXPECT_EQ(again.locks().at("/x").places().size(), 2u) << "the lost one too";
  EXPECT_EQ(again.locks_held(kClient), cell.service.locks_held(kClient));
}

TEST_F(Locks, ASnapshotIsThatOfItsBeginning) {
  acquire(kClient);
  const Lock before = *cell.service.lock("/x");
  Bytes bytes;
  {
    const auto cursor = cell.service.begin_snapshot();
    release(kClient);
    acquire(kOther, false);
    bytes = snapshot_of(*cursor);
  }
  Service again;
  ASSERT_TRUE(load(again, bytes));
  EXPECT_EQ(*again.lock("/x"), before);
}

}  // namespace
}  // namespace conclave::state::locks_test
