// Multi-Paxos among peers that say anything (engine_driver.h).
#include "consensus/paxos/messages.h"
#include "engine_driver.h"

namespace conclave::fuzz {
namespace {

class PaxosDriver final : public Driver {
 public:
  explicit PaxosDriver(Input& in) : Driver(in, EngineKind::paxos) {}

 private:
  Ballot ballot(ReplicaId owner) override {
    const uint64_t era = in_.number();
    return {.round = (era % (1 << 24)) * 256 + owner.value, .replica = owner};
  }
  Message message() override { return paxos::encode(body()); }
  bool refused(const Message& message) const override { return !paxos::decode(message); }

  paxos::Body body() {
    const Ballot any = in_.flag() ? promised_ : ballot(peer());
    switch (in_.below(13)) {
      case 0:
        return paxos::PreVote{.attempt = in_.number()};
      case 1:
        return paxos::PreVoteReply{.attempt = in_.number(),
                                   .granted = in_.flag(),
                                   .promised = any,
                                   .committed = index(),
                                   .retry_after = Duration{static_cast<int64_t>(in_.number())}};
      case 2:
        return paxos::Prepare{.ballot = any, .from_index = index(), .proof = in_.flag() ? promised_ : Ballot()};
      case 3:
        return paxos::Promise{.ballot = any,
                              .committed = index(),
                              .covers_from = index(),
                              .covers_to = in_.flag() ? paxos::kEnd : index(),
                              .entries = entries({})};
      case 4:
        return paxos::Accept{.ballot = any, .committed = index(), .stamp = stamp(), .entries = entries(any)};
      case 5:
        return paxos::Accepted{
            .ballot = any, .first = index(), .last = index(), .committed = index(), .stamp = stamp()};
      case 6:
        return paxos::Nack{.ballot = any, .promised = ballot(peer())};
      case 7:
        return paxos::Heartbeat{.ballot = any, .committed = index(), .stamp = stamp()};
      case 8:
        return paxos::HeartbeatAck{.ballot = any,
                                   .stamp = stamp(),
                                   .committed = index(),
                                   .received = index(),
                                   .durable = index(),
                                   .damaged_last = index()};
      case 9:
        return paxos::Learn{.from = index()};
      case 10:
        return paxos::Learned{.committed = index(), .entries = entries(any)};
      case 11:
        return paxos::Chosen{.ballot = any, .committed = index()};
      default:
        return paxos::TransferNow{.ballot = any};
    }
  }
  std::optional<Message> answer_to(const Message& asked) override {
    const auto question = paxos::decode(asked);
    std::optional<paxos::Body> body;
    if (const auto* pre_vote = std::get_if<paxos::PreVote>(&*question)) {
      body = paxos::PreVoteReply{.attempt = pre_vote->attempt, .granted = true};
    } else if (const auto* prepare = std::get_if<paxos::Prepare>(&*question)) {
      body = paxos::Promise{.ballot = prepare->ballot,
                            .committed = in_.flag() ? index() : Index(0),
                            .covers_from = prepare->from_index,
                            .covers_to = paxos::kEnd,
                            .entries = entries({})};
    } else if (const auto* accept = std::get_if<paxos::Accept>(&*question)) {
      body = paxos::Accepted{.ballot = accept->ballot,
                             .first = accept->entries.front().index,
                             .last = accept->entries.back().index,
                             .committed = accept->committed,
                             .stamp = accept->stamp};
    } else if (const auto* heartbeat = std::get_if<paxos::Heartbeat>(&*question)) {
      const Index at = in_.flag() ? index() : heartbeat->committed;
      body = paxos::HeartbeatAck{.ballot = heartbeat->ballot,
                                 .stamp = heartbeat->stamp,
                                 .committed = at,
                                 .received = at,
                                 .durable = at,
                                 .damaged_last = in_.flag() ? index() : Index(0)};
    } else if (const auto* learn = std::get_if<paxos::Learn>(&*question)) {
      paxos::Learned learned{.committed = learn->from + 8, .entries = entries(promised_)};
      for (size_t i = 0; i < learned.entries.size(); ++i) learned.entries[i].index = learn->from + i;
      body = std::move(learned);
    }
    if (!body) return std::nullopt;
    return paxos::encode(std::move(*body));
  }
};

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  conclave::fuzz::Input in(data, size);
  conclave::fuzz::PaxosDriver(in).run();
  return 0;
}
