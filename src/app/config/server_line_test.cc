#include "app/config/server_line.h"

#include <gtest/gtest.h>

namespace conclave::app {
namespace {

TEST(ServerLine, BecomesASetting) {
  const auto member = parse_server_value("a:1:2:observer|[::2]:3:4;h:5").value();
  EXPECT_EQ(member.peer_addresses, (std::vector<env::Address>{{"a", 1}, {"::2", 3}}));
  EXPECT_EQ(member.election_port, 2);
  EXPECT_FALSE(member.voter);
  EXPECT_EQ(member.client_address, (env::Address{"h", 5}));
  EXPECT_TRUE(member.client_listed);

  const auto short_one = parse_server_value("a:1:2").value();
  EXPECT_TRUE(short_one.voter);
  EXPECT_EQ(short_one.client_address, std::nullopt);
  EXPECT_FALSE(short_one.client_listed);
  EXPECT_EQ(parse_server_value("a:1:2;").error().message, "the client port \"\" is not a number from 1 to 65535");
}

TEST(ServerLine, Addresses) {
  EXPECT_EQ(parse_address("[::1]:2181").value(), (env::Address{"::1", 2181}));
  EXPECT_EQ(parse_address("host:70000").error().message, "the port \"70000\" is not a number from 1 to 65535");
}

}  // namespace
}  // namespace conclave::app
