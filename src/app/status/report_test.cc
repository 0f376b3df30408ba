#include "app/status/report.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app {
namespace {

using testing::HasSubstr;

const env::Address kA{"a", 1};
const env::Address kB{"b", 2};
const env::Address kC{"c", 3};

std::string mntr(std::string_view state, int64_t applied, std::string_view more = "") {
  return "zk_version\t3.8.0-conclave\nzk_server_state\t" + std::string(state) +
         "\nzk_znode_count\t5\nzk_global_sessions\t2\nconclave_engine\traft\nconclave_ballot\t7.1\nconclave_applied\t" +
         std::to_string(applied) + "\n" + std::string(more);
}

CellReport three(Result<std::string> a, Result<std::string> b, Result<std::string> c) {
  return {{read_report(kA, a), read_report(kB, b), read_report(kC, c)}};
}

const Result<std::string> kDown = fail(ErrorKind::io, "connection refused");

TEST(Status, ReadsMntr) {
  const ReplicaReport report = read_report(kA, mntr("leader", 12, "zk_synced_followers\t2\nno tab\n"));
  EXPECT_TRUE(report.leads());
  EXPECT_EQ(report.text("ballot"), "7.1");
  EXPECT_EQ(report.number("applied"), 12);
  EXPECT_EQ(report.number("ballot"), std::nullopt);
  EXPECT_EQ(report.text("none"), "");
}

TEST(Status, EveryReasonNotToServe) {
  EXPECT_EQ(read_report(kA, kDown).problem, "not reachable: connection refused");
  EXPECT_EQ(read_report(kA, "This ZooKeeper instance is not currently serving requests\n").problem,
            "reachable, knows no master");
  EXPECT_THAT(read_report(kA, "mntr is not executed because it is not in the whitelist.\n").problem,
              HasSubstr("does not answer mntr"));
  EXPECT_THAT(read_report(kA, "HTTP/1.1 400 Bad Request\r\n").problem, HasSubstr("not one to mntr"));
  EXPECT_THAT(read_report(kA, "").problem, HasSubstr("not one to mntr"));
}

struct HealthCase {
  CellReport cell;
  bool healthy;
  const char* verdict;
};

TEST(Status, HealthyWithOneMasterAndAQuorumOnly) {
  const std::string sees_two = "zk_quorum_size\t3\nzk_synced_followers\t2\n";
  const std::string sees_none = "zk_quorum_size\t3\nzk_synced_followers\t0\n";
  const HealthCase cases[] = {
      {three(mntr("leader", 1, sees_two), mntr("follower", 1), mntr("follower", 1)), true, "a:1 is master"},
      {three(mntr("leader", 1, sees_none), mntr("follower", 1), kDown), true, "a:1 is master"},
      {three(kDown, mntr("follower", 1), mntr("follower", 1)), false, "no master"},
      {three(kDown, kDown, kDown), false, "no master"},
      {three(mntr("leader", 1), mntr("leader", 1), mntr("follower", 1)), false, "a:1 and b:2 say that they are master"},
      {three(mntr("leader", 1, sees_none), kDown, kDown), false, "a:1 is master, without a quorum"},
      {three(mntr("leader", 1, sees_none), mntr("observer", 1), kDown), false, "a:1 is master, without a quorum"},
      {{{read_report(kA, mntr("leader", 1, sees_two))}}, true, "a:1 is master"},
      {{{read_report(kA, mntr("leader", 1, sees_none))}}, false, "a:1 is master, without a quorum"},
      {{{read_report(kA, mntr("standalone", 1))}}, true, "a:1 is master"},
      {{{read_report(kA, mntr("read-only", 1))}}, false, "no master"},
  };
  for (const HealthCase& c : cases) {
    EXPECT_EQ(c.cell.healthy(), c.healthy) << c.cell.verdict();
    EXPECT_EQ(c.cell.verdict(), c.verdict);
  }
}

TEST(Status, Table) {
  EXPECT_EQ(
      table_text(three(mntr("leader", 120, "zk_quorum_size\t3\n"), mntr("follower", 100), kDown)),
      "REPLICA  ROLE      ENGINE  BALLOT  COMMITTED  APPLIED  LAG  SNAPSHOT  ZXID  NODES  SESSIONS  CLIENTS  NOTE\n"
      "a:1      master    raft    7.1     -          120      0    -         -     5      2         -\n"
      "b:2      follower  raft    7.1     -          100      20   -         -     5      2         -\n"
      "c:3      -         -       -       -          -        -    -         -     -      -         -        not "
      "reachable: connection refused\n"
      "a:1 is master\n");
}

// Apache ZooKeeper tells no log positions; the zxid of srvr stands in.
TEST(Status, LagByZxidWithinOneEpoch) {
  const auto report = [](const env::Address& address, const char* state, const char* zxid) {
    ReplicaReport out = read_report(address, "zk_server_state\t" + std::string(state) + "\n");
    add_srvr("Zookeeper version: 3.8.0\nZxid: " + std::string(zxid) + "\nMode: x\n", &out);
    return out;
  };
  const CellReport cell{{report(kA, "leader", "0x200000009"), report(kB, "follower", "0x200000004"),
                         report(kC, "follower", "0x100000009")}};
  EXPECT_EQ(cell.replicas[0].text("zxid"), "0x200000009");
  const std::string table = table_text(cell);
  EXPECT_THAT(table, HasSubstr("b:2      follower  -       -       -          -        5    -         0x200000004"));
  EXPECT_THAT(table, HasSubstr("c:3      follower  -       -       -          -        -    -         0x100000009"));
  ReplicaReport down = read_report(kA, kDown);
  add_srvr(kDown, &down);
  EXPECT_EQ(down.text("zxid"), "");
}

TEST(Status, Json) {
  EXPECT_EQ(
      json_text({{read_report(kA, "zk_server_state\tstandalone\nzk_x\t-5\nzk_y\ta\"\\\x01\nzk_z\t0x10\n")}}),
      "{\"healthy\": true, \"verdict\": \"a:1 is master\", \"replicas\": [{\"address\": \"a:1\", \"serves\": true, "
      "\"master\": true, \"mode\": \"standalone\", \"problem\": \"\", \"figures\": {\"server_state\": "
      "\"standalone\", \"x\": -5, \"y\": \"a\\\"\\\\\\u0001\", \"z\": \"0x10\"}}]}\n");
}

}  // namespace
}  // namespace conclave::app
