// Single-decree Paxos, the synod: three small pure roles that agree on one value ("Paxos Made Simple" section 2).
// Nothing here is sent or stored; the caller carries the structs between the roles and keeps an Acceptor's state
// durable before it answers (PX-10). The Multi-Paxos engine runs the same rules for many slots at once.
//
//   Proposer            Acceptor
//   prepare()  -------> prepare(n)      phase 1, PX-08
//   promised() <------- Promise | Rejection
//   accept()   -------> accept(n, v)    phase 2, PX-09
//   Learner    <------- Accepted | Rejection
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <string>

#include "consensus/api/ballot.h"
#include "consensus/api/quorum.h"

namespace conclave::paxos::synod {

using consensus::Ballot;
using consensus::Quorum;
using consensus::ReplicaSet;
using Value = std::string;

struct Proposal {
  Ballot number;
  Value value;
  friend bool operator==(const Proposal&, const Proposal&) = default;
};

struct Promise {
  Ballot number;                     // the prepare request answered
  std::optional<Proposal> accepted;  // the highest-numbered proposal accepted, if any
};

// "I have promised `promised`": the proposer starts again above it (PX-10).
struct Rejection {
  Ballot promised;
};

struct Accepted {
  Proposal proposal;
};

// All that an acceptor must never forget (PX-10): minProposal, acceptedProposal, acceptedValue.
struct AcceptorState {
  Ballot promised;
  std::optional<Proposal> accepted;
  friend bool operator==(const AcceptorState&, const AcceptorState&) = default;
};

class Acceptor {
 public:
  explicit Acceptor(AcceptorState recovered = {}) : state_(std::move(recovered)) {}
  // The state to make durable before the answer just given is sent.
  const AcceptorState& state() const { return state_; }

  // Phase 1b: promises to accept nothing below `number`. P1a: nothing above it may have been promised.
  std::expected<Promise, Rejection> prepare(Ballot number);
  // Phase 2b: accepts unless a prepare request above its number was answered (P1a).
  std::expected<Accepted, Rejection> accept(const Proposal& proposal);

 private:
  AcceptorState state_;
};

class Proposer {
 public:
  // `wanted` is proposed if no promise shows an accepted proposal.
  Proposer(ReplicaId self, Quorum quorum, Value wanted);

  // Phase 1a: begins an attempt with a number above every one seen.
  Ballot prepare();
  // Takes an answer to prepare(). Answers to earlier attempts are ignored.
  void promised(ReplicaId from, const Promise& promise);
  void rejected(const Rejection& rejection);
  // Phase 2a: the proposal to send to any set of acceptors, once a majority has promised (P2c); none before, and none
  // after a rejection of this attempt. The value is settled by the first majority: a promise that comes later must not
  // change it, for one number carries one value (PX-07).
  std::optional<Proposal> accept() const;

 private:
  ReplicaId self_;
  Quorum quorum_;
  Value wanted_;
  Ballot number_;
  uint64_t round_seen_ = 0;
  ReplicaSet promises_;
  std::optional<Proposal> highest_;
  std::optional<Proposal> settled_;
};

class Learner {
 public:
  explicit Learner(Quorum quorum) : quorum_(std::move(quorum)) {}
  void accepted(ReplicaId by, const Accepted& message);
  // The value accepted by a majority under one number (PX-04).
  const std::optional<Value>& chosen() const { return chosen_; }

 private:
  Quorum quorum_;
  std::map<Ballot, ReplicaSet> acceptors_;
  std::optional<Value> chosen_;
};

}  // namespace conclave::paxos::synod
