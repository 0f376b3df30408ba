#include "consensus/paxos/follower.h"

#include "base/plant.h"
#include "base/probe.h"

namespace conclave::paxos {

void Follower::follow(Ballot ballot, ReplicaId master) {
  core_.promised = ballot;
  core_.saw(ballot);
  master_ = master;
  bound_until_ = core_.now + core_.config.election_timeout_min;
  if (ballot == ballot_) return;
  ballot_ = ballot;
  learner_.set_ballot(ballot);
  received_ = core_.log.committed();
  durable_ = std::min(durable_, received_);
  advance_received();
}

void Follower::advance_received() {
  received_ = std::max(received_, core_.log.committed());
  for (const Entry* entry = core_.log.at(received_.next()); entry && entry->ballot == ballot_;
       entry = core_.log.at(received_.next())) {
    received_ = received_.next();
  }
}

void Follower::promise(ReplicaId to, Index from_index) {
  const SlotLog& log = core_.log;
  Promise part{.ballot = core_.promised,
               .committed = log.committed(),
               .covers_from = std::max(from_index, log.committed().next()),
               .covers_to = kEnd,
               .entries = {}};
  size_t bytes = 0;
  for (Index i = part.covers_from; i <= log.last(); i = i.next()) {
    const Entry* entry = log.at(i);
    if (!entry) continue;
    bytes += entry->payload.size();
    if (!part.entries.empty() && bytes > core_.config.message_bytes_max) {
      CONCLAVE_PROBE("paxos.promise-in-parts");
      Promise rest{
          .ballot = part.ballot, .committed = part.committed, .covers_from = i, .covers_to = kEnd, .entries = {}};
      part.covers_to = i.prev();
      core_.outbox.send_when_durable(to, std::exchange(part, std::move(rest)));
      bytes = entry->payload.size();
    }
    part.entries.push_back(*entry);
  }
  core_.outbox.send_when_durable(to, std::move(part));
}

void Follower::accept(ReplicaId from, Accept message) {
  const Index first = message.entries.front().index;
  const Index last = message.entries.back().index;
  if (last > core_.log.committed() + Tally::kWindowMax) return core_.log_drop(from, "Accept: slots too far ahead");
  bool stored = false;
  for (Entry& entry : message.entries) {
    if (entry.index <= core_.log.committed()) continue;  // chosen: nothing else can ever be proposed there
    const Entry* own = core_.log.at(entry.index);
    if (own && own->ballot == entry.ballot) continue;
    core_.accept(std::move(entry));
    stored = true;
  }
  advance_received();
  if (stored) {
    core_.marks.add({.persist = core_.outbox.persist_number(),
                     .ballot = ballot_,
                     .first = first,
                     .last = last,
                     .received = received_});
  }
  learner_.told(message.committed);
  const Accepted reply{
      .ballot = ballot_, .first = first, .last = last, .committed = core_.log.committed(), .stamp = message.stamp};
  for (const ReplicaId to : learner_.audience(master_)) {
    if (CONCLAVE_PLANT(accepted_before_durable)) core_.outbox.send(to, reply);
    core_.outbox.send_when_durable(to, reply);
  }
}

void Follower::acknowledge_heartbeat(Stamp stamp) {
  advance_received();
  if (core_.marks.empty()) durable_ = received_;
  core_.outbox.send(master_, HeartbeatAck{.ballot = ballot_,
                                          .stamp = stamp,
                                          .committed = core_.log.committed(),
                                          .received = received_,
                                          .durable = std::min(durable_, received_),
                                          .damaged_last = core_.damaged.empty() ? Index(0) : core_.damaged.back(),
                                          .noted = core_.outbox.noted(),
                                          .abstains = core_.memberships.abstains()});
}

void Follower::persisted(const DurableMark& mark) {
  if (mark.ballot && mark.ballot != ballot_) return;
  durable_ = std::max(durable_, mark.received);
  if (!mark.ballot) return;
  if (core_.config.learning != consensus::Learning::distinguished) {
    learner_.accepted(core_.config.self, mark.first, mark.last);
  }
}

}  // namespace conclave::paxos
