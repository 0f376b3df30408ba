#include "frontend/dns/zone.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::frontend::dns {
namespace {

using testing::HasSubstr;

TEST(DnsZone, CH_96_NamesArePathsTheOtherWayRound) {
  const Zone zone = *parse_zone("example.com=/dns/x");
  const auto path = [&](std::string_view name) { return path_of(zone, *Name::parse(name)); };
  EXPECT_EQ(path("example.com"), "/dns/x");
  EXPECT_EQ(path("a.b.example.com"), "/dns/x/b/a");
  EXPECT_EQ(path("WEB.Example.COM"), "/dns/x/web");
  const Zone root = *parse_zone("example.com=/");
  EXPECT_EQ(path_of(root, *Name::parse("example.com")), "/");
  EXPECT_EQ(path_of(root, *Name::parse("a.example.com")), "/a");
}

TEST(DnsZone, CH_96_NoNameLeadsOutOfTheZone) {
  const Zone zone = *parse_zone("x=/dns");
  const auto path = [&](Bytes label) {
    return path_of(zone, *Name::read(Bytes(1, static_cast<char>(label.size())) + label + Bytes("\1x\0", 3), 0));
  };
  EXPECT_EQ(path("ok"), "/dns/ok");
  for (const Bytes& bad : {Bytes("a/b"), Bytes("."), Bytes(".."), Bytes("@"), Bytes("a\0b", 3), Bytes("\xc3\xa4"),
                           Bytes("a b"), Bytes("\x7f")}) {
    EXPECT_EQ(path(bad), std::nullopt) << bad;
  }
}

TEST(DnsZone, CH_96_WhatIsNoZone) {
  for (const auto& [text, why] : {std::pair("example.com", "NAME=PATH"),
                                  {"a..b=/x", "empty label"},
                                  {"a=x", "not a name"},
                                  {"a=/x/", "not a name"},
                                  {"a=/ls/local/x", "/ls/CELL"},
                                  {"=/x", "empty"}}) {
    const auto zone = parse_zone(text);
    ASSERT_FALSE(zone) << text;
    EXPECT_THAT(zone.error().message, HasSubstr(why));
  }
}

}  // namespace
}  // namespace conclave::frontend::dns
