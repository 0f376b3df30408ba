#include "sim/cluster/fault.h"

#include <gtest/gtest.h>

namespace conclave::sim {
namespace {

TEST(Fault, EveryKindIsWrittenAndReadBack) {
  for (const FaultType& type : fault_types()) {
    const Fault fault{.at = Duration::micros(1'234'567),
                      .kind = type.kind,
                      .target = {Target::kMaster},
                      .lasting = Duration::millis(3200),
                      .amount = 512,
                      .choice = 0xFFFF'FFFF'FFFF'FFFF};
    const auto read = parse_fault(to_string(fault));
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(*read, fault) << to_string(fault);
  }
  EXPECT_EQ(name_of(FaultKind::client_isolate), "client-isolate") << "the names are in the order of the enum";
}

TEST(Fault, IsOneReadableLine) {
  EXPECT_EQ(to_string(Fault{.at = Duration::seconds(12),
                            .kind = FaultKind::power_cut,
                            .target = {2},
                            .lasting = Duration::millis(3200),
                            .amount = 512}),
            "at 12s power-cut replica=2 lasting=3200ms amount=512");
}

TEST(Fault, MistakesAreNamed) {
  const auto why = [](std::string_view line) {
    const auto read = parse_fault(line);
    return read ? std::string("taken") : read.error().message;
  };
  EXPECT_EQ(why("power-cut"), "a fault begins with \"at TIME\"");
  EXPECT_EQ(why("at soon power-cut"), "\"soon\" is not a time such as 1.5s, 250ms or 30us");
  EXPECT_EQ(why("at 1s earthquake"), "there is no fault \"earthquake\"");
  EXPECT_EQ(why("at 1s kill replica=0"), "replica=0: give a number from 1, \"master\" or \"follower\"");
  EXPECT_EQ(why("at 1s kill depth=3"), "a fault has no \"depth\"");
  EXPECT_EQ(why("at 1s kill now"), "\"now\": expected NAME=VALUE");
  EXPECT_EQ(why("at 1s kill amount=many"), "\"many\" is not a number");
}

TEST(Fault, TimesAreExact) {
  EXPECT_EQ(parse_duration("1.5s"), Duration::millis(1500));
  EXPECT_EQ(parse_duration("0.000001s"), Duration::micros(1));
  EXPECT_EQ(parse_duration("2min"), Duration::seconds(120));
  EXPECT_FALSE(parse_duration("1.5.2s"));
  EXPECT_FALSE(parse_duration("s"));
  EXPECT_FALSE(parse_duration("15"));
  for (const int64_t us : {0L, 1L, 999L, 1000L, 1001L, 1'000'000L, 61'000'000L}) {
    EXPECT_EQ(parse_duration(to_text(Duration::micros(us))), Duration::micros(us));
  }
}

}  // namespace
}  // namespace conclave::sim
