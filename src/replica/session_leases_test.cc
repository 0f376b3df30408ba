#include "replica/session_leases.h"

#include <gtest/gtest.h>

namespace conclave::replica {
namespace {

constexpr Duration kSlack = Duration::millis(200);
Instant at_ms(int64_t ms) {
  return Instant{ms * 1000};
}
const SessionId kA(1), kB(2);

// Asks every 100 ms, as the replica does.
std::vector<SessionId> expire_until(SessionLeases& leases, int64_t from_ms, int64_t to_ms) {
  std::vector<SessionId> all;
  for (int64_t t = from_ms; t <= to_ms; t += 100) {
    for (const SessionId session : leases.expire(at_ms(t))) all.push_back(session);
  }
  return all;
}

TEST(SessionLeases, NeverExpiresBeforeItsTimeoutAndOnceAfterIt) {
  SessionLeases leases(kSlack);
  leases.add(kA, 1000, at_ms(0));
  EXPECT_TRUE(expire_until(leases, 0, 1100).empty());
  EXPECT_EQ(expire_until(leases, 1200, 5000), std::vector{kA});
  EXPECT_EQ(leases.size(), 0u);
}

TEST(SessionLeases, AnySignOfLifeMovesTheDeadlineAndNeverBack) {
  SessionLeases leases(kSlack);
  leases.add(kA, 1000, at_ms(0));
  EXPECT_TRUE(expire_until(leases, 0, 900).empty());
  leases.touch(kA, at_ms(900));
  leases.touch(kA, at_ms(500));  // a late report does not shorten it
  EXPECT_TRUE(expire_until(leases, 1000, 2000).empty());
  EXPECT_EQ(expire_until(leases, 2100, 2200).size(), 1u);
}

TEST(SessionLeases, B48_AStandstillExpiresNobody) {
  SessionLeases leases(kSlack);
  leases.add(kA, 1000, at_ms(0));
  leases.add(kB, 3000, at_ms(0));
  EXPECT_TRUE(leases.expire(at_ms(100)).empty());
  EXPECT_TRUE(leases.expire(at_ms(60'000)).empty());  // stopped for a minute: nobody could renew
  EXPECT_TRUE(expire_until(leases, 60'100, 61'000).empty());
  EXPECT_EQ(expire_until(leases, 61'100, 64'000), (std::vector{kA, kB}));
}

TEST(SessionLeases, RemovedSessionsAreForgotten) {
  SessionLeases leases(kSlack);
  leases.add(kA, 1000, at_ms(0));
  leases.remove(kA);
  leases.touch(kA, at_ms(1));
  EXPECT_TRUE(expire_until(leases, 0, 3000).empty());
  EXPECT_EQ(leases.size(), 0u);
}

// CH-69: a client that asks, and never acknowledges, must not keep its session.
TEST(SessionLeases, RequestsKeepOnlySessionsWithoutACache) {
  SessionLeases leases(Duration{});
  leases.add(SessionId(1), 1000, Instant{0});
  leases.add(SessionId(2), 1000, Instant{0}, /*by_word_only=*/true);
  for (int64_t ms = 100; ms < 1000; ms += 100) {
    leases.note_request(SessionId(1), Instant{ms * 1000});
    leases.note_request(SessionId(2), Instant{ms * 1000});
    EXPECT_TRUE(leases.expire(Instant{ms * 1000}).empty());
  }
  EXPECT_EQ(leases.expire(Instant{1'000'000}), std::vector<SessionId>{SessionId(2)});
}

}  // namespace
}  // namespace conclave::replica
