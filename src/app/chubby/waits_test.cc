#include "app/chubby/waits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app {
namespace {

using chubby::LockInfo;
using chubby::LockMode;
using chubby::LockPlace;
using testing::ElementsAre;
using testing::IsEmpty;

LockPlace exclusive(int64_t session) {
  return {.session = SessionId(session)};
}
LockPlace shared(int64_t session) {
  return {.session = SessionId(session), .mode = LockMode::shared};
}
LockPlace lost(int64_t session) {
  return {.session = SessionId(session), .lost = true};
}
LockInfo lock(std::string path, std::vector<LockPlace> holders, std::vector<LockPlace> waiters) {
  return {.path = std::move(path), .generation = 1, .holders = std::move(holders), .waiters = std::move(waiters)};
}
Wait wait(int64_t waiter, std::string path, int64_t blocker) {
  return {SessionId(waiter), std::move(path), SessionId(blocker)};
}

TEST(WaitingCycles, AQueueIsNone) {
  EXPECT_THAT(waiting_cycles({}), IsEmpty());
  EXPECT_THAT(waiting_cycles({lock("/a", {exclusive(1)}, {exclusive(2), exclusive(3), shared(4)}),
                              lock("/b", {exclusive(2)}, {exclusive(3)})}),
              IsEmpty());
}

TEST(WaitingCycles, TwoThatWaitForEachOther) {
  EXPECT_THAT(waiting_cycles({lock("/a", {exclusive(1)}, {exclusive(2)}), lock("/b", {exclusive(2)}, {exclusive(1)})}),
              ElementsAre(ElementsAre(wait(1, "/b", 2), wait(2, "/a", 1))));
}

TEST(WaitingCycles, AmongManyWhoWaitForThem) {
  EXPECT_THAT(waiting_cycles({lock("/a", {exclusive(7)}, {exclusive(9), exclusive(1)}),
                              lock("/b", {exclusive(8)}, {exclusive(7), exclusive(2)}),
                              lock("/c", {exclusive(9)}, {exclusive(8)}), lock("/d", {exclusive(3)}, {exclusive(7)})}),
              ElementsAre(ElementsAre(wait(7, "/b", 8), wait(8, "/c", 9), wait(9, "/a", 7))));
}

TEST(WaitingCycles, ASessionThatWaitsForItself) {
  EXPECT_THAT(waiting_cycles({lock("/a", {exclusive(5)}, {exclusive(5)})}), ElementsAre(ElementsAre(wait(5, "/a", 5))));
  // By two handles behind each other, which both get their turn.
  EXPECT_THAT(waiting_cycles({lock("/a", {exclusive(1)}, {exclusive(5), exclusive(5)})}), IsEmpty());
}

TEST(WaitingCycles, ReadersDoNotWaitForReaders) {
  EXPECT_THAT(waiting_cycles({lock("/a", {shared(1)}, {shared(2)}), lock("/b", {shared(2)}, {shared(1)})}), IsEmpty());
  // But for a writer that came before them.
  EXPECT_THAT(
      waiting_cycles({lock("/a", {shared(3)}, {exclusive(2), shared(1)}), lock("/b", {exclusive(1)}, {exclusive(2)})}),
      ElementsAre(ElementsAre(wait(1, "/a", 2), wait(2, "/b", 1))));
}

TEST(WaitingCycles, ALostLockEndsByItself) {
  EXPECT_THAT(waiting_cycles({lock("/a", {lost(1)}, {exclusive(2)}), lock("/b", {exclusive(2)}, {exclusive(1)})}),
              IsEmpty());
}

TEST(WaitingCycles, EachIsToldOnce) {
  EXPECT_THAT(
      waiting_cycles({lock("/a", {exclusive(1)}, {exclusive(2)}), lock("/b", {exclusive(2)}, {exclusive(1)}),
                      lock("/c", {exclusive(3)}, {exclusive(4)}), lock("/d", {exclusive(4)}, {exclusive(3)})}),
      ElementsAre(ElementsAre(wait(1, "/b", 2), wait(2, "/a", 1)), ElementsAre(wait(3, "/d", 4), wait(4, "/c", 3))));
}

TEST(WaitingCycles, ACycleThatWaitsForAnotherOneIsToldToo) {
  EXPECT_THAT(
      waiting_cycles({lock("/a", {exclusive(1)}, {exclusive(2), exclusive(3)}),
                      lock("/b", {exclusive(2)}, {exclusive(1)}), lock("/c", {exclusive(3)}, {exclusive(4)}),
                      lock("/d", {exclusive(4)}, {exclusive(3)})}),
      ElementsAre(ElementsAre(wait(1, "/b", 2), wait(2, "/a", 1)), ElementsAre(wait(3, "/d", 4), wait(4, "/c", 3))));
}

// A thousand waiters on a few locks take no time worth mentioning.
TEST(WaitingCycles, ManyWaiters) {
  std::vector<LockInfo> locks = {lock("/a", {exclusive(1)}, {}), lock("/b", {exclusive(2)}, {})};
  for (int64_t session = 3; session < 3'000; ++session) {
    locks[0].waiters.push_back(session % 3 == 0 ? exclusive(session) : shared(session));
    locks[1].waiters.push_back(exclusive(session));
  }
  EXPECT_THAT(waiting_cycles(locks), IsEmpty());
  locks[0].waiters.push_back(exclusive(2));
  locks[1].waiters.push_back(exclusive(1));
  EXPECT_THAT(waiting_cycles(locks), ElementsAre(ElementsAre(wait(1, "/b", 2), wait(2, "/a", 1))));
}

}  // namespace
}  // namespace conclave::app
