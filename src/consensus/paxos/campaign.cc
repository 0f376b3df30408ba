#include "consensus/paxos/campaign.h"

#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"
#include "consensus/paxos/ballots.h"

namespace conclave::paxos {
namespace {

constexpr Duration kJitter = Duration::millis(30);  // separates replicas that lost the same master at the same moment

}  // namespace

Campaign::Campaign(Core& core, Learner& learner, const Campaign& other)
    : core_(core),
      learner_(learner),
      deadline_(other.deadline_),
      attempt_(other.attempt_),
      attempt_open_(other.attempt_open_),
      grants_(other.grants_),
      promises_(other.promises_),
      proof_(other.proof_),
      own_promise_persist_(other.own_promise_persist_),
      resend_at_(other.resend_at_),
      give_up_at_(other.give_up_at_) {}

void Campaign::rest(Duration low, Duration high) {
  attempt_open_ = false;
  promises_.reset();
  deadline_ = core_.now + core_.random_between(low, high);
}

void Campaign::master_unreachable(Instant bound_until) {
  if (preparing()) return;
  deadline_ = std::min(deadline_, std::max(bound_until, core_.now) + core_.random_between(Duration{0}, kJitter));
}

void Campaign::ask_pre_votes() {
  attempt_open_ = true;
  ++attempt_;
  grants_.reset();
  grants_.set(core_.config.self.value);
  for (const ReplicaId id : core_.quorum().voters()) {
    if (id != core_.config.self) core_.outbox.send(id, PreVote{.attempt = attempt_});
  }
  deadline_ = core_.now + core_.random_between(core_.config.heartbeat, core_.config.heartbeat * 3);
  if (core_.quorum().reached(grants_)) prepare();
}

void Campaign::on(ReplicaId from, const PreVoteReply& reply) {
  core_.saw(reply.promised);
  if (!attempt_open_ || reply.attempt != attempt_) return;
  if (!reply.granted) {
    // Somebody hears a master that we do not, or will for a while: what it knows to be chosen is of use all the same.
    if (reply.committed > core_.log.committed()) learner_.ask(from);
    const Duration wait = std::min(reply.retry_after, core_.config.election_timeout_max);
    deadline_ = std::min(deadline_, core_.now + wait + core_.random_between(Duration{0}, kJitter));
    return;
  }
  grants_.set(from.value);
  if (core_.quorum().reached(grants_)) prepare();
}

void Campaign::prepare(Ballot proof) {
  attempt_open_ = false;
  const uint64_t round = std::max(core_.round_seen, core_.promised.round);
  if (!has_next_ballot(core_.config.self, round)) {
    log::error("paxos", "cannot campaign: no ballot is left above one that was named", {{"round", round}});
    return refused();
  }
  Ballot ballot = next_ballot(core_.config.self, round);
  if (CONCLAVE_PLANT(rounds_shared)) ballot.round = round + 1;
  core_.promised = ballot;
  core_.saw(ballot);
  core_.outbox.persist_hard_state();
  own_promise_persist_ = core_.outbox.persist_number();
  promises_.emplace(ballot, core_.log.committed().next());
  proof_ = proof;
  give_up_at_ = core_.now + core_.config.election_timeout_max;
  send_prepare();
  log::info("paxos", "campaigns for the lead", {{"ballot", to_string(ballot)}, {"transfer", proof ? "yes" : "no"}});
}

void Campaign::send_prepare() {
  resend_at_ = core_.now + core_.config.heartbeat * 2;
  for (const ReplicaId id : core_.quorum().voters()) {
    if (id == core_.config.self || promises_->complete().test(id.value)) continue;
    core_.outbox.send_when_durable(
        id, Prepare{.ballot = promises_->ballot(), .from_index = promises_->from(), .proof = proof_});
  }
}

void Campaign::tick() {
  if (!preparing()) return;
  if (core_.now >= give_up_at_) {
    CONCLAVE_PROBE("paxos.campaign-times-out");
    core_.reason = "no quorum promised in time";
    return refused();
  }
  if (core_.now >= resend_at_) send_prepare();
}

void Campaign::on(ReplicaId from, const Promise& promise) {
  if (promises_ && !promises_->add(from, promise)) core_.log_drop(from, "Promise: slots too far ahead");
}

void Campaign::persisted(uint64_t persist) {
  if (!promises_ || own_promise_persist_ > persist) return;
  if (promises_->complete().test(core_.config.self.value)) return;
  const SlotLog& log = core_.log;
  Promise own{.ballot = promises_->ballot(),
              .committed = log.committed(),
              .covers_from = promises_->from(),
              .covers_to = kEnd,
              .entries = {}};
  for (Index i = log.committed().next(); i <= log.last(); i = i.next()) {
    if (const Entry* entry = log.at(i)) own.entries.push_back(*entry);
  }
  promises_->add(core_.config.self, own);
}

void Campaign::refused() {
  rest(kJitter, core_.config.election_timeout_min);
}

void Campaign::fold(consensus::StateFold& fold, bool waits) const {
  fold.add(attempt_, attempt_open_, preparing());
  if (attempt_open_) {
    for (const ReplicaId id : core_.quorum().voters()) fold.add(grants_.test(id.value));
  }
  if (preparing()) {
    promises_->fold(fold);
    fold.add(proof_, core_.outbox.persists_ahead(own_promise_persist_));
    fold.remaining(resend_at_);
    fold.remaining(give_up_at_);
  } else if (waits) {
    fold.remaining(deadline_);
  }
}

std::optional<PromiseSet> Campaign::take_won() {
  if (!promises_) return std::nullopt;
  if (!core_.quorum().reached(promises_->complete())) return std::nullopt;
  return std::exchange(promises_, std::nullopt);
}

}  // namespace conclave::paxos
