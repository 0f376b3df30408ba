// Gathers the Output of one event. Every part of an engine writes here; nothing else makes outputs. Pure.
//
//   1  Persist numbers increase by one; an output without anything to persist has number 0.
//   2  If something waits for durability while earlier persists are outstanding, the output gets a persist of its own,
//      so that E2 holds even for a driver that looks at one output alone.
//
// Body: the engine's variant of messages, with a function encode(Body) beside it.
#pragma once

#include <algorithm>
#include <deque>
#include <utility>
#include <vector>

#include "consensus/api/output.h"
#include "consensus/api/state_fold.h"

namespace conclave::consensus {

template <class Body>
class Outbox {
 public:
  void send(ReplicaId to, Body body) { out_.send.push_back({.to = to, .message = encode(std::move(body))}); }
  void send(ReplicaId to, Message message) { out_.send.push_back({.to = to, .message = std::move(message)}); }
  void send_when_durable(ReplicaId to, Body body) {
    out_.send_when_durable.push_back({.to = to, .message = encode(std::move(body))});
  }
  void persist(Entry entry) { out_.persist.entries.push_back(std::move(entry)); }
  // Entries from `from` on are void, before those of this output are written.
  void truncate(Index from) { out_.persist.truncate_from = std::min(out_.persist.truncate_from.value_or(from), from); }
  // The hard state must be written with this output even if nothing else is.
  void persist_hard_state() { forced_ = true; }
  Output& output() { return out_; }

  // Number that this output's persist will have if there is one.
  uint64_t persist_number() const { return persisted_to_ + 1; }
  void durable(uint64_t persist) {
    durable_to_ = std::max(durable_to_, persist);
    for (; !noting_.empty() && noting_.front().persist <= persist; noting_.pop_front())
      noted_ = noting_.front().committed;
  }
  // The committed index that is on the disk: what a restart will know of.
  Index noted() const { return noted_; }
  // How many persists after the last durable one number `persist` is; 0: it is durable.
  uint64_t persists_ahead(uint64_t persist) const { return persist > durable_to_ ? persist - durable_to_ : 0; }
  bool anything_outstanding() const { return durable_to_ < persisted_to_; }
  const HardState& hard_state() const { return written_; }
  void fold(StateFold& fold) const {
    fold.add(written_.promised, written_.committed, written_.owed, persists_ahead(persisted_to_), noted_);
    for (const Noting& noting : noting_) fold.add(persists_ahead(noting.persist), noting.committed);
  }
  void recovered(const HardState& state) {
    written_ = state;
    noted_ = state.committed;
  }

  Output finish(const HardState& current) {
    const bool waits = !out_.send_when_durable.empty() && anything_outstanding();
    const bool changed = current.promised != written_.promised || current.owed != written_.owed;
    if (forced_ || waits || changed || out_.persist.truncate_from || !out_.persist.entries.empty()) {
      out_.persist.number = ++persisted_to_;
      if (forced_ || waits || current != written_) {
        out_.persist.hard_state = current;
        if (current.committed != written_.committed) noting_.push_back({persisted_to_, current.committed});
      }
      written_ = current;
    }
    forced_ = false;
    return std::exchange(out_, {});
  }

 private:
  struct Noting {
    uint64_t persist;
    Index committed;
  };
  Output out_;
  HardState written_;
  Index noted_;
  std::deque<Noting> noting_;  // on its way to the disk
  uint64_t persisted_to_ = 0;
  uint64_t durable_to_ = 0;
  bool forced_ = false;
};

}  // namespace conclave::consensus
