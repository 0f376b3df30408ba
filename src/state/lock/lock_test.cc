// The lock of one node, and the table of all: CH-24, CH-27, CH-35, CH-37, CH-39.
#include "state/lock/lock.h"

#include <gtest/gtest.h>
#include <map>

#include "base/random.h"
#include "state/lock/lock_table.h"

namespace conclave::state {
namespace {

const LockHolder kA{SessionId(1), 1}, kB{SessionId(2), 1}, kC{SessionId(3), 7};
constexpr auto kShared = LockMode::shared;
constexpr auto kExclusive = LockMode::exclusive;
using enum LockVerdict;

Zxid at(uint32_t counter) {
  return Zxid(Epoch(1), counter);
}

TEST(Lock, CH_35_OneWriterOrManyReaders) {
  Lock lock;
  EXPECT_EQ(lock.may_acquire(kA, kExclusive), granted);
  lock.acquire(kA, kShared, 0, at(1));
  EXPECT_EQ(lock.may_acquire(kB, kExclusive), conflict);
  EXPECT_EQ(lock.may_acquire(kB, kShared), granted);
  lock.acquire(kB, kShared, 0, at(2));
  lock.release(kA);
  EXPECT_EQ(lock.may_acquire(kC, kExclusive), conflict);
  lock.release(kB);
  lock.acquire(kC, kExclusive, 0, at(3));
  EXPECT_EQ(lock.may_acquire(kA, kShared), conflict);
  EXPECT_EQ(lock.may_acquire(kA, kExclusive), conflict);
}

TEST(Lock, AHolderThatAsksAgainHasItAndCannotChangeTheMode) {
  Lock lock;
  lock.acquire(kA, kShared, 0, at(1));
  EXPECT_EQ(lock.may_acquire(kA, kShared), held_already);
  EXPECT_EQ(lock.may_acquire(kA, kExclusive), other_mode);
  EXPECT_EQ(lock.may_acquire({SessionId(1), 2}, kExclusive), conflict) << "another handle is another holder";
}

TEST(Lock, CH_27_TheGenerationGrowsWithEachChangeFromFreeToHeld) {
  Lock lock;
  EXPECT_EQ(lock.generation(), Zxid());
  lock.acquire(kA, kShared, 0, at(4));
  lock.acquire(kB, kShared, 0, at(5));
  EXPECT_EQ(lock.generation(), at(4)) << "it was held already";
  lock.release(kA);
  lock.release(kB);
  EXPECT_EQ(lock.generation(), at(4));
  lock.acquire(kC, kExclusive, 0, at(9));
  EXPECT_EQ(lock.generation(), at(9));
}

TEST(Lock, CH_37_ASequencerIsGoodWhileItsGenerationIsHeldInItsMode) {
  Lock lock;
  EXPECT_FALSE(lock.confirms(kExclusive, Zxid()));
  lock.acquire(kA, kExclusive, 0, at(1));
  EXPECT_TRUE(lock.confirms(kExclusive, at(1)));
  EXPECT_FALSE(lock.confirms(kShared, at(1)));
  EXPECT_FALSE(lock.confirms(kExclusive, at(2)));
  lock.release(kA);
  EXPECT_FALSE(lock.confirms(kExclusive, at(1)));
  lock.acquire(kB, kExclusive, 0, at(2));
  EXPECT_FALSE(lock.confirms(kExclusive, at(1)));
  lock.lose(kB);
  EXPECT_FALSE(lock.confirms(kExclusive, at(2)));
}

TEST(Lock, CH_39_ALostWriterKeepsEverybodyOutUntilItsDelayIsOver) {
  Lock lock;
  lock.acquire(kA, kExclusive, 30'000, at(1));
  lock.lose(kA);
  EXPECT_FALSE(lock.is_held());
  EXPECT_EQ(lock.may_acquire(kB, kExclusive), delayed);
  EXPECT_EQ(lock.may_acquire(kB, kShared), delayed);
  EXPECT_EQ(lock.may_acquire(kA, kExclusive), delayed) << "the same name does not make it the same holder";
  lock.release(kA);  // the delay is over
  EXPECT_EQ(lock.may_acquire(kB, kShared), granted);
}

TEST(Lock, CH_39_ALostReaderKeepsWritersOut) {
  Lock lock;
  lock.acquire(kA, kShared, 30'000, at(1));
  lock.lose(kA);
  EXPECT_EQ(lock.may_acquire(kB, kExclusive), delayed);
  EXPECT_EQ(lock.may_acquire(kB, kShared), granted);
  lock.acquire(kB, kShared, 0, at(2));
  EXPECT_EQ(lock.generation(), at(2)) << "nobody held it";
  EXPECT_FALSE(lock.confirms(kShared, at(1))) << "the sequencer of the lost reader is no good";
  EXPECT_EQ(lock.may_acquire(kC, kExclusive), conflict) << "not only delayed";
}

TEST(Lock, IsTheSameAfterASnapshot) {
  Lock lock;
  lock.acquire(kB, kShared, 5, at(1));
  lock.acquire(kA, kShared, 60'000, at(2));
  lock.lose(kB);
  Bytes bytes;
  encode(lock, &bytes);
  const auto again = decode_lock(bytes);
  ASSERT_TRUE(again);
  EXPECT_EQ(*again, lock);
  for (size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_lock(BytesView(bytes).substr(0, size)));
  EXPECT_FALSE(decode_lock(bytes + "x"));
}

TEST(Lock, BytesThatBreakItsInvariantsAreRefused) {
  Lock lock;
  lock.acquire(kA, kShared, 0, at(1));
  lock.acquire(kB, kShared, 0, at(1));
  Bytes good;
  encode(lock, &good);
  constexpr size_t kHead = 8 + 1, kPlace = 8 + 1 + 1 + 1 + 1, kMode = 8 + 1;
  ASSERT_EQ(good.size(), kHead + 2 * kPlace);
  const auto refused = [&](size_t offset, char value) {
    Bytes bad = good;
    bad[offset] = value;
    const auto lock_read = decode_lock(bad);
    return !lock_read && lock_read.error().kind == ErrorKind::corrupt;
  };
  EXPECT_TRUE(refused(kHead + kMode, 1)) << "K1: a writer beside a reader";
  EXPECT_TRUE(refused(kHead + kMode, 2)) << "no mode";
  EXPECT_TRUE(refused(kHead, 2)) << "K3: twice the same holder";
  EXPECT_TRUE(refused(kHead, 3)) << "not sorted";
  EXPECT_TRUE(refused(kHead + kMode + 1, 1)) << "a negative delay";
  Bytes never_held = good;
  for (size_t i = 0; i < 8; ++i) never_held[i] = 0;
  EXPECT_FALSE(decode_lock(never_held)) << "held, but without a generation";
}

// --- the table

TEST(LockTable, FindsWhatASessionHoldsAndHasLost) {
  LockTable table;
  EXPECT_EQ(table.find("/x"), nullptr);
  table.acquire("/x", kA, kExclusive, 10, at(1));
  table.acquire("/y", kA, kShared, 10, at(2));
  table.acquire("/y", kB, kShared, 10, at(3));
  EXPECT_EQ(table.held_by(kA.session), (std::vector<LockClaim>{{"/x", kA}, {"/y", kA}}));
  table.lose("/y", kA);
  EXPECT_EQ(table.held_by(kA.session), (std::vector<LockClaim>{{"/x", kA}}));
  EXPECT_EQ(table.lost(), (std::vector<LockClaim>{{"/y", kA}}));
  table.release("/y", kA);
  table.release("/x", kA);
  EXPECT_TRUE(table.held_by(kA.session).empty());
  EXPECT_TRUE(table.lost().empty());
  EXPECT_EQ(table.find("/x")->generation(), at(1)) << "a free lock keeps its generation";
}

TEST(LockTable, AMapOfLocksThatGoesWithItsNodes) {
  LockTable table;
  table.acquire("/x", kA, kExclusive, 10, at(1));
  table.lose("/x", kA);
  table.acquire("/y", kB, kExclusive, 10, at(2));
  table.forget("/x");
  table.forget("/y");
  table.forget("/z");
  EXPECT_EQ(table.size(), 0u);
  EXPECT_TRUE(table.lost().empty());
  EXPECT_TRUE(table.held_by(kB.session).empty());
  EXPECT_EQ(table.digest(), 0u);
}

// Random facts against lists of who holds what, and every state against one restored from its encoding (S1).
TEST(LockTable, DoesAsAPlainListWould) {
  struct Plain {
    LockMode mode;
    bool lost;
  };
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    Random random(seed);
    LockTable table;
    std::map<std::pair<std::string, LockHolder>, Plain> plain;
    for (uint32_t step = 1; step <= 400; ++step) {
      const std::string path = "/" + std::to_string(random.below(3));
      const LockHolder holder{SessionId(static_cast<int64_t>(random.below(3)) + 1), random.below(2)};
      const auto mine = plain.find({path, holder});
      switch (random.below(4)) {
        case 0: {
          const LockMode mode = random.chance(1, 2) ? kShared : kExclusive;
          LockVerdict expected = granted;
          for (const auto& [key, place] : plain) {
            if (key.first != path) continue;
            const bool in_the_way = key.second == holder || mode == kExclusive || place.mode == kExclusive;
            if (in_the_way && place.lost && expected == granted) expected = delayed;
            if (in_the_way && !place.lost) expected = conflict;
          }
          if (mine != plain.end() && !mine->second.lost) {
            expected = mine->second.mode == mode ? held_already : other_mode;
          }
          const Lock* lock = table.find(path);
          ASSERT_EQ((lock != nullptr ? *lock : Lock()).may_acquire(holder, mode), expected) << seed << " " << step;
          if (expected != granted) break;
          table.acquire(path, holder, mode, 1, at(step));
          plain[{path, holder}] = {mode, false};
          break;
        }
        case 1:
          if (mine == plain.end()) break;
          table.release(path, holder);
          plain.erase(mine);
          break;
        case 2:
          if (mine == plain.end() || mine->second.lost) break;
          table.lose(path, holder);
          mine->second.lost = true;
          break;
        default:
          if (!random.chance(1, 20)) break;
          table.forget(path);
          std::erase_if(plain, [&](const auto& entry) { return entry.first.first == path; });
      }
      size_t places = 0, held = 0;
      LockTable restored;
      for (const auto& [name, lock] : table.all()) {
        places += lock.places().size();
        Bytes bytes;
        encode(lock, &bytes);
        restored.restore(name, *decode_lock(bytes));
      }
      for (int64_t session = 1; session <= 3; ++session) held += table.held_by(SessionId(session)).size();
      ASSERT_EQ(places, plain.size());
      ASSERT_EQ(held + table.lost().size(), plain.size());
      ASSERT_EQ(restored.digest(), table.digest());
      ASSERT_EQ(restored.lost(), table.lost());
    }
  }
}

TEST(LockTable, TheDigestCoversEverything) {  // S1
  const auto digest = [](std::string_view path, LockHolder holder, LockMode mode, int64_t delay, Zxid zxid, bool lost) {
    LockTable table;
    table.acquire(path, holder, mode, delay, zxid);
    if (lost) table.lose(path, holder);
    return table.digest();
  };
  const uint64_t base = digest("/x", kA, kShared, 1, at(1), false);
  EXPECT_NE(base, digest("/y", kA, kShared, 1, at(1), false));
  EXPECT_NE(base, digest("/x", kB, kShared, 1, at(1), false));
  EXPECT_NE(base, digest("/x", {kA.session, 2}, kShared, 1, at(1), false));
  EXPECT_NE(base, digest("/x", kA, kExclusive, 1, at(1), false));
  EXPECT_NE(base, digest("/x", kA, kShared, 2, at(1), false));
  EXPECT_NE(base, digest("/x", kA, kShared, 1, at(2), false));
  EXPECT_NE(base, digest("/x", kA, kShared, 1, at(1), true));
}

}  // namespace
}  // namespace conclave::state
