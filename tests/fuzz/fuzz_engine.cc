// A real engine whose peers say anything: well-formed messages with any numbers, bytes that are none, and, so that it
// also gets to lead, fitting answers to what it sent. Whatever they say, it must keep its own word: entries given out
// in order and once, persist numbers and promised ballots that never go back, nothing sent that a peer would refuse.
// Agreement is no promise here, since Paxos does not assume lying peers; the simulator checks it with honest ones.
#include <deque>
#include <optional>

#include "consensus/factory/factory.h"
#include "consensus/paxos/messages.h"
#include "input.h"

namespace conclave::fuzz {
namespace {

using namespace consensus;

constexpr ReplicaId kSelf(1);
constexpr size_t kMessagesKept = 8;

class Driver {
 public:
  explicit Driver(Input& in) : in_(in) {
    Config config;
    config.self = kSelf;
    const uint8_t shape = in.byte();
    const bool observer = (shape & 0x0F) == 0x0F;
    config.members = {{kSelf, !observer}, {ReplicaId(2)}, {ReplicaId(3)}, {ReplicaId(4), false}};
    config.learning = static_cast<Learning>((shape >> 4) % 3);
    config.leases = (shape & 0x40) == 0;
    config.slots_in_flight_max = 64;
    Recovered recovered;
    if ((shape & 0x80) != 0) recovered = recover();
    given_ = recovered.snapshot_index;
    promised_ = recovered.hard_state.promised;
    engine_ = make_engine(EngineKind::paxos, config, std::move(recovered));
    step(Tick{});  // gives out what was known to be committed
  }

  void run() {
    for (int steps = 0; steps < 200 && !in_.empty(); ++steps) {
      if (auto body = event()) step(std::move(*body));
    }
    (void)engine_->status(now_);
  }

 private:
  // Rounds that their owner could have made, mostly low ones.
  Ballot ballot(ReplicaId owner) {
    const uint64_t era = in_.number();
    return {.round = (era % (1 << 24)) * 256 + owner.value, .replica = owner};
  }
  ReplicaId peer() { return ReplicaId(static_cast<uint8_t>(2 + in_.below(3))); }
  // Low, or out of every bound: what lies between, within the million slots of a window, is only slow.
  uint64_t slot() {
    const uint64_t number = in_.number();
    return number <= 2 * (uint64_t{1} << 20) + 256 ? number % 256 : number;
  }
  Index index() { return Index(slot()); }
  std::vector<Entry> entries(Ballot one_ballot) {
    std::vector<Entry> out(in_.below(4));
    uint64_t next = std::max<uint64_t>(slot(), 1);
    for (Entry& entry : out) {
      entry = {.index = Index(next), .ballot = one_ballot ? one_ballot : ballot(peer())};
      entry.kind = static_cast<EntryKind>(in_.below(2));
      if (entry.kind == EntryKind::transaction) entry.payload = Blob(Bytes(in_.bytes()));
      next += one_ballot ? 1 : 1 + in_.below(3);
    }
    return out;
  }

  Recovered recover() {
    Recovered out;
    out.hard_state.promised = in_.flag() ? ballot(peer()) : Ballot();
    out.snapshot_index = Index(in_.below(4));
    uint64_t next = out.snapshot_index.value + 1;
    for (size_t n = in_.below(5); n > 0; --n, ++next) {
      out.entries.push_back({.index = Index(next), .ballot = ballot(peer()), .kind = EntryKind::noop, .payload = {}});
      next += in_.below(4) == 3 ? 1 : 0;
    }
    out.hard_state.committed = Index(in_.below(6));
    if (in_.flag()) out.damaged.push_back(Index(1 + in_.below(8)));
    return out;
  }

