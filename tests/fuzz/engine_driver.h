// A real engine whose peers say anything: well-formed messages with any numbers, bytes that are none, and, so that it
// also gets to lead, fitting answers to what it sent. Whatever they say, it must keep its own word: entries given out
// in order and once, persist numbers and promised ballots that never go back, nothing sent that a peer would refuse.
// Agreement is no promise here, since no engine assumes lying peers; the simulator checks it with honest ones.
//
// Whoever derives from Driver knows the messages of one kind of engine.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "consensus/factory/factory.h"
#include "consensus/parts/stamp.h"
#include "input.h"

namespace conclave::fuzz {

using namespace consensus;

inline constexpr ReplicaId kSelf(1);
inline constexpr size_t kMessagesKept = 8;

class Driver {
 public:
  Driver(Input& in, EngineKind kind) : in_(in), kind_(kind) {}
  virtual ~Driver() = default;

  void run() {
    begin();
    for (int steps = 0; steps < 200 && !in_.empty(); ++steps) {
      if (auto body = event()) step(std::move(*body));
    }
    (void)engine_->status(now_);
  }

 protected:
  // As its owner could have made it, mostly a low one.
  virtual Ballot ballot(ReplicaId owner) = 0;
  // Well formed, with any numbers.
  virtual Message message() = 0;
  // What an honest peer might say to this.
  virtual std::optional<Message> answer_to(const Message& question) = 0;
  virtual bool refused(const Message& message) const = 0;

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
  consensus::Stamp stamp() {
    return {.sent = in_.flag() ? now_ : Instant{static_cast<int64_t>(in_.number())}, .read_round = in_.number()};
  }

  Input& in_;
  Instant now_{1'000'000'000};
  Ballot promised_;

 private:
  void begin() {
    Config config;
    config.self = kSelf;
    const uint8_t shape = in_.byte();
    const bool observer = (shape & 0x0F) == 0x0F;
    config.members = {{kSelf, !observer}, {ReplicaId(2)}, {ReplicaId(3)}, {ReplicaId(4), false}};
    config.learning = static_cast<Learning>((shape >> 4) % 3);
    config.leases = (shape & 0x40) == 0;
    config.slots_in_flight_max = 64;
    Recovered recovered;
    if ((shape & 0x80) != 0) recovered = recover();
    given_ = recovered.snapshot_index;
    promised_ = recovered.hard_state.promised;
    engine_ = make_engine(kind_, config, std::move(recovered));
    step(Tick{});  // gives out what was known to be committed
  }

  Recovered recover() {
    Recovered out;
    out.hard_state.promised = in_.flag() ? ballot(peer()) : Ballot();
    out.snapshot_index = Index(in_.below(4));
    // Multi-Paxos does not look at it.
    if (kind_ == EngineKind::raft && out.snapshot_index != Index()) out.snapshot_ballot = ballot(peer());
    uint64_t next = out.snapshot_index.value + 1;
    for (size_t n = in_.below(5); n > 0; --n, ++next) {
      out.entries.push_back({.index = Index(next), .ballot = ballot(peer()), .kind = EntryKind::noop, .payload = {}});
      next += in_.below(4) == 3 ? 1 : 0;
    }
    out.hard_state.committed = Index(in_.below(6));
    if (in_.flag()) out.damaged.push_back(Index(1 + in_.below(8)));
    return out;
  }

  // To one of the messages sent last.
  std::optional<EventBody> answer() {
    if (sent_.empty()) return std::nullopt;
    const Envelope& asked = sent_[sent_.size() - 1 - in_.below(sent_.size())];
    auto said = answer_to(asked.message);
    if (!said) return std::nullopt;
    return MessageReceived{asked.to, *std::move(said)};
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
        return MessageReceived{peer(), message()};
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
    require(!refused(envelope.message), "the engine sends nothing that a peer refuses");
    sent_.push_back(envelope);
    if (sent_.size() > kMessagesKept) sent_.pop_front();
  }

  struct Writing {
    uint64_t number = 0;
    std::vector<Envelope> then_send;
  };

  const EngineKind kind_;
  std::unique_ptr<Engine> engine_;
  Index given_;
  uint64_t last_persist_ = 0;
  std::deque<Writing> writing_;
  std::deque<Envelope> sent_;
};

}  // namespace conclave::fuzz
