// The four-letter words, in the format that kazoo, telegraf and zkCli parse.
#include <gmock/gmock.h>

#include "frontend/zookeeper/testing_world.h"

namespace conclave::frontend::zookeeper {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;
using testing::StartsWith;
using wire::OpCode;

Settings all_words() {
  return {.four_letter_words = {"*"}};
}

TEST_F(FrontEndTest, WordsThatAreNotAllowedSaySo) {
  EXPECT_EQ(word("ruok"), "ruok is not executed because it is not in the whitelist.\n");
  EXPECT_EQ(word("isro"), "isro is not executed because it is not in the whitelist.\n");
  EXPECT_THAT(word("srvr"), StartsWith("Zookeeper version: "));
  start({.four_letter_words = {"ruok", "mntr"}});
  EXPECT_EQ(word("ruok"), "imok");
  EXPECT_THAT(word("stat"), HasSubstr("whitelist"));
  EXPECT_EQ(word("abcd"), "");
}

TEST_F(FrontEndTest, WordsOnlyBeforeTheFirstFrameAndAlsoInPieces) {
  start(all_words());
  TestClient client = connected();
  client.send_raw("ruok");
  EXPECT_TRUE(client.closed());
  EXPECT_TRUE(client.quiet());
  TestClient pieces = open();
  pieces.send_raw("ru");
  EXPECT_TRUE(pieces.quiet());
  pieces.send_raw("ok");
  EXPECT_EQ(pieces.pipe().received, "imok");
}

TEST_F(FrontEndTest, SrvrAndStat) {
  start(all_words());
  TestClient client = connected();
  EXPECT_THAT(word("srvr"),
              MatchesRegex("Zookeeper version: .*\nLatency min/avg/max: 0/0.0/0\nReceived: [0-9]+\nSent: [0-9]+\n"
                           "Connections: 2\nOutstanding: 0\nZxid: 0x10000000[0-9a-f]\nMode: standalone\n"
                           "Node count: [0-9]+\n"));
  EXPECT_THAT(word("stat"), HasSubstr("Clients:\n /10.0.0.1:40001[1](queued=0,recved=1,sent=1)\n"));
  gateway.role = replica::Role::observer;
  EXPECT_THAT(word("srvr"), HasSubstr("Mode: observer\n")) << "it does not know the members yet";
  gateway.role = replica::Role::leader;
  gateway.peers.resize(3);
  EXPECT_THAT(word("srvr"), HasSubstr("Mode: leader\n"));
  gateway.role = replica::Role::follower;
  EXPECT_THAT(word("srvr"), HasSubstr("Mode: follower\n"));
  gateway.role = replica::Role::observer;
  EXPECT_THAT(word("srvr"), HasSubstr("Mode: observer\n"));
  gateway.is_serving = false;
  for (const char* name : {"srvr", "stat", "mntr"}) {
    EXPECT_EQ(word(name), "This ZooKeeper instance is not currently serving requests\n");
  }
  EXPECT_EQ(word("isro"), "null");
}

TEST_F(FrontEndTest, MntrIsTabSeparated) {
  Settings settings = all_words();
  settings.other_figures = [] { return std::vector<std::pair<std::string_view, uint64_t>>{{"lock_waiters", 7}}; };
  start(settings);
  TestClient client = connected();
  client.call(OpCode::exists, wire::PathWatchRequest{"/a", true});
  gateway.peers.resize(3);
  for (auto& peer : gateway.peers) peer.connected = true;
  const std::string text = word("mntr");
  for (const char* line : {"zk_version\t", "zk_server_state\tleader\n", "zk_watch_count\t1\n", "zk_avg_latency\t0.0\n",
                           "zk_num_alive_connections\t2\n", "zk_global_sessions\t1\n", "zk_synced_followers\t2\n",
                           "zk_outstanding_requests\t0\n", "zk_quorum_size\t3\n", "conclave_lock_waiters\t7\n"}) {
    EXPECT_THAT(text, HasSubstr(line));
  }
  EXPECT_THAT(text, MatchesRegex("((zk|conclave)_[a-z0-9_]+\t[^\n]*\n)+"));
}

TEST_F(FrontEndTest, ConfConsDumpDirsEnviHash) {
  Settings settings = all_words();
  settings.conf_lines = {"dataDir=/data"};
  settings.environment_lines = {"os.name=Linux"};
  settings.process_figures = [] { return ProcessFigures{.snapshot_bytes = 7, .journal_bytes = 8}; };
  start(settings);
  TestClient client = connected();
  client.create("/e", "", wire::CreateMode::ephemeral);
  gateway.peers.resize(2);
  const std::string conf = word("conf");
  EXPECT_THAT(conf, HasSubstr("dataDir=/data\ntickTime=2000\nmaxClientCnxns=60\nminSessionTimeout=4000\n"));
  EXPECT_THAT(conf, HasSubstr("serverId=1\nmembership: \nserver.0="));
  EXPECT_THAT(word("cons"),
              HasSubstr(",sid=0x101,lop=CREA,est=1700000001000,to=10000,lcxid=0x1,lzxid=0x100000003,lresp=1000,llat=0,"
                        "minlat=0,avglat=0,maxlat=0)\n"));
  const std::string dump = word("dump");
  EXPECT_THAT(dump, HasSubstr("Global Sessions(1):\n0x101\t10000ms\n"));
  EXPECT_THAT(dump, HasSubstr("Sessions with Ephemerals (1):\n0x101:\n\t/e\n"));
  EXPECT_EQ(word("dirs"), "datadir_size: 7\nlogdir_size: 8\n");
  EXPECT_THAT(word("envi"), HasSubstr("Environment:\nzookeeper.version="));
  EXPECT_THAT(word("envi"), HasSubstr("os.name=Linux\n"));
  EXPECT_THAT(word("hash"), MatchesRegex("100000003:[0-9]+\n"));
}

TEST_F(FrontEndTest, WatchListings) {
  start(all_words());
  TestClient a = connected();
  TestClient b = connected();
  a.call(OpCode::exists, wire::PathWatchRequest{"/x", true});
  a.call(OpCode::exists, wire::PathWatchRequest{"/y", true});
  b.call(OpCode::exists, wire::PathWatchRequest{"/x", true});
  EXPECT_EQ(word("wchs"), "2 connections watching 2 paths\nTotal watches:3\n");
  EXPECT_EQ(word("wchp"), "/x\n\t0x101\n\t0x102\n/y\n\t0x101\n\n");
  EXPECT_EQ(word("wchc"), "0x101\n\t/x\n\t/y\n0x102\n\t/x\n\n");
}

TEST_F(FrontEndTest, ResettingCounters) {
  start(all_words());
  TestClient client = connected("::1");
  client.call(OpCode::exists, wire::PathWatchRequest{"/"});
  EXPECT_EQ(word("crst"), "Connection stats reset.\n");
  EXPECT_EQ(word("srst"), "Server stats reset.\n");
  EXPECT_THAT(word("srvr"), HasSubstr("Received: 1\n"));
  EXPECT_THAT(word("stat"), HasSubstr(" /[::1]:40001[1](queued=0,recved=0,sent=0)\n"));
}

}  // namespace
}  // namespace conclave::frontend::zookeeper
