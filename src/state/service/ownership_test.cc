// Who may ask for a session (S4): its owner, which is the replica where it was opened or last resumed.
#include <gtest/gtest.h>

#include "state/service/test_support.h"

namespace conclave::state {
namespace {

using namespace testing;

class Ownership : public ::testing::Test {
 protected:
  Ownership() { cell.open(); }
  Cell cell;
};

TEST_F(Ownership, ResumingASessionMakesItsReplicaTheOwner) {
  EXPECT_EQ(cell.service.session(kClient)->owner, ReplicaId(1));
  const auto resume = [&](Bytes password) { return cell.client(ResumeSessionRequest{std::move(password)}).code; };
  cell.origin.replica = ReplicaId(2);
  EXPECT_EQ(resume("0123456789abcdeX"), Code::session_expired);
  EXPECT_EQ(resume("0123456789abcde"), Code::session_expired);
  EXPECT_EQ(cell.run({SessionId(77), {}, ResumeSessionRequest{kPassword}}).code, Code::session_expired);
  EXPECT_EQ(cell.run({SessionId(), {}, ResumeSessionRequest{kPassword}}).code, Code::session_expired);
  EXPECT_EQ(cell.service.session(kClient)->owner, ReplicaId(1));

  EXPECT_EQ(resume(kPassword), Code::ok);
  EXPECT_FALSE(cell.refused);
  EXPECT_EQ(cell.service.session(kClient)->owner, ReplicaId(2));
  ASSERT_EQ(cell.last_applied.moved_sessions.size(), 1u);
  EXPECT_EQ(cell.last_applied.moved_sessions[0].id, kClient);
  EXPECT_EQ(cell.last_applied.moved_sessions[0].owner, ReplicaId(2));

  EXPECT_EQ(resume(kPassword), Code::ok);
  EXPECT_TRUE(cell.refused) << "it is there already: not a fact";
}

TEST_F(Ownership, OnlyTheOwnerOfASessionIsServedForIt) {  // S4
  cell.create("/a");
  cell.origin.replica = ReplicaId(2);
  EXPECT_EQ(cell.create("/b"), Code::session_moved);
  EXPECT_EQ(cell.client(DeleteRequest{"/a"}).code, Code::session_moved);
  EXPECT_EQ(cell.client(SetDataRequest{"/a", "x"}).code, Code::session_moved);
  EXPECT_EQ(cell.client(SetAclRequest{"/a", kOpen}).code, Code::session_moved);
  EXPECT_EQ(cell.client(CheckRequest{"/a"}).code, Code::session_moved);
  EXPECT_EQ(cell.client(MultiRequest{{CheckRequest{"/a"}}}).code, Code::session_moved);
  EXPECT_EQ(cell.client(CloseSessionRequest{}).code, Code::session_moved);
  EXPECT_TRUE(cell.service.session(kClient));
  EXPECT_EQ(cell.run({SessionId(), {}, CreateRequest{.path = "/local", .acl = kOpen}}).code, Code::ok)
      << "a session that only its replica knows";

  cell.client(ResumeSessionRequest{kPassword});
  EXPECT_EQ(cell.create("/b"), Code::ok);
  cell.origin.replica = ReplicaId(1);
  EXPECT_EQ(cell.create("/c"), Code::session_moved);
  cell.next_epoch();
  EXPECT_EQ(cell.create("/c"), Code::session_moved) << "nor by a new master";
  cell.origin = {};
  EXPECT_EQ(cell.client(CloseSessionRequest{}).code, Code::ok) << "the cell's own: an expiry";
}

TEST(LaggingOwnership, ASessionThatIsBeingMovedIsNoLongerItsFormerOwners) {  // S4
  Cell cell({}, /*lag=*/100);
  cell.open();
  const RequestTag first = cell.origin;
  cell.origin.replica = ReplicaId(2);
  EXPECT_EQ(cell.create("/early"), Code::session_moved) << "the session itself is not applied yet";
  cell.client(ResumeSessionRequest{kPassword});
  EXPECT_FALSE(cell.refused);
  cell.create("/second");
  EXPECT_FALSE(cell.refused);
  cell.origin = first;
  EXPECT_EQ(cell.create("/late"), Code::session_moved);
  cell.apply_one();  // the opening: the move stays under way
  cell.apply_one();
  EXPECT_EQ(cell.service.session(kClient)->owner, ReplicaId(1));
  EXPECT_EQ(cell.create("/late"), Code::session_moved);
  cell.apply_all();
  EXPECT_EQ(cell.create("/late"), Code::session_moved);
  EXPECT_FALSE(cell.service.exists("/late"));
  EXPECT_TRUE(cell.service.exists("/second"));
}

}  // namespace
}  // namespace conclave::state
