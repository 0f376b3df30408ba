// What the master does as time passes: sessions, containers, lock-delays.
#include <gtest/gtest.h>

#include "replica/testing_proposer.h"

namespace conclave::replica {
namespace {

TEST_F(ProposerTest, OnlyItsOwnerKeepsASessionAlive) {
  begin();
  proposer.take(kPeer, from_peer(1, {open_session(SessionId(5), 1000), open_session(SessionId(6), 1000)}), now, 0);
  settle();
  proposer.take_own(ForwardKind::request, 1, resume_session(SessionId(6)), 7, now, 0);
  settle();
  for (int i = 0; i < 30; ++i) {
    now = now + Duration::millis(100);
    for (const int64_t session : {5, 6}) proposer.touch(kPeer, SessionId(session), now);
    if (i % 2)
      proposer.take(kPeer, from_peer(3 + i / 2, {set("/n", "x", -1, SessionId(6))}), now, 0);  // refused: moved
    proposer.on_tick(now, 0);
    settle();
    if (i == 8) {
      EXPECT_TRUE(service.session(SessionId(6))) << "expired early";
    }
  }
  EXPECT_TRUE(service.session(SessionId(5)));
  EXPECT_FALSE(service.session(SessionId(6)));
}

TEST_F(ProposerTest, ResumingASessionIsASignOfItsLife) {
  begin();
  proposer.take(kPeer, from_peer(1, {open_session(SessionId(5), 1000), open_session(SessionId(6), 1000)}), now, 0);
  settle();
  for (int i = 0; i < 20; ++i) {
    if (i == 9) {
      proposer.take(kPeer, from_peer(3, {resume_session(SessionId(5))}), now, 0);
      proposer.take_own(ForwardKind::request, 1, resume_session(SessionId(6)), 7, now, 0);
    }
    now = now + Duration::millis(100);
    proposer.on_tick(now, 0);
    settle();
    if (i == 17) {
      EXPECT_EQ(service.session_count(), 2u);
    }
  }
  for (int i = 0; i < 10; ++i) {
    now = now + Duration::millis(100);
    proposer.on_tick(now, 0);
  }
  settle();
  EXPECT_EQ(service.session_count(), 0u);
}

TEST_F(ProposerTest, DueContainersAndSilentSessionsGoByTheMastersOwnRequests) {
  begin();
  settle();
  proposer.take(kPeer,
                from_peer(1, {open_session(SessionId(5), 1000), create("/c", "", state::NodeKind::container),
                              create("/e", "", state::NodeKind::ephemeral, SessionId(5))}),
                now, 0);
  settle();
  proposer.take(kPeer, from_peer(4, {create("/c/child")}), now, 0);
  settle();
  proposer.take(kPeer, from_peer(5, {{.session = {}, .identities = {}, .body = state::DeleteRequest{"/c/child"}}}), now,
                0);
  settle();
  for (int i = 0; i < 700; ++i) {
    now = now + Duration::millis(100);
    proposer.on_tick(now, 100'000);
    settle();
    if (i == 8) {
      EXPECT_TRUE(service.exists("/e")) << "expired early";
    }
  }
  EXPECT_FALSE(service.exists("/c"));
  EXPECT_FALSE(service.exists("/e"));
  EXPECT_FALSE(service.session(SessionId(5)));
}

TEST_F(ProposerTest, B48_ANewMasterGivesEverySessionItsWholeTimeout) {
  begin(2);
  settle();
  proposer.take(kPeer, from_peer(1, {open_session(SessionId(5), 1000)}), now, 0);
  settle();
  const auto wait = [&](int hundred_ms) {
    for (int i = 0; i < hundred_ms; ++i) {
      now = now + Duration::millis(100);
      proposer.on_tick(now, 0);
      settle();
    }
  };
  wait(9);
  proposer.end();
  begin(3);
  settle();
  wait(9);
  EXPECT_TRUE(service.session(SessionId(5))) << "nobody had told this master that the session lives";
  wait(20);
  EXPECT_FALSE(service.session(SessionId(5)));
}

TEST_F(ProposerTest, CH_39_ALostLockIsFreeAfterItsDelayWhichANewMasterBeginsAnew) {
  begin(2);
  settle();
  proposer.take(kPeer,
                from_peer(1, {open_session(SessionId(5), 1000),
                              create("/lock"),
                              {.session = SessionId(5),
                               .identities = {},
                               .body = state::AcquireLockRequest{.path = "/lock", .delay_ms = 3000}}}),
                now, 0);
  settle();
  ASSERT_TRUE(service.lock("/lock") != nullptr && service.lock("/lock")->is_held());
  const auto wait = [&](int hundred_ms) {
    for (int i = 0; i < hundred_ms; ++i) {
      now = now + Duration::millis(100);
      proposer.on_tick(now, 0);
      settle();
    }
  };
  while (service.session(SessionId(5))) wait(1);
  EXPECT_EQ(service.locks_lost().size(), 1u);
  wait(29);
  EXPECT_EQ(service.locks_lost().size(), 1u);
  proposer.end();
  begin(3);
  settle();
  wait(29);
  EXPECT_EQ(service.locks_lost().size(), 1u) << "this master has not seen so much of it pass";
  wait(2);
  EXPECT_TRUE(service.locks_lost().empty());
  EXPECT_TRUE(service.lock("/lock")->places().empty());
}

TEST_F(ProposerTest, CH_39_TheDelayOfADeletedLockEndsQuietly) {
  begin(2);
  proposer.take(kPeer,
                from_peer(1, {open_session(SessionId(5), 1000),
                              create("/lock"),
                              {.session = SessionId(5),
                               .identities = {},
                               .body = state::AcquireLockRequest{.path = "/lock", .delay_ms = 1000}}}),
                now, 0);
  settle();
  const auto wait = [&] {
    now = now + Duration::millis(100);
    proposer.on_tick(now, 0);
    settle();
  };
  while (service.session(SessionId(5))) wait();
  proposer.take(kPeer, from_peer(4, {{.session = {}, .identities = {}, .body = state::DeleteRequest{"/lock"}}}), now,
                0);
  settle();
  const Zxid zxid = service.last_zxid();
  for (int i = 0; i < 20; ++i) wait();
  EXPECT_EQ(service.last_zxid(), zxid);
  EXPECT_TRUE(answers.empty());
}

}  // namespace
}  // namespace conclave::replica
