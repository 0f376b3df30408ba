#include "wire/zookeeper/server_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/random.h"

namespace conclave::wire::zookeeper {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

struct GoodCase {
  const char* text;
  std::vector<HostPort> peers;
  std::optional<HostPort> client;
  bool voter;
};

TEST(ServerLine, EveryForm) {
  const GoodCase cases[] = {
      {"zoo1:2888:3888", {{"zoo1", 2888}}, std::nullopt, true},
      {"zoo1:2888:3888:participant", {{"zoo1", 2888}}, std::nullopt, true},
      {"zoo1:2888:3888:OBSERVER", {{"zoo1", 2888}}, std::nullopt, false},
      {"zoo1:2888:3888;2181", {{"zoo1", 2888}}, HostPort{"", 2181}, true},
      {"zoo1:2888:3888:observer;10.0.0.1:2181", {{"zoo1", 2888}}, HostPort{"10.0.0.1", 2181}, false},
      {"zoo1:2888:3888;[::1]:2181", {{"zoo1", 2888}}, HostPort{"::1", 2181}, true},
      {"[2001:db8::1]:2888:3888", {{"2001:db8::1", 2888}}, std::nullopt, true},
      {"[2001:db8::1]:2888:3888:observer;2181", {{"2001:db8::1", 2888}}, HostPort{"", 2181}, false},
      {"a:1:2|b:3:4", {{"a", 1}, {"b", 3}}, std::nullopt, true},
      {"a:1:2:observer|[::2]:3:4:observer;h:5", {{"a", 1}, {"::2", 3}}, HostPort{"h", 5}, false},
      {" a:1:2 | b:3:4 ; 2181 ", {{"a", 1}, {"b", 3}}, HostPort{"", 2181}, true},
  };
  for (const GoodCase& c : cases) {
    const auto server = parse_server_value(c.text);
    ASSERT_TRUE(server.has_value()) << c.text << ": " << server.error().message;
    EXPECT_EQ(server->peers, c.peers) << c.text;
    EXPECT_EQ(server->client, c.client) << c.text;
    EXPECT_EQ(server->observer, !c.voter) << c.text;
    EXPECT_EQ(server->id, 0) << c.text;
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
      {"a,b:1:2", "the host \"a,b\" is malformed"},
      {"a=b:1:2", "the host \"a=b\" is malformed"},
      {"a:+1:2", "the peer port \"+1\" is not a number from 1 to 65535"},
  };
  for (const auto& [text, reason] : cases) {
    const auto server = parse_server_value(text);
    ASSERT_FALSE(server.has_value()) << text;
    EXPECT_NE(server.error().message.find(reason), std::string::npos) << text << ": " << server.error().message;
  }
}

TEST(ServerLine, Addresses) {
  EXPECT_EQ(parse_host_port("host:1").value(), (HostPort{"host", 1}));
  EXPECT_EQ(parse_host_port("[::1]:2181").value(), (HostPort{"::1", 2181}));
  EXPECT_EQ(format_host_port({"host", 1}), "host:1");
  EXPECT_EQ(format_host_port({"::1", 2181}), "[::1]:2181");
  for (const char* bad : {"host", "host:", "::1:2181", "host:1:2", "[::1]", ":1", "host:70000"}) {
    EXPECT_FALSE(parse_host_port(bad).has_value()) << bad;
  }
}

TEST(ServerLine, TheElectionPortOfTheFirstAddressIsKept) {
  EXPECT_EQ(parse_server_value("a:1:2|b:3:4").value().election_port, 2);
}

ServerLine server(int64_t id, const char* value) {
  ServerLine out = parse_server_value(value).value();
  out.id = id;
  return out;
}

TEST(ServerLines, OneALineOrSeparatedByCommas) {
  const std::vector<ServerLine> two = {server(1, "a:1:2;3"), server(255, "[::2]:4:5:observer;h:6")};
  for (const char* text : {
           "server.1=a:1:2;3\nserver.255=[::2]:4:5:observer;h:6\nversion=100000000",
           "server.1=a:1:2:participant;3,server.255=[::2]:4:5:observer;h:6",
           "1=a:1:2;3,255=[::2]:4:5:observer;h:6",
           "\r\n# server.3=c:1:2, server.4=x\n , server.1 = a:1:2;3 ,\r\n version = "
           "x\n\nserver.255=[::2]:4:5:observer;h:6,,",
       }) {
    const auto servers = parse_server_lines(text);
    ASSERT_TRUE(servers) << text << ": " << servers.error().message;
    EXPECT_EQ(*servers, two) << text;
  }
  EXPECT_THAT(parse_server_lines("").value(), IsEmpty());
  EXPECT_THAT(parse_server_lines("\nversion=5\n").value(), IsEmpty());
}

TEST(ServerLines, EveryErrorNamesTheItem) {
  const std::pair<const char*, const char*> cases[] = {
      {"server.1=a:1:2,nonsense", "\"nonsense\": it does not have the form server.N=host:peer:election"},
      {"server.=a:1:2", "\"server.=a:1:2\": the id \"\" is not a number from 1 to 255"},
      {"server.0=a:1:2", "the id \"0\" is not a number from 1 to 255"},
      {"server.256=a:1:2", "the id \"256\" is not a number from 1 to 255"},
      {"server.-1=a:1:2", "the id \"-1\" is not a number from 1 to 255"},
      {"server.1x=a:1:2", "the id \"1x\" is not a number from 1 to 255"},
      {"server.99999999999999999999=a:1:2", "is not a number from 1 to 255"},
      {"group.1=1:2", "the id \"group.1\" is not a number from 1 to 255"},
      {"server.1=a:1:2\nserver.2=b", "\"server.2=b\": \"b\" does not have the form host:peer:election[:role]"},
      {"server.1=a:1:2,server.1=b:1:2", "\"server.1=b:1:2\": server 1 is named twice"},
  };
  for (const auto& [text, reason] : cases) {
    const auto servers = parse_server_lines(text);
    ASSERT_FALSE(servers) << text;
    EXPECT_THAT(servers.error().message, HasSubstr(reason)) << text;
  }
}

TEST(ServerLines, Ids) {
  EXPECT_THAT(parse_server_ids("3,5").value(), ElementsAre(3, 5));
  EXPECT_THAT(parse_server_ids(" 255 ,, 1,").value(), ElementsAre(255, 1));
  EXPECT_THAT(parse_server_ids("").value(), IsEmpty());
  EXPECT_EQ(parse_server_ids("3,x").error().message, "the id \"x\" is not a number from 1 to 255");
  EXPECT_EQ(parse_server_ids("0").error().message, "the id \"0\" is not a number from 1 to 255");
  EXPECT_EQ(parse_server_ids("3,3").error().message, "server 3 is named twice");
}

TEST(ServerLines, Text) {
  EXPECT_EQ(format_server_line(server(1, "zoo1:2888:3888;h:2181")), "server.1=zoo1:2888:3888:participant;h:2181");
  EXPECT_EQ(format_server_line(server(2, "a:1:2:observer|[::2]:3:2;4")),
            "server.2=a:1:2:observer|[::2]:3:2:observer;0.0.0.0:4");
  EXPECT_EQ(format_server_line(server(3, "[::3]:3:13;[::3]:5")), "server.3=[::3]:3:13:participant;[::3]:5");
  EXPECT_EQ(format_server_line(server(4, "a:1:2")), "server.4=a:1:2:participant");
  EXPECT_EQ(format_server_line({.id = 5, .peers = {{"a", 7}}, .election_port = 0, .observer = false, .client = {}}),
            "server.5=a:7:7:participant");
}

TEST(MemberConfigText, BothWays) {
  const MemberConfig config{.servers = {server(1, "a:1:2;h:3"), server(2, "[::2]:4:5:observer")},
                            .version = 0x10000000A};
  const std::string text =
      "server.1=a:1:2:participant;h:3\n"
      "server.2=[::2]:4:5:observer\n"
      "version=10000000a";
  EXPECT_EQ(format_member_config(config), text);
  EXPECT_EQ(parse_member_config(text).value(), config);
  EXPECT_EQ(parse_member_config(text + "\n").value(), config);
  EXPECT_EQ(parse_member_config("version=ffffffffffffffff").value().version, UINT64_MAX);
  EXPECT_EQ(format_member_config({}), "version=0");
}

TEST(MemberConfigText, Errors) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "the version is missing"},
      {"server.1=a:1:2", "the version is missing"},
      {"version=1\nversion=1", "the version is given twice"},
      {"version=", "the version \"\" is not a hexadecimal number"},
      {"version=0x1", "the version \"0x1\" is not a hexadecimal number"},
      {"version=-1", "the version \"-1\" is not a hexadecimal number"},
      {"version=10000000000000000", "is not a hexadecimal number"},
      {"server.1=a\nversion=1", "\"server.1=a\""},
  };
  for (const auto& [text, reason] : cases) {
    const auto config = parse_member_config(text);
    ASSERT_FALSE(config) << text;
    EXPECT_THAT(config.error().message, HasSubstr(reason)) << text;
  }
}

