// Counts what replicas send each other, kind by kind, and tells what writes cause from what goes on without them:
// heartbeats and their answers, and the signs of life of clients' sessions. Pure.
//
// Bytes are those of the frame as it is given to the transport, without the 16 bytes of the transport's own header.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <tuple>

#include "base/bytes.h"
#include "base/ids.h"
#include "consensus/factory/factory.h"

namespace conclave::sim::compare {

struct Traffic {
  struct Count {
    uint64_t messages = 0;
    uint64_t bytes = 0;
    friend bool operator==(const Count&, const Count&) = default;
  };
  struct Kind {
    bool background = false;  // goes on without writes
    Count count;
    friend bool operator==(const Kind&, const Kind&) = default;
  };
  // By the names of docs/protocols and wire/peer; what Raft sends as a heartbeat, an Append without entries, and its
  // answer stand apart, as "Append (heartbeat)" and "Appended (heartbeat)".
  std::map<std::string, Kind> kinds;

  Count total(bool background) const;
  friend bool operator==(const Traffic&, const Traffic&) = default;
};

class TrafficMeter {
 public:
  explicit TrafficMeter(consensus::EngineKind engine) : engine_(engine) {}

  // A frame was given to the transport. REQUIRES: it is a message of wire/peer.
  void sent(ReplicaId from, ReplicaId to, BytesView frame);
  const Traffic& traffic() const { return traffic_; }
  // Counts from zero; heartbeats under way are still known.
  void reset() { traffic_ = {}; }

 private:
  struct Name {
    std::string kind;
    bool background = false;
  };
  Name name_of(ReplicaId from, ReplicaId to, BytesView frame);
  Name name_of_engine_message(ReplicaId from, ReplicaId to, const consensus::Message& message);

  const consensus::EngineKind engine_;
  Traffic traffic_;
  // Heartbeats that were not answered yet: from whom, to whom, and their stamps, which answers echo.
  std::map<std::tuple<ReplicaId, ReplicaId, std::string>, uint64_t> unanswered_;
};

}  // namespace conclave::sim::compare
