// Addresses of the lock service, in both formats.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "app/config/load.h"

namespace conclave::app {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;

struct Loaded {
  Configuration configuration;
  std::vector<std::string> problems;
};

Loaded toml(const std::string& text) {
  Problems problems;
  Loaded out;
  out.configuration = load_toml("c.toml", [&](const std::string&) { return text; }, &problems);
  for (const Problem& problem : problems.sorted()) out.problems.push_back(to_string(problem));
  return out;
}

Loaded zoo(const std::string& text, const std::string& myid = "1") {
  Problems problems;
  Loaded out;
  out.configuration =
      load_zoo_cfg("zoo.cfg", [&](const std::string& path) { return path == "zoo.cfg" ? text : myid; }, &problems);
  for (const Problem& problem : problems.sorted()) out.problems.push_back(to_string(problem));
  return out;
}

constexpr char kReplica[] = "[replica]\nid = 1\ndata_directory = \"/d\"\n";

std::string member(int id, const std::string& more = {}) {
  return fmt::format("[[cell.members]]\nid = {0}\npeer = \"h{0}:2888\"\n{1}\n", id, more);
}

TEST(ChubbyAddresses, WithoutOneThereIsNoLockService) {
  EXPECT_EQ(toml(kReplica).configuration.chubby_listen(), std::nullopt);
  EXPECT_EQ(toml(kReplica + member(1) + member(2) + member(3)).configuration.chubby_listen(), std::nullopt);
  EXPECT_EQ(zoo("dataDir=/d\n").configuration.chubby_listen(), std::nullopt);
}

TEST(ChubbyAddresses, OfTheMembers) {
  const std::string cell = kReplica + member(1, "chubby = \"a:7001\"") + member(2, "chubby = \"b:7002\"") +
                           member(3, "chubby = \"[::3]:7003\"");
  const Loaded loaded = toml(cell);
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.configuration.chubby_listen(), (env::Address{"a", 7001}));
  EXPECT_EQ(loaded.configuration.cell.members[2].chubby_address, (env::Address{"::3", 7003}));

  EXPECT_EQ(toml(cell + "[chubby]\nenabled = false").configuration.chubby_listen(), std::nullopt);
  EXPECT_EQ(toml(cell + "[chubby]\naddress = \"0.0.0.0\"").configuration.chubby_listen(),
            (env::Address{"0.0.0.0", 7001}));
}

TEST(ChubbyAddresses, OfOnePortForAll) {
  const Loaded loaded = toml(kReplica + member(1) + member(2) + member(3) + "[chubby]\nport = 2190");
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.configuration.chubby_listen(), (env::Address{"", 2190}));
  EXPECT_EQ(loaded.configuration.cell.members[1].chubby_address, (env::Address{"h2", 2190}));
  EXPECT_EQ(toml(std::string(kReplica) + "[chubby]\nport = 2190").configuration.chubby_listen(),
            (env::Address{"", 2190}));
}

TEST(ChubbyAddresses, InZooCfg) {
  const std::string three = "dataDir=/d\nserver.1=a:1:2\nserver.2=b:1:2\nserver.3=c:1:2\n";
  const Loaded loaded = zoo("conclave.chubby.server.1=x:7\nconclave.chubby.server.2=y:7\n" + three +
                            "conclave.chubby.server.3=z:7\nconclave.chubby.lease_ms=2000\n");
  EXPECT_THAT(loaded.problems, IsEmpty());
  EXPECT_EQ(loaded.configuration.chubby_listen(), (env::Address{"x", 7}));
  EXPECT_EQ(loaded.configuration.cell.members[2].chubby_address, (env::Address{"z", 7}));
  EXPECT_EQ(loaded.configuration.chubby.lease_ms, 2'000);

  const Loaded port = zoo(three + "conclave.chubby.port=2190\nconclave.chubby.address=127.0.0.1\n", "2");
  EXPECT_EQ(port.configuration.chubby_listen(), (env::Address{"127.0.0.1", 2190}));
  EXPECT_EQ(port.configuration.cell.members[0].chubby_address, (env::Address{"a", 2190}));

  EXPECT_THAT(zoo(three + "conclave.chubby.server.x=y:7\n").problems,
              Contains("zoo.cfg:5: error: conclave.chubby.server.x: the id of the server is not a number"));
  EXPECT_THAT(zoo(three + "conclave.chubby.server.1=y\n").problems,
              Contains("zoo.cfg:5: error: conclave.chubby.server.1: \"y\" does not have the form host:port; an IPv6 "
                       "address needs brackets"));
  EXPECT_THAT(zoo(three + "conclave.chubby.server.4=y:7\n").problems,
              Contains("zoo.cfg:5: error: conclave.chubby.server.4: there is no server.4"));
  EXPECT_THAT(zoo(three + "conclave.chubby.lease_ms=1\n").problems,
              ElementsAre("zoo.cfg:5: error: conclave.chubby.lease_ms: 1 is out of range, 1000 to 600000 are allowed"));
}

TEST(ChubbyAddresses, WhatCannotBe) {
  const std::string a = member(1, "chubby = \"a:7001\"");
  const std::pair<std::string, const char*> cases[] = {
      {kReplica + a + member(2) + member(3, "chubby = \"c:1\""),
       "c.toml:8: error: replica 2 has no Chubby address, and others have: as the master it would leave the lock "
       "service's clients without one"},
      {kReplica + a + member(2, "chubby = \"a:7001\"") + member(3, "chubby = \"c:1\""),
       "c.toml:11: error: the Chubby address a:7001 of replica 2 is that of replica 1, too"},
      {kReplica + a + "[chubby]\nport = 7002\n",
       "c.toml:9: error: chubby.port: 7002 differs from the Chubby port 7001 of member 1"},
      {kReplica + a + "[clients]\nport = 7001\n",
       "c.toml:7: error: the Chubby port 7001 is the port for clients of the ZooKeeper protocol, too"},
      {kReplica + member(1, "chubby = \"h1:2888\""),
       "c.toml:7: error: the Chubby port 2888 is the port for peers, too"},
      {std::string(kReplica) + "[chubby]\nport = 2181\n",
       "c.toml:5: error: the Chubby port 2181 is the port for clients of the ZooKeeper protocol, too"},
      {kReplica + a + "[chubby]\nlease_ms = 1000\n",
       "c.toml:9: warning: chubby.lease_ms: 1000 ms is so short that every change of master puts all sessions in "
       "jeopardy (1600 ms)"},
      {kReplica + member(1, "chubby = 1"), "c.toml:7: error: cell.members: chubby has the wrong type"},
      {kReplica + member(1, "chubby = \"a\""),
       "c.toml:7: error: cell.members: chubby: \"a\" does not have the form host:port; an IPv6 address needs brackets"},
  };
  for (const auto& [text, message] : cases) EXPECT_THAT(toml(text).problems, Contains(message)) << text;
}

// It can never be the master.
TEST(ChubbyAddresses, AnObserverNeedsNone) {
  EXPECT_THAT(toml(kReplica + member(1, "chubby = \"a:7001\"") + member(2, "voter = false")).problems, IsEmpty());
}

}  // namespace
}  // namespace conclave::app
