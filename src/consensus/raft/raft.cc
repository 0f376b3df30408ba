#include "consensus/raft/raft.h"

#include <algorithm>
#include <type_traits>
#include <utility>

#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"
#include "consensus/raft/engine.h"

namespace conclave::raft {

using consensus::Role;

namespace {

constexpr Duration kHintPause = Duration::seconds(1);  // between two persists that carry the committed hint alone

}  // namespace

std::unique_ptr<consensus::Engine> make_engine(consensus::Config config, consensus::Recovered recovered) {
  return std::make_unique<Raft>(std::move(config), std::move(recovered));
}

Raft::Raft(consensus::Config config, consensus::Recovered recovered)
    : core_(std::move(config), std::move(recovered)), follower_(core_), election_(core_) {
  reported_ = current_role();
}

// The parts refer to the core: those of the copy must refer to the copy's.
Raft::Raft(const Raft& other)
    : core_(other.core_),
      follower_(core_, other.follower_),
      election_(core_, other.election_),
      reported_(other.reported_),
      started_(other.started_),
      hint_at_(other.hint_at_) {
  if (other.leadership_) leadership_.emplace(core_, *other.leadership_);
}

std::unique_ptr<consensus::Engine> Raft::clone() const {
  return std::unique_ptr<consensus::Engine>(new Raft(*this));
}

void Raft::fold(consensus::StateFold& fold) const {
  fold.add(started_);
  if (started_) fold.remaining(hint_at_ + kHintPause);
  fold.add(static_cast<uint8_t>(reported_.role), reported_.ballot, reported_.master);
  core_.fold(fold);
  follower_.fold(fold);
  election_.fold(fold, !leadership_);
  fold.add(leadership_.has_value());
  if (leadership_) leadership_->fold(fold);
}

consensus::Output Raft::step(const consensus::Event& event) {
  core_.now = event.now;
  if (!started_) start();
  std::visit([this](const auto& body) { on(body); }, event.body);
  settle();
  consensus::HardState state = core_.hard_state();
  if (state.promised.replica != ReplicaId() && CONCLAVE_PLANT(vote_not_persisted)) state.promised.replica = ReplicaId();
  return core_.outbox.finish(state);
}

void Raft::start() {
  started_ = true;
  hint_at_ = core_.now;
  follower_.start();
  if (core_.quorum().voters() == std::vector{core_.config.self}) {
    election_.rest(Duration{0}, Duration{0});  // nobody else to wait for
  } else {
    election_.leader_lives();
  }
}

// ---------------------------------------------------------------- events

void Raft::on(const consensus::Tick&) {
  if (leadership_) {
    leadership_->tick();
    if (const char* why = leadership_->lost()) {
      step_down(why);
      follower_.forget();
    }
  } else if (election_.standing()) {
    election_.tick();
  } else if (election_.due()) {
    if (follower_.leader() != ReplicaId()) core_.reason = "heard nothing from the leader";
    follower_.forget();
    if (may_stand()) election_.ask_pre_votes();
  }
  // The committed hint shortens a restart; when nothing else is written it costs one write a second at most.
  if (core_.log.committed() > core_.outbox.hard_state().committed && core_.now >= hint_at_ + kHintPause) {
    core_.outbox.persist_hard_state();
    hint_at_ = core_.now;
  }
}

void Raft::on(const consensus::Propose& event) {
  if (leadership_) return leadership_->propose(event);
  core_.outbox.output().refused.push_back(event.cookie);
}

void Raft::on(const consensus::ReadBarrier& event) {
  if (leadership_) return leadership_->read(event.token);
  core_.outbox.output().reads_refused.push_back(event.token);
}

void Raft::on(const consensus::TransferLead& event) {
  if (leadership_ && event.to == core_.config.self) {
    // Nobody else is asked: the followers are bound to us, and vote for us in the next term at once.
    CONCLAVE_PROBE("raft.next-term-by-itself");
    step_down("takes the next term");
    follower_.forget();
    return election_.stand();
  }
  if (leadership_) return leadership_->transfer(event.to);
  log::warning("raft", "cannot transfer the lead: not the leader", {{"to", to_string(event.to)}});
}

void Raft::on(const consensus::Persisted& event) {
  core_.outbox.durable(event.persist);
  core_.tail.persisted(event.persist);
  election_.persisted(event.persist);
}

void Raft::on(const consensus::SnapshotTaken& event) {
  core_.release(std::min({event.keep_after, event.index, core_.given}));
}

void Raft::on(const consensus::SnapshotInstalled& event) {
  if (event.index <= core_.log.committed()) return;
  enter_term(event.ballot.round, "installed a snapshot of a later term");  // as after a restart
  const Index before = core_.log.committed();
  const bool kept = core_.log.install(event.index, event.ballot);
  core_.memberships.install(event.index, event.membership, kept);
  core_.tail.jumped(event.index, kept);
  // All that was not committed here goes, what lies below the snapshot too: whether the journal goes on behind the
  // snapshot is told by what it holds at its index (Recovered::at_snapshot).
  if (!kept) core_.outbox.truncate(before.next());
  core_.given = event.index;
  if (core_.owed <= event.index) core_.owed = Index();
  core_.outbox.persist_hard_state();
  if (!leadership_) follower_.jumped();
}

void Raft::on(const consensus::PeerHint& event) {
  if (leadership_) return leadership_->peer_hint(event.peer, event.up);
  if (!event.up && event.peer == follower_.leader()) election_.leader_unreachable(follower_.bound_until());
}

void Raft::on(const consensus::MessageReceived& event) {
  // Of a peer that is not listed too: this server may not have heard yet that it is, or that it itself is not (section
  // 6).
  if (event.from == core_.config.self || event.from == ReplicaId()) return core_.log_drop(event.from, "not a peer");
  Result<Body> body = decode(event.message);
  if (!body) return core_.log_drop(event.from, body.error().message);
  std::visit(
      [&]<class M>(M& message) {
        constexpr bool speaks_for_itself = std::is_same_v<M, RequestVote> || std::is_same_v<M, Append> ||
                                           std::is_same_v<M, Committed> || std::is_same_v<M, TimeoutNow>;
        if constexpr (speaks_for_itself) {
          if (message.ballot.replica != event.from) return core_.log_drop(event.from, "speaks for another's ballot");
        }
        on(event.from, std::move(message));
      },
      *body);
}

// ---------------------------------------------------------------- elections (5.2, 5.4.1)

bool Raft::bound_to_other(ReplicaId candidate) const {
  if (leadership_) return leadership_->lease().live(core_.now);
  return follower_.bound_to_other(candidate);
}

bool Raft::electable(ReplicaId candidate, const RequestVote& message) const {
  const bool free = message.ballot.round > core_.term || core_.voted_for == ReplicaId() || core_.voted_for == candidate;
  return (core_.owed == Index() || CONCLAVE_PLANT(votes_in_spite_of_loss)) && message.ballot.round >= core_.term &&
         free && (core_.log.behind(message.last_index, message.last_ballot) || CONCLAVE_PLANT(stale_log_elected));
}

Vote Raft::answer_to(const RequestVote& message, bool granted) const {
  Duration retry_after = core_.config.election_timeout_min;
  if (!leadership_ && core_.now < follower_.bound_until()) retry_after = follower_.bound_until() - core_.now;
  return {
      .ballot = message.ballot, .pre = message.pre, .granted = granted, .term = core_.term, .retry_after = retry_after};
}

void Raft::on(ReplicaId from, RequestVote&& message) {
  if (core_.memberships.abstains()) return;
  if (message.pre) {
    const bool granted = !bound_to_other(from) && electable(from, message);
    return core_.outbox.send(from, answer_to(message, granted));
  }
  const bool bound = leadership_ ? leadership_->lease().valid(core_.now)
                                 : core_.config.leases && follower_.bound_to_other(from) &&
                                       !(message.proof && message.proof == follower_.ballot());
  // While a leader lives its followers take no term from another (6.2): no lease could be relied on.
  if (bound && message.ballot.round > core_.term) return core_.outbox.send(from, answer_to(message, false));
  enter_term(message.ballot.round, message.proof ? "transferred the lead" : "voted in a later term");
  const bool granted = message.ballot.round == core_.term && electable(from, message);
  if (!granted) return core_.outbox.send(from, answer_to(message, false));
  core_.voted_for = from;
  election_.leader_lives();  // gives the candidate its time
  core_.outbox.send_when_durable(from, answer_to(message, true));
}

void Raft::on(ReplicaId from, Vote&& message) {
  if (message.term > core_.term && !(message.pre && message.granted)) {
    return enter_term(message.term, "a later term was heard of");
  }
  election_.on(from, message);
}

void Raft::on(ReplicaId, HigherTerm&& message) {
  enter_term(message.term, "a later term was heard of");
}

void Raft::on(ReplicaId from, TimeoutNow&& message) {
  if (follower_.leader() != from || follower_.ballot() != message.ballot || !may_stand()) {
    return core_.log_drop(from, "TimeoutNow: not followed, or cannot stand");
  }
  if (leadership_ || election_.standing() || core_.term != message.ballot.round) return;
  follower_.forget();
  election_.stand(message.ballot);
}

void Raft::enter_term(uint64_t term, const char* reason) {
  if (term <= core_.term) return;
  step_down(reason);
  follower_.forget();
  core_.enter(term);
}

void Raft::step_down(const char* reason) {
  if (leadership_) {
    log::info("raft", "gives up the lead", {{"term", leadership_->ballot().round}, {"why", reason}});
    for (const uint64_t token : leadership_->take_reads()) core_.outbox.output().reads_refused.push_back(token);
    leadership_.reset();
    core_.reason = reason;
    election_.rest(Duration{0}, core_.config.heartbeat * 2);
  } else if (election_.standing()) {
    core_.reason = reason;
    election_.rest(Duration{0}, core_.config.election_timeout_min);
  }
}

// ---------------------------------------------------------------- replication (5.3)

void Raft::on(ReplicaId from, Append&& message) {
  if (message.ballot.round < core_.term) return core_.outbox.send(from, HigherTerm{.term = core_.term});
  if (leadership_ && message.ballot.round == core_.term) return core_.log_drop(from, "Append: of our own term");
  enter_term(message.ballot.round, "a leader of a later term is at work");
  if (election_.standing()) step_down("another was elected in its term");
  follower_.follow(message.ballot);
  election_.leader_lives();
  follower_.append(std::move(message));
}

void Raft::on(ReplicaId from, Appended&& message) {
  if (leadership_) leadership_->on(from, message);
}

void Raft::on(ReplicaId from, Conflict&& message) {
  if (leadership_) leadership_->on(from, message);
}

void Raft::on(ReplicaId from, Committed&& message) {
  if (follower_.leader() == from && follower_.ballot() == message.ballot) follower_.told_committed(message.committed);
}

// ---------------------------------------------------------------- after every event

void Raft::settle() {
  if (election_.take_won()) {
    core_.reason = "a majority voted for it";
    leadership_.emplace(core_);
  }
  if (leadership_) leadership_->advance_commit();
  while (core_.given < core_.log.committed()) {
    core_.given = core_.given.next();
    const Entry& entry = *core_.log.at(core_.given);
    if (leadership_) leadership_->given_out(entry);
    core_.outbox.output().committed.push_back(entry);
  }
  if (leadership_) leadership_->settle();
  if (leadership_ && leadership_->removed()) {
    step_down("is not a voter any more");
    follower_.forget();
  }
  report_role();
}

consensus::RoleChange Raft::current_role() const {
  const ReplicaId self = core_.config.self;
  if (leadership_) {
    return {.role = leadership_->serves() ? Role::master : Role::synchronising,
            .ballot = leadership_->ballot(),
            .master = self};
  }
  if (election_.standing()) return {.role = Role::candidate, .ballot = core_.vote(), .master = {}};
  const ReplicaId leader = follower_.leader();
  return {.role = core_.voter() ? Role::follower : Role::observer,
          .ballot = leader == ReplicaId() ? core_.vote() : follower_.ballot(),
          .master = leader};
}

void Raft::report_role() {
  consensus::RoleChange role = current_role();
  if (role.role != reported_.role || role.ballot != reported_.ballot || role.master != reported_.master) {
    role.reason = core_.reason;
    if (!*role.reason) {
      switch (role.role) {
        case Role::candidate:
          role.reason = "asks for votes";
          break;
        case Role::synchronising:
          role.reason = "has the lead";
          break;
        case Role::master:
          role.reason = "serves: the no-op of its term is committed";
          break;
        case Role::follower:
        case Role::observer:
          role.reason = role.master != ReplicaId() ? "heard from a leader" : "voted, or heard of a later term";
          break;
      }
    }
    reported_ = role;
    core_.outbox.output().role = role;
  }
  core_.reason = "";
}

consensus::EngineStatus Raft::status(Instant now) const {
  const consensus::RoleChange role = current_role();
  const uint64_t missing = core_.owed > core_.log.last() ? core_.owed - core_.log.last() : 0;
  consensus::EngineStatus out{.role = role.role,
                              .ballot = role.ballot,
                              .master = role.master,
                              .first_in_memory = core_.log.first(),
                              .last = core_.log.last(),
                              .committed = core_.log.committed(),
                              .lease_valid = false,
                              .damaged = core_.owed == Index() ? 0 : std::max<size_t>(missing, 1),
                              .reads_waiting = leadership_ ? leadership_->reads_waiting() : 0,
                              .peers = {},
                              .membership_version = core_.memberships.current().version};
  if (!leadership_) return out;
  out.membership_firm =
      !core_.memberships.current().joint() && core_.memberships.current_index() <= core_.log.committed();
  out.lease_valid = leadership_->serves() && leadership_->lease().valid(now);
  for (const auto& [id, peer] : leadership_->peers()) {
    out.peers.push_back(
        {.id = id, .match = peer.durable(), .since_heard = peer.ever_heard() ? now - peer.heard() : Duration{-1}});
  }
  return out;
}

}  // namespace conclave::raft
