#include "app/config/server_line.h"

#include <gtest/gtest.h>

namespace conclave::app {
namespace {

struct GoodCase {
  const char* text;
  std::vector<env::Address> peers;
  std::optional<env::Address> client;
  bool voter;
};

TEST(ServerLine, EveryForm) {
  const GoodCase cases[] = {
      {"zoo1:2888:3888", {{"zoo1", 2888}}, std::nullopt, true},
      {"zoo1:2888:3888:participant", {{"zoo1", 2888}}, std::nullopt, true},
      {"zoo1:2888:3888:OBSERVER", {{"zoo1", 2888}}, std::nullopt, false},
      {"zoo1:2888:3888;2181", {{"zoo1", 2888}}, env::Address{"", 2181}, true},
      {"zoo1:2888:3888:observer;10.0.0.1:2181", {{"zoo1", 2888}}, env::Address{"10.0.0.1", 2181}, false},
      {"zoo1:2888:3888;[::1]:2181", {{"zoo1", 2888}}, env::Address{"::1", 2181}, true},
      {"[2001:db8::1]:2888:3888", {{"2001:db8::1", 2888}}, std::nullopt, true},
      {"[2001:db8::1]:2888:3888:observer;2181", {{"2001:db8::1", 2888}}, env::Address{"", 2181}, false},
      {"a:1:2|b:3:4", {{"a", 1}, {"b", 3}}, std::nullopt, true},
      {"a:1:2:observer|[::2]:3:4:observer;h:5", {{"a", 1}, {"::2", 3}}, env::Address{"h", 5}, false},
      {" a:1:2 | b:3:4 ; 2181 ", {{"a", 1}, {"b", 3}}, env::Address{"", 2181}, true},
  };
  for (const GoodCase& c : cases) {
    const auto member = parse_server_value(c.text);
    ASSERT_TRUE(member.has_value()) << c.text << ": " << member.error().message;
    EXPECT_EQ(member->peer_addresses, c.peers) << c.text;
    EXPECT_EQ(member->client_address, c.client) << c.text;
    EXPECT_EQ(member->voter, c.voter) << c.text;
  }
}

TEST(ServerLine, EveryError) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "does not have the form host:peer:election[:role]"},
      {"zoo1", "does not have the form host:peer:election[:role]"},
      {"zoo1:2888", "does not have the form host:peer:election[:role]"},
      {"2001:db8::1:2888:3888", "an IPv6 address needs brackets"},
      {"zoo1:2888:3888:participant:x", "does not have the form host:peer:election[:role]"},
      {":2888:3888", "the host is missing"},
      {"zoo 1:2888:3888", "the host \"zoo 1\" is malformed"},
      {"zoo1:0:3888", "the peer port \"0\" is not a number from 1 to 65535"},
      {"zoo1:2888:65536", "the election port \"65536\" is not a number from 1 to 65535"},
      {"zoo1:2888:3888:leader", "the role \"leader\" is neither participant nor observer"},
      {"a:1:2:observer|b:1:2:participant", "the addresses name different roles"},
      {"zoo1:2888:3888;2181;2182", "there is more than one semicolon"},
      {"zoo1:2888:3888;a:b:2181", "does not have the form [clienthost:]clientport"},
      {"zoo1:2888:3888;:2181", "the host is missing"},
      {"zoo1:2888:3888;", "the client port \"\" is not a number from 1 to 65535"},
      {"[::1:2888:3888", "has a bracket that is not closed"},
      {"[::1]2888:3888", "has no colon after the bracket"},
      {"[::1]", "does not have the form host:peer:election[:role]"},
  };
  for (const auto& [text, reason] : cases) {
    const auto member = parse_server_value(text);
    ASSERT_FALSE(member.has_value()) << text;
    EXPECT_NE(member.error().message.find(reason), std::string::npos) << text << ": " << member.error().message;
  }
}

TEST(ServerLine, Addresses) {
  EXPECT_EQ(parse_address("host:1").value(), (env::Address{"host", 1}));
  EXPECT_EQ(parse_address("[::1]:2181").value(), (env::Address{"::1", 2181}));
  for (const char* bad : {"host", "host:", "::1:2181", "host:1:2", "[::1]", ":1", "host:70000"}) {
    EXPECT_FALSE(parse_address(bad).has_value()) << bad;
  }
}

}  // namespace
}  // namespace conclave::app
