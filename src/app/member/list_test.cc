#include "app/member/list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::app {
namespace member_list {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

ReplicaReport report(const env::Address& address, std::string_view state, std::string_view more = "") {
  return read_report(address, "zk_server_state\t" + std::string(state) + "\n" + std::string(more));
}

MemberList three() {
  return {.config = wire::zookeeper::parse_member_config("server.1=a:10:11:participant;0.0.0.0:12\n"
                                                         "server.2=[::2]:20:21:participant;b:22\n"
                                                         "server.3=c:30:31:observer\n"
                                                         "server.4=d:40:41:observer;d:42\n"
                                                         "version=10000000a")
                        .value(),
          .cell = {{report({"a", 12}, "leader"), report({"b", 22}, "follower"),
                    read_report({"d", 42}, fail(ErrorKind::io, "refused"))}}};
}

TEST(MemberList, WhereClientsReachAMember) {
  EXPECT_THAT(client_addresses_of(three().config),
              ElementsAre(env::Address{"a", 12}, env::Address{"b", 22}, env::Address{"d", 42}));
  EXPECT_EQ(client_address_of({.id = 1, .peers = {{"::1", 1}}, .client = wire::zookeeper::HostPort{"::", 2}}),
            (env::Address{"::1", 2}));
  EXPECT_EQ(client_address_of({.id = 1, .peers = {{"a", 1}}, .client = std::nullopt}), std::nullopt);
}

TEST(MemberList, Table) {
  EXPECT_EQ(members_text(three()),
            "ID  ROLE      STATE     PEER      CLIENT  NOTE\n"
            "1   voter     leader    a:10      a:12\n"
            "2   voter     follower  [::2]:20  b:22\n"
            "3   observer  -         c:30      -       the list names no address for clients\n"
            "4   observer  -         d:40      d:42    not reachable: refused\n"
            "version: 10000000a\n");
}

TEST(MemberList, WhatTheLeaderSaysOfAChange) {
  MemberList list = three();
  EXPECT_EQ(change_of_members(list.cell), "");
  // A former leader says what was.
  list.cell.replicas[1] = report({"b", 22}, "follower", "zk_member_change\tadding 9\n");
  EXPECT_EQ(change_of_members(list.cell), "");
  list.cell.replicas[0] = report({"a", 12}, "leader", "zk_member_change\tadding 4: 1200 of 5000 entries\n");
  EXPECT_EQ(change_of_members(list.cell), "adding 4: 1200 of 5000 entries");
  EXPECT_THAT(members_text(list), HasSubstr("\nversion: 10000000a\nchange: adding 4: 1200 of 5000 entries\n"));
  EXPECT_THAT(members_json(list), HasSubstr("\"change\": \"adding 4: 1200 of 5000 entries\""));
}

TEST(MemberList, Json) {
  MemberList list = three();
  list.config.servers.erase(list.config.servers.begin() + 1);
  EXPECT_EQ(members_json(list),
            "{\"version\": \"10000000a\", \"change\": null, \"members\": ["
            "{\"id\": 1, \"role\": \"voter\", \"peers\": [\"a:10\"], \"election_port\": 11, \"client\": \"a:12\", "
            "\"serves\": true, \"mode\": \"leader\", \"problem\": \"\", "
            "\"line\": \"server.1=a:10:11:participant;0.0.0.0:12\"}, "
            "{\"id\": 3, \"role\": \"observer\", \"peers\": [\"c:30\"], \"election_port\": 31, \"client\": null, "
            "\"serves\": false, \"mode\": \"\", \"problem\": \"the list names no address for clients\", "
            "\"line\": \"server.3=c:30:31:observer\"}, "
            "{\"id\": 4, \"role\": \"observer\", \"peers\": [\"d:40\"], \"election_port\": 41, \"client\": \"d:42\", "
            "\"serves\": false, \"mode\": \"\", \"problem\": \"not reachable: refused\", "
            "\"line\": \"server.4=d:40:41:observer;d:42\"}]}\n");
}

}  // namespace
}  // namespace member_list
}  // namespace conclave::app
