#include "consensus/parts/memberships.h"

#include <gtest/gtest.h>

namespace conclave::consensus::memberships_test {
namespace {

constexpr ReplicaId kA{1}, kB{2}, kC{3};
const Membership kOne{.version = 1, .members = {{kA}}};
const Membership kTwo = changed(kOne, {{kA}, {kB, false}});
const Membership kThree = changed(kTwo, {{kA}, {kB, false}, {kC, false}});

Entry at(uint64_t index, const Membership& membership) {
  return {.index = Index(index), .kind = EntryKind::membership, .payload = Blob(encode_membership(membership))};
}
Memberships founded(DiskId disk = {}) {
  return Memberships({.self = kA, .disk = disk, .members = kOne.members}, {}, Index());
}

TEST(Memberships, TheFoundersAreKnownFromTheConfiguration) {
  const Memberships known = founded();
  EXPECT_EQ(known.current(), kOne);
  EXPECT_TRUE(known.quorum().is_voter(kA));
}

TEST(Memberships, EachCountsFromItsEntryOnUntilThatIsVoid) {
  Memberships known = founded();
  known.add(at(3, kTwo));
  known.add(at(7, kThree));
  EXPECT_EQ(known.current(), kThree);
  EXPECT_EQ(known.as_of(Index(2)), kOne);
  EXPECT_EQ(known.as_of(Index(3)), kTwo);
  EXPECT_EQ(known.as_of(Index(6)), kTwo);
  EXPECT_EQ(known.as_of(Index(99)), kThree);
  known.truncate(Index(7));
  EXPECT_EQ(known.current(), kTwo);
  known.truncate(Index(1));
  EXPECT_EQ(known.current(), kOne) << "what came with the founding stays";
}

TEST(Memberships, WhatIsReleasedLeavesTheOneInForceThere) {
  Memberships known = founded();
  known.add(at(3, kTwo));
  known.add(at(7, kThree));
  known.release(Index(6));
  EXPECT_EQ(known.as_of(Index(6)), kTwo);
  known.truncate(Index(7));
  EXPECT_EQ(known.current(), kTwo);
}

TEST(Memberships, OneThatCannotFollowDoesNotCount) {
  Memberships known = founded();
  EXPECT_TRUE(known.add_if_next(at(3, kTwo)));
  EXPECT_FALSE(known.add_if_next(at(4, kTwo)));
  EXPECT_EQ(known.current_index(), Index(3));
}

TEST(Memberships, ASnapshotBringsItsOwnAndTakesNoneBack) {  // B28
  Memberships known = founded();
  known.add(at(3, kTwo));
  known.install(Index(9), kThree, false);
  EXPECT_EQ(known.current(), kThree);
  known.install(Index(12), {}, false);
  EXPECT_EQ(known.current(), kThree) << "it tells of none";
  known.install(Index(15), kTwo, false);
  EXPECT_EQ(known.current(), kThree) << "it is older";
}

TEST(Memberships, BehindASnapshotOfOurOwnLogTheLogGoesOn) {
  Memberships known = founded();
  known.add(at(3, kTwo));
  known.add(at(7, kThree));
  known.install(Index(5), kTwo, true);
  EXPECT_EQ(known.current(), kThree);
  known.truncate(Index(7));
  EXPECT_EQ(known.current(), kTwo);
}

TEST(Memberships, WhoKnowsNoneAbstainsAndSoDoesWhoseDiskIsNotTheListedOne) {  // B38
  EXPECT_TRUE(Memberships({.self = kA, .members = {}}, {}, Index()).abstains());
  EXPECT_FALSE(founded(DiskId(8)).abstains()) << "any disk is meant";
  const Membership listed{.version = 2, .members = {{kA, true, DiskId(7)}, {kB}}};
  EXPECT_FALSE(Memberships({.self = kA, .disk = DiskId(7)}, listed, Index()).abstains());
  EXPECT_TRUE(Memberships({.self = kA, .disk = DiskId(8)}, listed, Index()).abstains());
  EXPECT_TRUE(Memberships({.self = kC, .disk = DiskId(8)}, listed, Index()).abstains()) << "this may be a second disk";
  EXPECT_FALSE(Memberships({.self = kC, .disk = DiskId(8), .disk_was_listed = true}, listed, Index()).abstains())
      << "others may count on it";
}

// A replica that lost its disk learns the log from its beginning: what it knows of the members is out of date, and the
// others count on its number under a later membership, which named the lost disk.
TEST(Memberships, B38_WhoseDiskNoMembershipHasNamedAbstains) {
  const Membership founding{.version = 1, .members = {{kA}, {kB}, {kC, false}}};  // of observers no disk is known
  Memberships observer({.self = kC, .disk = DiskId(8), .members = founding.members}, {}, Index());
  EXPECT_TRUE(observer.abstains());
  observer.add(at(2, {.version = 2, .members = {{kA}, {kB}, {kC, false, DiskId(7)}}}));
  EXPECT_TRUE(observer.abstains());
  observer.add(at(3, {.version = 3, .members = {{kA}, {kB}}}));
  EXPECT_TRUE(observer.abstains()) << "it was removed, under the name of its lost disk";
  observer.add(at(4, {.version = 4, .members = {{kA}, {kB}, {kC, false, DiskId(8)}}}));
  EXPECT_FALSE(observer.abstains());
  observer.add(at(5, {.version = 5, .members = {{kA}, {kB}}}));
  EXPECT_FALSE(observer.abstains()) << "it is the same disk, and others may not have heard that it is not needed";
  observer.release(Index(5));
  EXPECT_TRUE(observer.was_listed());
  EXPECT_FALSE(observer.abstains());
}

TEST(Memberships, TheFoundingMayBecomeKnownLater) {
  Memberships known({.self = kA, .members = {}}, {}, Index());
  known.found(kOne.members);
  EXPECT_EQ(known.current(), kOne);
  EXPECT_FALSE(known.abstains());
  EXPECT_TRUE(known.quorum().is_voter(kA));

  Memberships learned({.self = kA, .members = {}}, {}, Index());
  learned.add(at(3, kTwo));  // of a cell that began without us
  learned.found(kOne.members);
  EXPECT_EQ(learned.current(), kTwo);
  learned.truncate(Index(3));
  EXPECT_EQ(learned.current(), kOne);

  Memberships later({.self = kA, .members = {}}, kTwo, Index(9));
  later.found(kOne.members);
  EXPECT_EQ(later.current(), kTwo) << "no founding takes back what a snapshot told";
}

}  // namespace
}  // namespace conclave::consensus::memberships_test