  std::optional<EventBody> event() {
    switch (in_.below(12)) {
      case 0:
        now_ = now_ + Duration::millis(10 * static_cast<int64_t>(in_.byte()));
        return Tick{};
      case 1:
      case 2:
        return answer();
      case 3:
        return persisted();
      case 4:
        return Propose{.cookie = 1, .payloads = std::vector<Blob>(in_.below(4), Blob(Bytes(in_.bytes())))};
      case 5:
        return ReadBarrier{.token = in_.byte()};
      case 6:
        return TransferLead{.to = ReplicaId(static_cast<uint8_t>(in_.below(6)))};
      case 7:
        return PeerHint{.peer = peer(), .up = in_.flag()};
      case 8:
        return snapshot();
      case 9:
        return MessageReceived{peer(), {.type = in_.byte(), .header = Bytes(in_.bytes()), .entries = entries({})}};
      default:
        return MessageReceived{peer(), paxos::encode(message())};
    }
  }

  // The oldest output still being written is durable now.
  std::optional<EventBody> persisted() {
    if (writing_.empty()) return std::nullopt;
    const uint64_t number = writing_.front().number;
    for (const Envelope& envelope : writing_.front().then_send) sent(envelope);
    writing_.pop_front();
    return Persisted{.persist = number};
  }

  std::optional<EventBody> snapshot() {
    if (in_.flag()) {
      const Index taken(in_.below(given_.value + 1));
      return SnapshotTaken{.index = taken, .ballot = ballot(peer()), .keep_after = Index(in_.below(taken.value + 1))};
    }
    const Index to = given_ + in_.byte();
    given_ = to;
    return SnapshotInstalled{.index = to, .ballot = ballot(peer())};
  }

  paxos::Body message() {
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
  paxos::Stamp stamp() {
    return {.sent = in_.flag() ? now_ : Instant{static_cast<int64_t>(in_.number())}, .read_round = in_.number()};
  }

  // What an honest peer might say to one of the messages sent last.
  std::optional<EventBody> answer() {
    if (sent_.empty()) return std::nullopt;
    const Envelope& asked = sent_[sent_.size() - 1 - in_.below(sent_.size())];
    const auto question = paxos::decode(asked.message);
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
    return MessageReceived{asked.to, paxos::encode(std::move(*body))};
  }

  void step(EventBody body) {
    Output out = engine_->step({.now = now_, .body = std::move(body)});
    for (const Entry& entry : out.committed) {
      require(entry.index == given_.next(), "committed entries come in order, without gaps, each once (E1)");
      given_ = entry.index;
    }
    if (out.persist.number != 0) {
      require(out.persist.number > last_persist_, "persist numbers increase");
      last_persist_ = out.persist.number;
    } else {
      require(out.persist.entries.empty() && !out.persist.hard_state, "what is to be persisted has a number");
    }
    if (out.persist.hard_state) {
      require(out.persist.hard_state->promised >= promised_, "a promise is never taken back (PX-10)");
      promised_ = out.persist.hard_state->promised;
    }
    for (const Envelope& envelope : out.send) sent(envelope);
    if (out.persist.number != 0) {
      writing_.push_back({.number = out.persist.number, .then_send = std::move(out.send_when_durable)});
    } else if (!writing_.empty()) {
      auto& later = writing_.back().then_send;
      later.insert(later.end(), out.send_when_durable.begin(), out.send_when_durable.end());
    } else {
      for (const Envelope& envelope : out.send_when_durable) sent(envelope);
    }
  }

  void sent(const Envelope& envelope) {
    require(envelope.to.value >= 2 && envelope.to.value <= 4, "messages go to peers");
    const auto body = paxos::decode(envelope.message);
    require(body.has_value(), "the engine sends nothing that a peer refuses");
    sent_.push_back(envelope);
    if (sent_.size() > kMessagesKept) sent_.pop_front();
  }

  struct Writing {
    uint64_t number = 0;
    std::vector<Envelope> then_send;
  };

  Input& in_;
  std::unique_ptr<Engine> engine_;
  Instant now_{1'000'000'000};
  Index given_;
  Ballot promised_;
  uint64_t last_persist_ = 0;
  std::deque<Writing> writing_;
  std::deque<Envelope> sent_;
};

}  // namespace
}  // namespace conclave::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  conclave::fuzz::Input in(data, size);
  conclave::fuzz::Driver(in).run();
  return 0;
}
