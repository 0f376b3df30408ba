#include "sim/compare/traffic.h"

#include <gtest/gtest.h>

#include "wire/peer/peer_message.h"

namespace conclave::sim::compare::traffic_test {
namespace {

constexpr ReplicaId kOne{1}, kTwo{2};

TEST(Traffic, IsCountedByKindAndBySideOfTheLine) {
  TrafficMeter meter(consensus::EngineKind::paxos);
  const Bytes forward = wire::peer::encode(wire::peer::Forward{.items = {{.number = 1, .body = Blob("request")}}});
  const Bytes touches = wire::peer::encode(wire::peer::Touches{.number = 1, .sessions = {SessionId(7)}});
  const Bytes heard = wire::peer::encode(wire::peer::TouchesHeard{.number = 1});
  meter.sent(kTwo, kOne, forward);
  meter.sent(kTwo, kOne, forward);
  meter.sent(kTwo, kOne, touches);
  meter.sent(kOne, kTwo, heard);

  const Traffic& traffic = meter.traffic();
  EXPECT_EQ(traffic.kinds.size(), 3u);
  EXPECT_EQ(traffic.kinds.at("Forward").count.messages, 2u);
  EXPECT_EQ(traffic.total(/*background=*/false), (Traffic::Count{.messages = 2, .bytes = 2 * forward.size()}));
  EXPECT_EQ(traffic.total(/*background=*/true),
            (Traffic::Count{.messages = 2, .bytes = touches.size() + heard.size()}));
  meter.reset();
  EXPECT_EQ(meter.traffic(), Traffic());
}

TEST(Traffic, HasTheNamesOfTheDriversMessages) {
  TrafficMeter meter(consensus::EngineKind::raft);
  meter.sent(kOne, kTwo, wire::peer::encode(wire::peer::Answers{}));
  meter.sent(kOne, kTwo, wire::peer::encode(wire::peer::SnapshotOffer{}));
  meter.sent(kTwo, kOne, wire::peer::encode(wire::peer::SnapshotPull{}));
  meter.sent(kOne, kTwo, wire::peer::encode(wire::peer::SnapshotChunk{}));
  for (const std::string name : {"Answers", "SnapshotOffer", "SnapshotPull", "SnapshotChunk"}) {
    EXPECT_EQ(meter.traffic().kinds.count(name), 1u) << name;
  }
}

}  // namespace
}  // namespace conclave::sim::compare::traffic_test
