#include "sim/compare/traffic.h"

#include <array>
#include <string_view>
#include <variant>

#include "base/assert.h"
#include "wire/peer/peer_message.h"

namespace conclave::sim::compare {
namespace {

using wire::peer::PeerMessage;

constexpr std::string_view kHeartbeat = " (heartbeat)";

// In the order of PeerMessage, behind the engine's.
constexpr std::array<std::string_view, 8> kNames = {"Forward",      "Answers",       "Touches",      "SnapshotOffer",
                                                    "SnapshotPull", "SnapshotChunk", "TouchesHeard", "Introduction"};
static_assert(std::variant_size_v<PeerMessage> == kNames.size() + 1);

std::string_view stamp_of(std::string_view description) {
  const size_t at = description.find("stamp=");
  if (at == std::string_view::npos) return {};
  description.remove_prefix(at);
  return description.substr(0, description.find(' '));
}

}  // namespace

Traffic::Count Traffic::total(bool background) const {
  Count total;
  for (const auto& [name, kind] : kinds) {
    if (kind.background != background) continue;
    total.messages += kind.count.messages;
    total.bytes += kind.count.bytes;
  }
  return total;
}

void TrafficMeter::sent(ReplicaId from, ReplicaId to, BytesView frame) {
  const Name name = name_of(from, to, frame);
  Traffic::Kind& kind = traffic_.kinds[name.kind];
  kind.background = name.background;
  ++kind.count.messages;
  kind.count.bytes += frame.size();
}

TrafficMeter::Name TrafficMeter::name_of(ReplicaId from, ReplicaId to, BytesView frame) {
  const auto message = wire::peer::decode(frame);
  CONCLAVE_ASSERT(message.has_value());
  if (const auto* engine = std::get_if<wire::peer::EngineMessage>(&*message)) {
    return name_of_engine_message(from, to, engine->message);
  }
  const bool touches = std::holds_alternative<wire::peer::Touches>(*message) ||
                       std::holds_alternative<wire::peer::TouchesHeard>(*message);
  return {.kind = std::string(kNames[message->index() - 1]), .background = touches};
}

TrafficMeter::Name TrafficMeter::name_of_engine_message(ReplicaId from, ReplicaId to,
                                                        const consensus::Message& message) {
  const std::string description = consensus::describe(engine_, message);
  const std::string name = description.substr(0, description.find(' '));
  if (name.starts_with("Heartbeat")) return {.kind = name, .background = true};  // and HeartbeatAck
  const std::string stamp(stamp_of(description));
  if (name == "Append" && message.entries.empty()) {
    ++unanswered_[{from, to, stamp}];
    return {.kind = name + std::string(kHeartbeat), .background = true};
  }
  if (name == "Appended") {
    const auto asked = unanswered_.find({to, from, stamp});
    if (asked != unanswered_.end()) {
      if (--asked->second == 0) unanswered_.erase(asked);
      return {.kind = name + std::string(kHeartbeat), .background = true};
    }
  }
  return {.kind = name, .background = false};
}

}  // namespace conclave::sim::compare
