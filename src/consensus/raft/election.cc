#include "consensus/raft/election.h"

#include "base/log.h"
#include "base/probe.h"

namespace conclave::raft {
namespace {

constexpr Duration kJitter = Duration::millis(30);  // separates servers that lost the same leader at the same moment

}  // namespace

Election::Election(Core& core, const Election& other)
    : core_(core),
      deadline_(other.deadline_),
      asking_(other.asking_),
      standing_(other.standing_),
      refused_(other.refused_),
      votes_(other.votes_),
      proof_(other.proof_),
      own_vote_persist_(other.own_vote_persist_),
      resend_at_(other.resend_at_),
      give_up_at_(other.give_up_at_) {}

void Election::rest(Duration low, Duration high) {
  asking_ = standing_ = false;
  deadline_ = core_.now + core_.random_between(low, high);
}

void Election::leader_unreachable(Instant bound_until) {
  if (standing_) return;
  deadline_ = std::min(deadline_, std::max(bound_until, core_.now) + core_.random_between(Duration{0}, kJitter));
}

void Election::ask_pre_votes() {
  asking_ = true;
  votes_.reset();
  votes_.set(core_.config.self.value);
  const RequestVote question{.ballot = {.round = core_.term + 1, .replica = core_.config.self},
                             .pre = true,
                             .last_index = core_.log.last(),
                             .last_ballot = core_.log.last_ballot(),
                             .proof = {}};
  if (question.ballot.round > UINT32_MAX) return give_up();
  core_.for_each_voter([&](ReplicaId id) { core_.outbox.send(id, question); });
  deadline_ = core_.now + core_.random_between(core_.config.heartbeat, core_.config.heartbeat * 3);
  if (core_.quorum().reached(votes_)) stand();
}

void Election::stand(Ballot proof) {
  if (core_.term + 1 > UINT32_MAX) {  // it becomes the epoch of zxids
    log::error("raft", "cannot stand: no term is left", {{"term", core_.term}});
    return give_up();
  }
  asking_ = false;
  standing_ = true;
  refused_ = false;
  votes_.reset();
  core_.enter(core_.term + 1);
  core_.voted_for = core_.config.self;
  core_.outbox.persist_hard_state();
  own_vote_persist_ = core_.outbox.persist_number();
  proof_ = proof;
  give_up_at_ = core_.now + core_.config.election_timeout_max;
  request_votes();
  log::info("raft", "stands for the lead", {{"term", core_.term}, {"transfer", proof ? "yes" : "no"}});
}

void Election::request_votes() {
  resend_at_ = core_.now + core_.config.heartbeat * 2;
  const RequestVote request{.ballot = core_.vote(),
                            .pre = false,
                            .last_index = core_.log.last(),
                            .last_ballot = core_.log.last_ballot(),
                            .proof = proof_};
  core_.for_each_voter([&](ReplicaId id) {
    if (!votes_.test(id.value)) core_.outbox.send_when_durable(id, request);
  });
}

void Election::tick() {
  if (!standing_) return;
  if (core_.now >= give_up_at_) {
    CONCLAVE_PROBE("raft.election-times-out");
    core_.reason = refused_ ? "the vote is split" : "no majority voted in time";
    return refused_ ? rest(Duration{0}, Duration{0}) : give_up();
  }
  if (core_.now >= resend_at_) request_votes();
}

void Election::on(ReplicaId from, const Vote& vote) {
  const bool ours = vote.pre ? asking_ && vote.ballot == Ballot{.round = core_.term + 1, .replica = core_.config.self}
                             : standing_ && vote.ballot == core_.vote();
  if (!ours) return;
  if (vote.granted) {
    votes_.set(from.value);
    if (vote.pre && core_.quorum().reached(votes_)) stand();
    return;
  }
  CONCLAVE_PROBE("raft.vote-refused");
  if (!vote.pre) {
    // Others may suffice. If they do not, the vote is split: whoever draws the shorter time tries again first.
    if (refused_ || vote.term != core_.term) return;
    refused_ = true;
    give_up_at_ = std::min(give_up_at_, core_.now + core_.random_between(Duration{0}, core_.config.heartbeat * 2));
    return;
  }
  // Somebody hears a leader that we do not, or will for a while.
  const Duration wait = std::min(vote.retry_after, core_.config.election_timeout_max);
  deadline_ = std::min(deadline_, core_.now + wait + core_.random_between(Duration{0}, kJitter));
}

void Election::persisted(uint64_t persist) {
  if (standing_ && own_vote_persist_ <= persist) votes_.set(core_.config.self.value);
}

bool Election::take_won() {
  if (!standing_ || !core_.quorum().reached(votes_)) return false;
  standing_ = false;
  return true;
}

void Election::give_up() {
  rest(kJitter, core_.config.election_timeout_min);
}

void Election::fold(consensus::StateFold& fold, bool waits) const {
  fold.add(asking_, standing_);
  if (asking_ || standing_) {
    for (const ReplicaId id : core_.quorum().voters()) fold.add(votes_.test(id.value));
  }
  if (standing_) {
    fold.add(refused_, proof_, core_.outbox.persists_ahead(own_vote_persist_));
    fold.remaining(resend_at_);
    fold.remaining(give_up_at_);
  } else if (waits) {
    fold.remaining(deadline_);
  }
}

}  // namespace conclave::raft
