// Child processes: results come back, and a child that dies or stays too long is a result too.
#include "app/sim/workers.h"

#include <algorithm>
#include <cstdlib>
#include <gtest/gtest.h>
#include <map>
#include <unistd.h>

namespace conclave::app {
namespace {

Bytes work(BytesView job) {
  if (job == "die") ::abort();
  if (job == "leave") ::_exit(7);
  if (job == "stay") {
    for (;;) ::pause();
  }
  return "did " + Bytes(job);
}

// Until that many jobs are done, a few seconds at most.
std::map<uint64_t, Workers::Done> gather(Workers& workers, size_t count) {
  std::map<uint64_t, Workers::Done> all;
  for (int i = 0; i < 100 && all.size() < count; ++i) {
    for (Workers::Done& done : workers.wait(Duration::millis(100))) all[done.ticket] = std::move(done);
  }
  return all;
}

TEST(Workers, EachJobHasItsResult) {
  Workers workers(2, work, Duration::seconds(60));
  EXPECT_EQ(workers.idle(), 2u);
  workers.give(1, "a");
  workers.give(2, "b");
  EXPECT_EQ(workers.busy(), 2u);
  const auto all = gather(workers, 2);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all.at(1).result, "did a");
  EXPECT_EQ(all.at(2).result, "did b");
  EXPECT_EQ(workers.idle(), 2u);
  workers.give(3, Bytes(1 << 20, 'x'));  // more than a pipe holds
  EXPECT_EQ(gather(workers, 1).at(3).result->size(), (1u << 20) + 4);
}

TEST(Workers, AChildThatDiesIsToldAndReplaced) {
  Workers workers(1, work, Duration::seconds(60));
  workers.give(1, "die");
  const auto died = gather(workers, 1);
  ASSERT_EQ(died.size(), 1u);
  EXPECT_FALSE(died.at(1).result);
  EXPECT_FALSE(died.at(1).overstayed);
  EXPECT_NE(died.at(1).why.find("signal 6"), std::string::npos) << died.at(1).why;
  workers.give(2, "leave");
  EXPECT_NE(gather(workers, 1).at(2).why.find("exit code 7"), std::string::npos);
  workers.give(3, "c");
  EXPECT_EQ(gather(workers, 1).at(3).result, "did c");
}

TEST(Workers, AChildThatStaysTooLongIsStopped) {
  Workers workers(1, work, Duration::millis(300));
  workers.give(1, "stay");
  const auto stopped = gather(workers, 1);
  ASSERT_EQ(stopped.size(), 1u);
  EXPECT_TRUE(stopped.at(1).overstayed);
  EXPECT_FALSE(stopped.at(1).result);
  workers.give(2, "d");
  EXPECT_EQ(gather(workers, 1).at(2).result, "did d");
}

}  // namespace
}  // namespace conclave::app
