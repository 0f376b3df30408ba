#include "sim/check/resources.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace conclave::sim::check::resources_test {
namespace {

using ::testing::HasSubstr;
using R = Resource;

constexpr ResourceLimits kLimits{.transactions_in_flight = 10,
                                 .slots_in_flight = 100,
                                 .entries_kept_in_memory = 20,
                                 .snapshots_kept = 3,
                                 .requests = 40,
                                 .sessions = 50,
                                 .requests_of_connection = 60,
                                 .unread_bytes_of_connection = 70,
                                 .unsent_bytes_of_connection = 80,
                                 .watches_of_connection = 90,
                                 .connections = 12,
                                 .peer_bytes = 1000};

// A replica that is busy: five sessions, four connections, two of them watching.
ResourceSample busy() {
  ResourceSample sample{.at = Instant{2'500'000}, .replica = ReplicaId(3), .zxid = Zxid(7)};
  sample[R::sessions] = 5;
  sample[R::connections] = 4;
  sample[R::watchers] = 2;
  return sample;
}
ResourceSample idle(uint8_t replica) {
  return {.at = Instant{9'000'000}, .replica = ReplicaId(replica), .zxid = Zxid(7)};
}
std::string text_of(const Violations& found) {
  std::string text;
  for (const Violation& violation : found) text += violation.checker + ": " + violation.what + "\n";
  return text;
}

struct Bound {
  Resource resource;
  uint64_t most;
};

class EveryBound : public ::testing::TestWithParam<Bound> {};

TEST_P(EveryBound, HoldsUpToItAndNoFurther) {
  const auto [resource, most] = GetParam();
  ResourceSample sample = busy();
  sample[resource] = most;
  EXPECT_EQ(text_of(check_bounds(sample, kLimits)), "");
  sample[resource] = most + 1;
  EXPECT_THAT(text_of(check_bounds(sample, kLimits)),
              HasSubstr("resources: replica 3 at 2.500 s holds " + std::to_string(most + 1) + " " +
                        std::string(name_of(resource)) + ", at most " + std::to_string(most) + " (R1)\n"));
}

INSTANTIATE_TEST_SUITE_P(
    R1, EveryBound,
    ::testing::Values(Bound{R::transactions_in_flight, 10 + 2 + 5},  // what the master asks for itself comes on top
                      Bound{R::backlog, 40}, Bound{R::unconfirmed, 40}, Bound{R::unanswered, 40},
                      Bound{R::answers_kept, 40}, Bound{R::barriers, 40}, Bound{R::leases, 50}, Bound{R::requests, 40},
                      Bound{R::answers_waiting, 40}, Bound{R::life_signs, 1600}, Bound{R::slots_in_flight, 200},
                      Bound{R::entries_covered, 20}, Bound{R::needless_segments, 0}, Bound{R::snapshots, 4},
                      Bound{R::unfinished_files, 2}, Bound{R::peer_bytes, 1000}, Bound{R::connections, 12},
                      Bound{R::closing_connections, 12}, Bound{R::held_sessions, 4}, Bound{R::addresses, 4},
                      Bound{R::watchers, 4}, Bound{R::watches, 180}, Bound{R::requests_of_one, 60},
                      Bound{R::unread_bytes_of_one, 70}, Bound{R::unsent_bytes_of_one, 80},
                      Bound{R::miscounted_requests, 0}, Bound{R::sessions, 50}),
    [](const auto& bound) {
      std::string name(name_of(bound.param.resource));
      std::erase_if(name, [](char c) { return c == ' '; });
      return name;
    });

TEST(Resources, AFewSlotsAreAlwaysInFlightToAPeerThatIsBehind) {
  ResourceLimits limits = kLimits;
  limits.slots_in_flight = 1;
  ResourceSample sample = busy();
  sample[R::slots_in_flight] = 128;
  EXPECT_EQ(text_of(check_bounds(sample, limits)), "");
  sample[R::slots_in_flight] = 129;
  EXPECT_THAT(text_of(check_bounds(sample, limits)), HasSubstr("slots in flight"));
}

// R2: each resource, left behind by one of three replicas.
TEST(Resources, NothingIsLeftAtRest) {
  const auto may_stay = [](Resource resource) -> uint64_t {
    switch (resource) {
      case R::answers_kept:     // until their replica asks for something else
      case R::entries_covered:  // for peers that lag a little
      case R::snapshots:
      case R::slots_in_flight:  // of a fallen master
        return 1000;
      case R::peer_bytes:  // heartbeats
        return 16 << 10;
      case R::unfinished_files:  // of a reception that stopped, to be resumed
        return 1;
      default:
        return 0;
    }
  };
  std::vector<ResourceSample> samples{idle(1), idle(2), idle(3)};
  EXPECT_EQ(text_of(check_at_rest(samples)), "");
  for (size_t i = 0; i < kResources; ++i) {
    const auto resource = static_cast<Resource>(i);
    samples[1][resource] = may_stay(resource);
    EXPECT_EQ(text_of(check_at_rest(samples)), "") << name_of(resource);
    samples[1][resource] = may_stay(resource) + 1;
    const std::string found = text_of(check_at_rest(samples));
    if (may_stay(resource) == 1000) {
      EXPECT_EQ(found, "") << name_of(resource);
    } else {
      EXPECT_THAT(found, HasSubstr("replica 2 at 9.000 s still holds " + std::to_string(may_stay(resource) + 1) + " " +
                                   std::string(name_of(resource)) + " when there is nothing left to do (R2)"));
    }
    samples[1][resource] = 0;
  }
}

TEST(Resources, AtRestAllAreAtOneZxid) {
  std::vector<ResourceSample> samples{idle(1), idle(2), idle(3)};
  samples[2].zxid = Zxid(6);
  EXPECT_EQ(text_of(check_at_rest(samples)),
            "resources: replica 3 at 9.000 s is at zxid 0x6 when there is nothing left to do, replica 1 at 0x7 (R3)\n");
}

TEST(Resources, TheMostOfEachIsKept) {
  Holdings most{};
  ResourceSample sample = busy();
  raise_to(most, sample.held);
  sample[R::sessions] = 1;
  sample[R::backlog] = 8;
  raise_to(most, sample.held);
  EXPECT_EQ(most[static_cast<size_t>(R::sessions)], 5u);
  EXPECT_EQ(most[static_cast<size_t>(R::backlog)], 8u);
}

}  // namespace
}  // namespace conclave::sim::check::resources_test
