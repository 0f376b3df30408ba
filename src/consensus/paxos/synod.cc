#include "consensus/paxos/synod.h"

#include "base/assert.h"
#include "consensus/paxos/ballots.h"

namespace conclave::paxos::synod {

std::expected<Promise, Rejection> Acceptor::prepare(Ballot number) {
  if (number < state_.promised) return std::unexpected(Rejection{state_.promised});
  state_.promised = number;
  return Promise{.number = number, .accepted = state_.accepted};
}

std::expected<Accepted, Rejection> Acceptor::accept(const Proposal& proposal) {
  if (proposal.number < state_.promised) return std::unexpected(Rejection{state_.promised});
  state_.promised = proposal.number;
  state_.accepted = proposal;
  return Accepted{proposal};
}

Proposer::Proposer(ReplicaId self, Quorum quorum, Value wanted)
    : self_(self), quorum_(std::move(quorum)), wanted_(std::move(wanted)) {}

Ballot Proposer::prepare() {
  number_ = next_ballot(self_, std::max(round_seen_, number_.round));
  promises_.reset();
  highest_.reset();
  settled_.reset();
  return number_;
}

void Proposer::promised(ReplicaId from, const Promise& promise) {
  if (promise.number != number_ || settled_) return;
  promises_.set(from.value);
  if (promise.accepted && (!highest_ || promise.accepted->number > highest_->number)) highest_ = promise.accepted;
  if (quorum_.reached(promises_)) settled_ = Proposal{.number = number_, .value = highest_ ? highest_->value : wanted_};
}

void Proposer::rejected(const Rejection& rejection) {
  round_seen_ = std::max(round_seen_, rejection.promised.round);
}

std::optional<Proposal> Proposer::accept() const {
  if (round_seen_ > number_.round) return std::nullopt;
  return settled_;
}

void Learner::accepted(ReplicaId by, const Accepted& message) {
  ReplicaSet& acceptors = acceptors_[message.proposal.number];
  acceptors.set(by.value);
  if (!quorum_.reached(acceptors)) return;
  if (!chosen_) chosen_ = message.proposal.value;
  CONCLAVE_ASSERT(*chosen_ == message.proposal.value);  // P2: two chosen values would end every promise of the cell
}

}  // namespace conclave::paxos::synod