// What is read from any text is read again from how it is written.
TEST(MemberConfigText, AnyTextGivesAValueOrAReason) {
  constexpr std::string_view kPieces[] = {
      "server.", "version=", "=",  ":",  ";", "|", ",",    "\n",       "[",          "]",
      "1",       "255",      "a1", "::", "#", " ", "\x01", "observer", "participant"};
  Random random(11);
  size_t read = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text = random.chance(1, 2) ? "server.7=h:1:2" : "";
    for (uint64_t piece = random.below(9); piece > 0; --piece) text += kPieces[random.below(std::size(kPieces))];
    if (random.chance(1, 2)) text += "\nversion=1";
    (void)parse_server_ids(text);
    const auto config = parse_member_config(text);
    if (!config) {
      EXPECT_FALSE(config.error().message.empty()) << text;
      continue;
    }
    read += config->servers.empty() ? 0 : 1;
    MemberConfig again = *config;
    for (ServerLine& each : again.servers) {
      if (each.client && each.client->host.empty()) each.client->host = "0.0.0.0";
    }
    EXPECT_EQ(parse_member_config(format_member_config(*config)).value(), again) << text;
  }
  EXPECT_GT(read, 1'000u) << "the pieces hardly ever make a list";
}

}  // namespace
}  // namespace conclave::wire::zookeeper
