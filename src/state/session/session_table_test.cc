// The table of sessions: openings, closings, who owns which ephemeral, and its part of the digest.
#include "state/session/session_table.h"

#include <gtest/gtest.h>

namespace conclave::state {
namespace {

const ReplicaId kOne(1), kTwo(2);

TEST(SessionTable, OpensAndCloses) {
  SessionTable table;
  table.open(SessionId(7), 4000, "secret", kOne);
  ASSERT_NE(table.find(SessionId(7)), nullptr);
  EXPECT_EQ(table.find(SessionId(7))->timeout_ms, 4000);
  EXPECT_EQ(table.find(SessionId(7))->password, "secret");
  EXPECT_EQ(table.find(SessionId(7))->owner, kOne);
  EXPECT_EQ(table.find(SessionId(8)), nullptr);
  EXPECT_EQ(table.size(), 1u);
  table.close(SessionId(7));
  EXPECT_EQ(table.find(SessionId(7)), nullptr);
}

TEST(SessionTable, KeepsEphemeralsSorted) {  // S3
  SessionTable table;
  table.open(SessionId(-5), 1, "", kOne);
  for (const char* path : {"/b", "/a", "/c"}) table.add_ephemeral(SessionId(-5), path);
  EXPECT_EQ(table.ephemeral_count(), 3u);
  table.remove_ephemeral(SessionId(-5), "/b");
  const auto& left = table.find(SessionId(-5))->ephemerals;
  EXPECT_EQ(std::vector<std::string>(left.begin(), left.end()), (std::vector<std::string>{"/a", "/c"}));
  EXPECT_EQ(table.ephemeral_count(), 2u);
}

TEST(SessionTable, ListsById) {
  SessionTable table;
  for (const int64_t id : {3, -1, 2}) table.open(SessionId(id), 1, "", kOne);
  std::vector<int64_t> ids;
  for (const auto& [id, record] : table.all()) ids.push_back(id.value);
  EXPECT_EQ(ids, (std::vector<int64_t>{-1, 2, 3}));
}

TEST(SessionTable, DigestIsOfTheContents) {  // S1
  SessionTable a;
  SessionTable b;
  a.open(SessionId(1), 10, "x", kOne);
  a.open(SessionId(2), 20, "y", kOne);
  b.open(SessionId(2), 20, "y", kOne);
  b.open(SessionId(3), 30, "z", kOne);
  b.open(SessionId(1), 10, "x", kOne);
  EXPECT_NE(a.digest(), b.digest());
  b.close(SessionId(3));
  EXPECT_EQ(a.digest(), b.digest());
  b.close(SessionId(1));
  b.open(SessionId(1), 11, "x", kOne);
  EXPECT_NE(a.digest(), b.digest());
  b.close(SessionId(1));
  b.open(SessionId(1), 10, "x", kTwo);
  EXPECT_NE(a.digest(), b.digest());
  a.move(SessionId(1), kTwo);
  EXPECT_EQ(a.find(SessionId(1))->owner, kTwo);
  EXPECT_EQ(a.digest(), b.digest());
  a.clear();
  EXPECT_EQ(a.digest(), 0u);
  EXPECT_EQ(a.size(), 0u);
}

}  // namespace
}  // namespace conclave::state
