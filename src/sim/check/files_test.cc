// Histories that FileOracle must refuse, and some that it must not (CH-06, CH-56).
#include "sim/check/files.h"

#include <gtest/gtest.h>

namespace conclave::sim::check {
namespace {

class FileOracleTest : public ::testing::Test {
 protected:
  FileOracle oracle;
  FileOracle::Begun begin() { return oracle.begin("/f"); }
  void seen(uint64_t generation) { EXPECT_FALSE(oracle.ended_there(begin(), generation, 0)); }
  void deleted() { oracle.ended_deletion(oracle.begin_deletion("/f"), true); }
};

TEST_F(FileOracleTest, WhatACompletedWriteReplacedIsStale) {
  const auto before = begin();
  seen(1);
  seen(2);
  EXPECT_TRUE(oracle.ended_there(begin(), 1, 0));
  EXPECT_FALSE(oracle.ended_there(before, 1, 0)) << "it began before";
}

TEST_F(FileOracleTest, WhatWasSeenByAnybodyMayNotBeUndone) {
  const auto first = begin();
  EXPECT_FALSE(oracle.ended_there(first, 5, 0));
  EXPECT_TRUE(oracle.ended_there(begin(), 4, 0));
}

TEST_F(FileOracleTest, WhatWasDeletedIsGone) {
  seen(3);
  deleted();
  EXPECT_TRUE(oracle.ended_there(begin(), 3, 0));
  EXPECT_FALSE(oracle.ended_absent(begin()));
  EXPECT_FALSE(oracle.ended_there(begin(), 9, 0)) << "made again";
}

TEST_F(FileOracleTest, WhatIsThereIsFound) {
  EXPECT_FALSE(oracle.ended_absent(begin())) << "nobody has made it";
  seen(3);
  EXPECT_TRUE(oracle.ended_absent(begin()));
  const auto deletion = oracle.begin_deletion("/f");
  EXPECT_FALSE(oracle.ended_absent(begin())) << "somebody is deleting it";
  EXPECT_TRUE(oracle.ended_there(begin(), 3, 0)) << "and it was absent";
  seen(4);
  EXPECT_FALSE(oracle.ended_absent(begin())) << "the deletion may still come";
  oracle.ended_deletion(deletion, false);
  seen(5);
  EXPECT_TRUE(oracle.ended_absent(begin()));
}

TEST_F(FileOracleTest, AReadThatADeletionOverlapsProvesNothing) {
  seen(1);
  const auto read = begin();
  deleted();
  EXPECT_FALSE(oracle.ended_there(read, 1, 0));
  EXPECT_FALSE(oracle.ended_absent(begin()));
}

// Seed 1 of the profile `locks`: it ended behind the deletion, and had seen what was there before that.
TEST_F(FileOracleTest, AReadThatBeganDuringADeletionProvesNothing) {
  seen(1);
  const auto deletion = oracle.begin_deletion("/f");
  const auto read = begin();
  oracle.ended_deletion(deletion, true);
  EXPECT_FALSE(oracle.ended_there(read, 1, 0));
  EXPECT_FALSE(oracle.ended_absent(begin()));
}

TEST_F(FileOracleTest, AGenerationHasOneContent) {
  EXPECT_FALSE(oracle.ended_there(begin(), 1, 77));
  EXPECT_FALSE(oracle.ended_there(begin(), 1, 77));
  EXPECT_TRUE(oracle.ended_there(begin(), 1, 78));
}

}  // namespace
}  // namespace conclave::sim::check
