// One replica of the explored cell: the engine that ships, and around it what a driver and a disk are in this model.
// A step is a function of state and event, so that it can be remembered (replica_table.h). Pure.
//
//   1  What was persisted becomes durable one persist at a time, oldest first; a crash keeps a prefix of what was under
//      way. Of one persist all or nothing is kept: the journal writes it under one checksum.
//   2  Messages that wait for durability leave when their persist is durable, just before the engine is told.
//   3  A crash loses all but the durable part. The clock goes on.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "consensus/api/engine.h"
#include "consensus/factory/factory.h"
#include "sim/explore/messages.h"

namespace conclave::sim::explore {

// Makes the engine of one life of a replica.
using EngineMaker = std::function<std::unique_ptr<consensus::Engine>(consensus::Config, consensus::Recovered)>;

// A persist under way.
struct Writing {
  consensus::Persist persist;
  std::vector<MessageId> then_send;
};

// An acceptance that became durable. In Raft: an entry that did in a server's log.
struct Acceptance {
  consensus::Entry entry;
  consensus::Ballot previous;  // of the entry before it in that log. Raft only
  bool counts = true;  // towards its being chosen. Raft: only what is accepted from its own leader, in its term (RF-10)
};

struct ReplicaState {
  ReplicaId id;
  Instant now;
  std::shared_ptr<const consensus::Engine> engine;  // null while crashed

  // Durable.
  consensus::HardState hard_state;
  std::vector<consensus::Entry> journal;  // by index

  // Volatile.
  std::vector<Writing> writing;  // oldest first
  consensus::RoleChange role;    // as reported last
  Index applied;

  // What it ever did, in all lives, for the invariants.
  std::vector<Acceptance> accepted;     // by (index, ballot), each once
  std::vector<consensus::Entry> given;  // entries given out as committed: given[i] is index i + 1
  std::vector<uint64_t> led;            // rounds led, sorted

  void fold(consensus::StateFold& fold) const;
};

enum class ReplicaEventKind : uint8_t {
  deliver,   // message `argument`
  written,   // the oldest persist under way is durable
  crash,     // `argument` of the persists under way have become durable
  restart,   // from the durable part
  pass,      // `argument` microseconds go by
  tick,      // of the clock
  propose,   // value number `argument`
  read,      // a barrier that must see everything up to index `argument`
  transfer,  // the lead to replica `argument`
};

struct ReplicaEvent {
  ReplicaEventKind kind;
  uint32_t argument = 0;
};

struct ReplicaStep {
  ReplicaState next;
  std::vector<MessageId> sent;
  bool accepted = false;  // an acceptance became durable
  bool given = false;     // entries were given out as committed
  bool led = false;       // reported to have the lead, serving or not
  uint32_t reads_granted = 0;
  std::string violation;  // of an invariant that one replica alone can break
};

class ReplicaModel {
 public:
  ReplicaModel(consensus::EngineKind kind, EngineMaker make, consensus::Config config, Messages& messages)
      : kind_(kind), make_(std::move(make)), config_(std::move(config)), messages_(messages) {}

  // A replica that has never run, given its first event at `now`.
  ReplicaStep boot(ReplicaId id, Instant now) const;
  // REQUIRES: `written` only with a persist under way; of a crashed replica only `restart` and `pass`.
  ReplicaStep step(const ReplicaState& state, ReplicaEvent event) const;

 private:
  void start(ReplicaStep& step) const;
  void give(ReplicaStep& step, consensus::EventBody body) const;
  void perform(ReplicaStep& step, consensus::Output output) const;
  void make_durable(ReplicaStep& step) const;

  consensus::EngineKind kind_;
  EngineMaker make_;
  consensus::Config config_;
  Messages& messages_;
};

}  // namespace conclave::sim::explore
