#include "frontend/dns/name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::frontend::dns {
namespace {

using testing::ElementsAre;

TEST(DnsName, CH_96_Parse) {
  EXPECT_EQ(Name::parse("web.Example")->wire(), Bytes("\3web\7Example\0", 13));
  EXPECT_EQ(Name::parse("web.example.")->text(), "web.example.");
  EXPECT_EQ(Name::parse(".")->wire(), Bytes("\0", 1));
  EXPECT_THAT(Name::parse("_http._tcp.x")->labels(), ElementsAre("_http", "_tcp", "x"));
  const std::string label(63, 'a');
  EXPECT_TRUE(Name::parse(label));
  EXPECT_TRUE(Name::parse(fmt::format("{0}.{0}.{0}.{1}", label, std::string(61, 'b'))));
}

TEST(DnsName, CH_96_WhatIsRefused) {
  const std::string label(63, 'a');
  for (const std::string& bad :
       {std::string(), std::string(".."), std::string("a..b"), std::string(".a"), std::string("a.."), label + "a",
        fmt::format("{0}.{0}.{0}.{1}", label, std::string(62, 'b')), std::string("a b"), std::string("a\\b"),
        std::string("a\xc3\xa4")}) {
    EXPECT_FALSE(Name::parse(bad)) << bad;
  }
}

TEST(DnsName, CH_96_RelativeNames) {
  const Name zone = *Name::parse("example.com");
  EXPECT_EQ(Name::parse("web1", zone)->text(), "web1.example.com.");
  EXPECT_EQ(Name::parse("web1.", zone)->text(), "web1.");
  EXPECT_EQ(Name::parse("@", zone)->text(), "example.com.");
  EXPECT_EQ(Name::parse(".", zone)->text(), ".");
  EXPECT_FALSE(Name::parse(fmt::format("{0}.{0}.{0}.{1}", std::string(63, 'a'), std::string(60, 'b')), zone));
}

TEST(DnsName, CH_96_InAZoneByWholeLabelsWhateverTheCase) {
  const Name zone = *Name::parse("example.com");
  EXPECT_TRUE(Name::parse("a.EXAMPLE.com")->is_at_or_below(zone));
  EXPECT_TRUE(Name::parse("example.COM")->is_at_or_below(zone));
  EXPECT_FALSE(Name::parse("com")->is_at_or_below(zone));
  EXPECT_FALSE(Name::parse("badexample.com")->is_at_or_below(zone));
  // The bytes of a label that look like the length of the next one.
  const std::optional<Name> trick = Name::read(Bytes("\x0d"
                                                     "a\7example\3com\0",
                                                     15),
                                               0);
  EXPECT_FALSE(trick && trick->is_at_or_below(zone));
  EXPECT_TRUE(*Name::parse("A.b") == *Name::parse("a.B"));
}

TEST(DnsName, CH_96_ReadFromAMessage) {
  EXPECT_EQ(Name::read(Bytes("xx\1a\0yy", 7), 2)->text(), "a.");
  EXPECT_EQ(Name::read(Bytes("\3a.\0\0", 5), 0)->text(), "a\\.\\000.");
  EXPECT_FALSE(Name::read(Bytes("\1a", 2), 0)) << "cut short";
  EXPECT_FALSE(Name::read(Bytes("\x0f"
                                "a\0",
                                3),
                          0))
      << "a label that goes on behind the end";
  EXPECT_FALSE(Name::read(Bytes("\xc0\0", 2), 0)) << "compressed: it points at itself";
  EXPECT_FALSE(Name::read("", 0));
  Bytes longest;
  for (int i = 0; i < 127; ++i) longest += Bytes("\1a", 2);
  EXPECT_TRUE(Name::read(longest + Bytes("\0", 1), 0));
  EXPECT_FALSE(Name::read("\1a" + longest + Bytes("\0", 1), 0)) << "256 bytes and more";
}

}  // namespace
}  // namespace conclave::frontend::dns
