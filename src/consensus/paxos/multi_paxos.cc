#include "consensus/paxos/multi_paxos.h"

#include <type_traits>
#include <utility>

#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"
#include "consensus/paxos/engine.h"

namespace conclave::paxos {

using consensus::Role;

namespace {

constexpr Duration kHintPause = Duration::seconds(1);      // between two persists that carry the committed hint alone
constexpr Duration kSnapshotPause = Duration::seconds(1);  // between two snapshots asked for in answer to Learn

}  // namespace

std::unique_ptr<consensus::Engine> make_engine(consensus::Config config, consensus::Recovered recovered) {
  return std::make_unique<MultiPaxos>(std::move(config), std::move(recovered));
}

MultiPaxos::MultiPaxos(consensus::Config config, consensus::Recovered recovered)
    : core_(std::move(config), std::move(recovered)),
      learner_(core_),
      follower_(core_, learner_),
      campaign_(core_, learner_) {
  reported_ = current_role();
}

// The parts refer to each other: those of the copy must refer to the copy.
MultiPaxos::MultiPaxos(const MultiPaxos& other)
    : core_(other.core_),
      learner_(core_, other.learner_),
      follower_(core_, learner_, other.follower_),
      campaign_(core_, learner_, other.campaign_),
      reported_(other.reported_),
      started_(other.started_),
      hint_at_(other.hint_at_),
      snapshot_at_(other.snapshot_at_) {
  if (other.mastership_) mastership_.emplace(core_, learner_, *other.mastership_);
}

std::unique_ptr<consensus::Engine> MultiPaxos::clone() const {
  return std::unique_ptr<consensus::Engine>(new MultiPaxos(*this));
}

void MultiPaxos::fold(consensus::StateFold& fold) const {
  fold.add(started_);
  if (started_) {
    fold.remaining(hint_at_ + kHintPause);
    fold.remaining(snapshot_at_ + kSnapshotPause);
  }
  fold.add(static_cast<uint8_t>(reported_.role), reported_.ballot, reported_.master);
  core_.fold(fold);
  learner_.fold(fold);
  follower_.fold(fold);
  campaign_.fold(fold, !mastership_);
  fold.add(mastership_.has_value());
  if (mastership_) mastership_->fold(fold);
}

consensus::Output MultiPaxos::step(const consensus::Event& event) {
  core_.now = event.now;
  if (!started_) start();
  std::visit([this](const auto& body) { on(body); }, event.body);
  settle();
  consensus::HardState state = core_.hard_state();
  const Ballot written = core_.outbox.hard_state().promised;
  if (state.promised != written && CONCLAVE_PLANT(promise_not_persisted)) state.promised = written;
  return core_.outbox.finish(state);
}

void MultiPaxos::start() {
  started_ = true;
  hint_at_ = core_.now;
  snapshot_at_ = core_.now - kSnapshotPause;
  follower_.start();
  if (core_.quorum().voters() == std::vector{core_.config.self}) {
    campaign_.rest(Duration{0}, Duration{0});  // nobody else to wait for
  } else {
    campaign_.master_lives();
  }
}

// ---------------------------------------------------------------- events

void MultiPaxos::on(const consensus::Tick&) {
  if (mastership_) {
    mastership_->tick();
    if (const char* why = mastership_->lost()) {
      step_down(why);
      follower_.forget();
    }
  } else if (campaign_.preparing()) {
    campaign_.tick();
  } else if (campaign_.due() && may_campaign()) {
    if (follower_.master() != ReplicaId(0)) core_.reason = "heard nothing from the master";
    follower_.forget();
    campaign_.ask_pre_votes();
  } else if (campaign_.due() && follower_.master() != ReplicaId(0)) {
    core_.reason = "heard nothing from the master";
    follower_.forget();
  }
  // The committed hint shortens a restart; when nothing else is written it costs one write a second at most.
  if (core_.log.committed() > core_.outbox.hard_state().committed && core_.now >= hint_at_ + kHintPause) {
    core_.outbox.persist_hard_state();
    hint_at_ = core_.now;
  }
}

void MultiPaxos::on(const consensus::Propose& event) {
  if (mastership_) return mastership_->propose(event);
  core_.outbox.output().refused.push_back(event.cookie);
}

void MultiPaxos::on(const consensus::ReadBarrier& event) {
  if (mastership_) return mastership_->read(event.token);
  core_.outbox.output().reads_refused.push_back(event.token);
}

void MultiPaxos::on(const consensus::TransferLead& event) {
  if (mastership_ && event.to == core_.config.self) {
    // Nobody else is asked: the followers are bound to us, so our own next ballot is promised at once.
    CONCLAVE_PROBE("paxos.next-ballot-by-itself");
    step_down("takes the next ballot");
    follower_.forget();
    return campaign_.prepare();
  }
  if (mastership_) return mastership_->transfer(event.to);
  log::warning("paxos", "cannot transfer the lead: not the master", {{"to", to_string(event.to)}});
}

void MultiPaxos::on(const consensus::Persisted& event) {
  core_.outbox.durable(event.persist);
  for (const DurableMark& mark : core_.marks.persisted(event.persist)) {
    if (mastership_ && mark.ballot == mastership_->ballot()) {
      learner_.accepted(core_.config.self, mark.first, mark.last);
    } else {
      follower_.persisted(mark);
    }
  }
  campaign_.persisted(event.persist);
}

void MultiPaxos::on(const consensus::SnapshotTaken& event) {
  core_.release(std::min({event.keep_after, event.index, core_.given}));
}

void MultiPaxos::on(const consensus::SnapshotInstalled& event) {
  if (event.index <= core_.log.committed()) return;
  core_.install(event);
  learner_.recount();
  if (mastership_) return mastership_->jumped();
  if (follower_.master() != ReplicaId(0)) follower_.acknowledge_heartbeat(Stamp{.sent = Instant{INT64_MIN / 2}});
}

void MultiPaxos::on(const consensus::Founded& event) {
  core_.found(event.members);
  learner_.recount();
}

void MultiPaxos::on(const consensus::PeerHint& event) {
  if (mastership_) return mastership_->peer_hint(event.peer, event.up);
  if (!event.up && event.peer == follower_.master()) campaign_.master_unreachable(follower_.bound_until());
}

void MultiPaxos::on(const consensus::MessageReceived& event) {
  // Of a peer that is not listed too: this replica may not have heard yet that it is, or that it itself is not.
  if (event.from == core_.config.self || event.from == ReplicaId()) return core_.log_drop(event.from, "not a peer");
  Result<Body> body = decode(event.message);
  if (!body) return core_.log_drop(event.from, body.error().message);
  std::visit(
      [&]<class M>(M& message) {
        if constexpr (std::is_same_v<M, Prepare> || std::is_same_v<M, Accept> || std::is_same_v<M, Heartbeat> ||
                      std::is_same_v<M, TransferNow>) {
          if (message.ballot.replica != event.from) return core_.log_drop(event.from, "speaks for another's ballot");
        }
        on(event.from, std::move(message));
      },
      *body);
}

// ---------------------------------------------------------------- elections

bool MultiPaxos::may_promise() const {
  return !core_.memberships.abstains() || CONCLAVE_PLANT(lost_disk_promises);
}

bool MultiPaxos::bound_to_other(ReplicaId candidate) const {
  if (mastership_) return mastership_->lease().live(core_.now);
  return follower_.bound_to_other(candidate);
}

void MultiPaxos::on(ReplicaId from, PreVote&& message) {
  if (!may_promise()) return;
  const bool bound = bound_to_other(from);
  Duration retry_after = core_.config.election_timeout_min;
  if (bound && !mastership_) retry_after = follower_.bound_until() - core_.now;
  core_.outbox.send(from,
                    PreVoteReply{.attempt = message.attempt,
                                 .granted = !bound && (core_.damaged.empty() || CONCLAVE_PLANT(damaged_replica_votes)),
                                 .promised = core_.promised,
                                 .committed = core_.log.committed(),
                                 .retry_after = retry_after});
}

void MultiPaxos::on(ReplicaId from, PreVoteReply&& message) {
  campaign_.on(from, message);
}

void MultiPaxos::on(ReplicaId from, Prepare&& message) {
  core_.saw(message.ballot);
  if (!may_promise()) return;
  const bool bound = mastership_ ? mastership_->lease().valid(core_.now)
                                 : core_.config.leases && follower_.bound_to_other(from) &&
                                       !(message.proof && message.proof == follower_.ballot());
  if (message.ballot < core_.promised || (message.ballot > core_.promised && bound)) {
    core_.outbox.send(from, Nack{.ballot = message.ballot, .promised = core_.promised});
    return;
  }
  if (!core_.damaged.empty() && !CONCLAVE_PLANT(damaged_replica_votes)) {
    CONCLAVE_PROBE("paxos.damaged-abstains");
    log::info("paxos", "does not promise while positions await repair", {{"damaged", core_.damaged.size()}});
    return;
  }
  if (message.ballot > core_.promised) {
    step_down(message.proof ? "transferred the lead" : "promised a higher ballot");
    follower_.forget();
    core_.promised = message.ballot;
    campaign_.master_lives();  // gives the candidate its time
  }
  follower_.promise(from, message.from_index);
}

void MultiPaxos::on(ReplicaId from, Promise&& message) {
  if (mastership_) return mastership_->on(from, message);
  campaign_.on(from, message);
}

void MultiPaxos::on(ReplicaId from, Nack&& message) {
  core_.saw(message.promised);
  if (mastership_ && message.ballot == mastership_->ballot() && message.promised > message.ballot) {
    CONCLAVE_PROBE("paxos.master-ballot-refused");
    log::info("paxos", "its ballot is refused", {{"by", to_string(from)}, {"promised", to_string(message.promised)}});
    step_down("a higher ballot was promised elsewhere");
    return;
  }
  if (campaign_.preparing() && message.ballot == core_.promised) {
    CONCLAVE_PROBE("paxos.campaign-refused");
    core_.reason = "refused by a replica that is bound to another master or ballot";
    campaign_.refused();
  }
}

void MultiPaxos::on(ReplicaId from, TransferNow&& message) {
  if (follower_.master() != from || follower_.ballot() != message.ballot || !may_campaign()) {
    return core_.log_drop(from, "TransferNow: not followed, or cannot campaign");
  }
  if (mastership_ || campaign_.preparing() || core_.promised != message.ballot) return;
  follower_.forget();
  campaign_.prepare(message.ballot);
}

void MultiPaxos::step_down(const char* reason) {
  if (!mastership_) {
    if (campaign_.preparing()) core_.reason = reason;
    campaign_.refused();
    return;
  }
  log::info("paxos", "gives up the lead", {{"ballot", to_string(mastership_->ballot())}, {"why", reason}});
  for (const uint64_t token : mastership_->take_reads()) core_.outbox.output().reads_refused.push_back(token);
  mastership_.reset();
  core_.reason = reason;
  campaign_.rest(Duration{0}, core_.config.heartbeat * 2);
}

// ---------------------------------------------------------------- broadcast

bool MultiPaxos::heed(ReplicaId from, Ballot ballot) {
  core_.saw(ballot);
  if (ballot < core_.promised) {
    core_.outbox.send(from, Nack{.ballot = ballot, .promised = core_.promised});
    return false;
  }
  if (mastership_ || campaign_.preparing()) step_down("a master with a higher ballot is at work");
  follower_.follow(ballot, from);
  campaign_.master_lives();
  return true;
}

void MultiPaxos::on(ReplicaId from, Accept&& message) {
  if (core_.memberships.abstains()) return core_.log_drop(from, "Accept: this replica abstains");
  if (heed(from, message.ballot)) follower_.accept(from, std::move(message));
}

void MultiPaxos::on(ReplicaId from, Heartbeat&& message) {
  if (!heed(from, message.ballot)) return;
  learner_.told(message.committed);
  learner_.advance();
  follower_.acknowledge_heartbeat(message.stamp);
}

void MultiPaxos::on(ReplicaId from, Accepted&& message) {
  if (mastership_) return mastership_->on(from, message);
  if (message.ballot == learner_.ballot()) learner_.accepted(from, message.first, message.last);
}

void MultiPaxos::on(ReplicaId from, HeartbeatAck&& message) {
  if (mastership_) mastership_->on(from, message);
}

void MultiPaxos::on(ReplicaId from, Learn&& message) {
  const bool snapshot_allowed = core_.now >= snapshot_at_ + kSnapshotPause;
  if (message.from < core_.log.first() && snapshot_allowed) snapshot_at_ = core_.now;
  learner_.answer(from, message.from, snapshot_allowed);
}

void MultiPaxos::on(ReplicaId from, Learned&& message) {
  if (!learner_.learn(std::move(message.entries))) return;
  if (mastership_) mastership_->taught(from);
}

void MultiPaxos::on(ReplicaId, Chosen&& message) {
  if (message.ballot == learner_.ballot()) learner_.told(message.committed);
}

// ---------------------------------------------------------------- after every event

void MultiPaxos::settle() {
  if (std::optional<PromiseSet> promises = campaign_.take_won()) {
    core_.reason = "a quorum promised";
    mastership_.emplace(core_, learner_, std::move(*promises));
  }
  const bool moved = learner_.advance();
  give_out();
  if (mastership_) mastership_->settle();
  if (mastership_ && mastership_->removed()) {
    step_down("is not a voter any more");
    follower_.forget();
  }
  if (moved && !mastership_ && learner_.distinguished()) {
    core_.for_each_other([&](ReplicaId id) {
      core_.outbox.send(id, Chosen{.ballot = learner_.ballot(), .committed = core_.log.committed()});
    });
  }
  report_role();
}

void MultiPaxos::give_out() {
  while (core_.given < core_.log.committed()) {
    core_.given = core_.given.next();
    const Entry& entry = *core_.log.at(core_.given);
    if (mastership_) mastership_->given_out(entry);
    core_.outbox.output().committed.push_back(entry);
  }
}

consensus::RoleChange MultiPaxos::current_role() const {
  const ReplicaId self = core_.config.self;
  if (mastership_) {
    const bool serves = mastership_->stage() == Stage::serve;
    return {.role = serves ? Role::master : Role::synchronising, .ballot = mastership_->ballot(), .master = self};
  }
  if (campaign_.preparing()) return {.role = Role::candidate, .ballot = core_.promised, .master = {}};
  return {
      .role = core_.voter() ? Role::follower : Role::observer, .ballot = core_.promised, .master = follower_.master()};
}

void MultiPaxos::report_role() {
  consensus::RoleChange role = current_role();
  if (role.role != reported_.role || role.ballot != reported_.ballot || role.master != reported_.master) {
    role.reason = core_.reason;
    if (!*role.reason) {
      switch (role.role) {
        case Role::candidate:
          role.reason = "asks for promises";
          break;
        case Role::synchronising:
        case Role::master:
          role.reason = "has the lead";
          break;
        case Role::follower:
        case Role::observer:
          role.reason = role.master.value ? "heard from a master" : "promised a higher ballot";
          break;
      }
    }
    reported_ = role;
    core_.outbox.output().role = role;
  }
  core_.reason = "";
}

consensus::EngineStatus MultiPaxos::status(Instant now) const {
  const consensus::RoleChange role = current_role();
  consensus::EngineStatus out{.role = role.role,
                              .ballot = role.ballot,
                              .master = role.master,
                              .first_in_memory = core_.log.first(),
                              .last = core_.log.last(),
                              .committed = core_.log.committed(),
                              .lease_valid = false,
                              .damaged = core_.damaged.size(),
                              .reads_waiting = mastership_ ? mastership_->reads_waiting() : 0,
                              .peers = {},
                              .membership_version = core_.memberships.current().version};
  if (!mastership_) return out;
  out.membership_firm = mastership_->membership_firm();
  out.lease_valid = mastership_->stage() == Stage::serve && mastership_->lease().valid(now);
  for (const auto& [id, peer] : mastership_->peers()) {
    out.peers.push_back(
        {.id = id, .match = peer.durable(), .since_heard = peer.ever_heard() ? now - peer.heard() : Duration{-1}});
  }
  return out;
}

}  // namespace conclave::paxos
