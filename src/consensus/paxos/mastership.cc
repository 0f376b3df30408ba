#include "consensus/paxos/mastership.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"

namespace conclave::paxos {
namespace {

// Slots that a peer may be sent ahead of its answers, however few may be undecided: one that is behind must be able to
// catch up with a cell that decides as fast as its window lets it.
constexpr size_t kCatchUpSlots = 64;

}  // namespace

Mastership::Mastership(Core& core, Learner& learner, PromiseSet promises)
    : core_(core), learner_(learner), promises_(std::move(promises)), lease_(core.config, core.quorum(), core.now) {
  learner_.set_ballot(ballot());
  core_.for_each_other([this](ReplicaId id) { peers_[id]; });
  for (const auto& [id, committed] : promises_.committed_by()) {
    if (peers_.contains(id)) peers_[id].report(committed, committed, Instant{INT64_MIN});
  }
  told_committed_ = core_.log.committed();
  first_own_ = kEnd;
  learn_by_ = core_.now + core_.config.election_timeout_max;
  send_heartbeats();
  if (behind()) ask_teacher();
}

Mastership::Mastership(Core& core, Learner& learner, const Mastership& other)
    : core_(core),
      learner_(learner),
      promises_(other.promises_),
      stage_(other.stage_),
      lease_(other.lease_),
      barriers_(other.barriers_),
      peers_(other.peers_),
      transfer_(other.transfer_),
      first_own_(other.first_own_),
      proposed_(other.proposed_),
      change_(other.change_),
      removed_(other.removed_),
      asked_(other.asked_),
      abstaining_(other.abstaining_),
      noted_by_(other.noted_by_),
      bytes_in_flight_(other.bytes_in_flight_),
      told_committed_(other.told_committed_),
      heartbeat_at_(other.heartbeat_at_),
      teacher_(other.teacher_),
      ask_at_(other.ask_at_),
      learn_by_(other.learn_by_) {}

void Mastership::fold(consensus::StateFold& fold) const {
  fold.add(ballot(), static_cast<uint8_t>(stage_));
  if (stage_ == Stage::learn || behind()) {
    promises_.fold(fold);
    fold.add(teacher_);
    fold.remaining(ask_at_);
    fold.remaining(learn_by_);
  }
  fold.add(proposed_, change_, removed_, promises_.last());
  for (const auto& [id, peer] : peers_) {
    fold.add(promises_.complete().test(id.value), asked_.test(id.value), abstaining_.test(id.value));
  }
  lease_.fold(fold);
  barriers_.fold(fold);
  for (const auto& [id, peer] : peers_) peer.fold(fold);
  fold.add(transfer_.has_value());
  if (transfer_) {
    fold.add(transfer_->to, transfer_->told);
    fold.remaining(transfer_->deadline);
  }
  fold.add(first_own_, bytes_in_flight_, told_committed_);
  fold.remaining(heartbeat_at_);
}

// ---------------------------------------------------------------- stage learn

void Mastership::ask_teacher() {
  std::vector<ReplicaId> teachers = promises_.who_committed(promises_.committed());
  CONCLAVE_ASSERT(!teachers.empty());
  learner_.ask(teachers[teacher_++ % teachers.size()]);
  ask_at_ = core_.now + core_.config.heartbeat * 2;
}

void Mastership::taught(ReplicaId from) {
  learn_by_ = core_.now + core_.config.election_timeout_max;
  if (!behind()) return;
  learner_.ask(from);
  ask_at_ = core_.now + core_.config.heartbeat * 2;
}

// ---------------------------------------------------------------- stage synchronise

void Mastership::synchronise() {
  stage_ = Stage::synchronise;
  proposed_ = core_.log.committed();
  first_own_ = proposed_.next();
  log::info("paxos", "synchronises",
            {{"ballot", to_string(ballot())}, {"slots", std::max(promises_.last(), proposed_) - proposed_}});
}

// Proposes again what the promises told of, up to the next membership: what is behind it comes under that one.
void Mastership::propose_again() {
  if (changing() || behind() || !has_promises()) return;
  std::vector<Entry> entries;
  for (Index slot = proposed_.next(); slot <= promises_.last(); slot = slot.next()) {
    const Entry* best = promises_.best(slot);
    Entry entry = best ? *best : Entry{.index = slot, .ballot = {}, .kind = consensus::EntryKind::noop, .payload = {}};
    entry.ballot = ballot();
    entries.push_back(std::move(entry));
    if (entries.back().kind == consensus::EntryKind::membership) break;
  }
  if (!entries.empty()) append(std::move(entries));
}

// ---------------------------------------------------------------- broadcast

void Mastership::append(std::vector<Entry> entries) {
  if (!entries.empty()) {
    const Index first = entries.front().index;
    const Index last = entries.back().index;
    proposed_ = last;
    if (entries.back().kind == consensus::EntryKind::membership) change_ = last;
    for (Entry& entry : entries) {
      bytes_in_flight_ += entry.payload.size();
      core_.accept(std::move(entry));
    }
    core_.marks.add(
        {.persist = core_.outbox.persist_number(), .ballot = ballot(), .first = first, .last = last, .received = last});
    const Accepted own{
        .ballot = ballot(), .first = first, .last = last, .committed = core_.log.committed(), .stamp = stamp()};
    for (const ReplicaId to : learner_.audience(core_.config.self)) core_.outbox.send_when_durable(to, own);
  }
  pump_all();
}

void Mastership::append_noops_to(Index last) {
  std::vector<Entry> noops;
  for (Index i = proposed_.next(); i <= last && noops.size() < core_.config.slots_in_flight_max; i = i.next()) {
    noops.push_back({.index = i, .ballot = ballot(), .kind = consensus::EntryKind::noop, .payload = {}});
  }
  append(std::move(noops));
}

void Mastership::propose(consensus::Propose proposal) {
  const size_t in_flight = proposed_ - core_.log.committed();
  size_t bytes = bytes_in_flight_;
  for (const Blob& payload : proposal.payloads) bytes += payload.size();
  const bool full = in_flight + proposal.payloads.size() > core_.config.slots_in_flight_max ||
                    (in_flight > 0 && bytes > core_.config.bytes_in_flight_max);
  const bool membership = proposal.kind == consensus::EntryKind::membership;
  const bool allowed = !membership || (proposal.payloads.size() == 1 && takes(proposal.payloads.front()));
  if (!may_propose() || transfer_ || full || !allowed) {
    CONCLAVE_PROBE("paxos.proposal-refused");
    core_.outbox.output().refused.push_back(proposal.cookie);
    return;
  }
  std::vector<Entry> entries;
  entries.reserve(proposal.payloads.size());
  Index slot = proposed_;
  for (Blob& payload : proposal.payloads) {
    slot = slot.next();
    entries.push_back({.index = slot, .ballot = ballot(), .kind = proposal.kind, .payload = std::move(payload)});
  }
  append(std::move(entries));
}

void Mastership::pump_all() {
  for (auto& [id, peer] : peers_) pump(id, peer);
}

// Sends what the peer lacks, as far as its window allows. Slots below first_own_ are committed: proposing their chosen
// values again under our ballot is what P2c asks for.
void Mastership::pump(ReplicaId to, Progress& peer) {
  const bool votes = core_.quorum().is_voter(to) && !abstaining_.test(to.value);
  const Index committed = core_.log.committed();
  const Index end = votes && stage_ != Stage::learn ? std::max(proposed_, committed) : committed;
  while (peer.next() <= end) {
    if (peer.next() < core_.log.first()) {
      CONCLAVE_PROBE("paxos.peer-needs-snapshot");
      return request_snapshot(to, peer);
    }
    const auto room = peer.room({.slots = std::max(core_.config.slots_in_flight_max, kCatchUpSlots),
                                 .bytes = core_.config.bytes_in_flight_max});
    if (room.slots == 0 || room.bytes == 0) return;
    const Index last = std::min(end, peer.next() + (room.slots - 1));
    std::vector<Entry> entries = core_.log.run(peer.next(), last, std::min(room.bytes, core_.config.message_bytes_max));
    CONCLAVE_ASSERT(!entries.empty());
    size_t bytes = 0;
    for (Entry& entry : entries) {
      bytes += entry.payload.size();
      if (votes) entry.ballot = ballot();
    }
    peer.sent(entries.back().index, bytes);
    if (votes) {
      core_.outbox.send(
          to, Accept{.ballot = ballot(), .committed = committed, .stamp = stamp(), .entries = std::move(entries)});
      told_committed_ = committed;
    } else {
      core_.outbox.send(to, Learned{.committed = committed, .entries = std::move(entries)});
    }
  }
}

void Mastership::request_snapshot(ReplicaId to, Progress& peer) {
  if (!peer.placed() || !peer.snapshot_due(core_.now)) return;
  core_.outbox.output().snapshots_needed.push_back({.to = to, .at_least = core_.log.first().prev()});
}

void Mastership::on(ReplicaId from, const Promise& message) {
  if (!asked_.test(from.value)) return;  // late, and not needed any more
  const bool was_behind = behind();
  if (!promises_.add(from, message)) return core_.log_drop(from, "Promise: slots too far ahead");
  if (was_behind || !behind()) return;
  CONCLAVE_PROBE("paxos.learns-again");
  learn_by_ = core_.now + core_.config.election_timeout_max;
  ask_teacher();
}

void Mastership::on(ReplicaId from, const Accepted& message) {
  if (message.ballot != ballot() && !CONCLAVE_PLANT(older_acceptance_counted)) return;
  const auto found = peers_.find(from);
  if (found == peers_.end()) return;
  Progress& peer = found->second;
  lease_.heard(from, message.stamp, core_.now);
  peer.alive(core_.now);
  peer.accepted(message.first, message.last);
  learner_.accepted(from, message.first, message.last);
  pump(from, peer);
}

void Mastership::on(ReplicaId from, const HeartbeatAck& message) {
  const auto found = peers_.find(from);
  if (message.ballot != ballot() || found == peers_.end()) return;
  Progress& peer = found->second;
  abstaining_.set(from.value, message.abstains);
  peer.alive(core_.now);
  if (message.abstains) {
    peer.report(message.committed, message.committed, message.stamp.sent);
    peer.heartbeat_answered(message.stamp.sent);
    return pump(from, peer);
  }
  noted_by_[from] = message.noted;
  lease_.heard(from, message.stamp, core_.now);
  // Acknowledgements that were lost are made up for here: all up to `durable` is accepted under our ballot or chosen.
  if (message.durable > peer.durable()) learner_.accepted(from, peer.durable().next(), message.durable);
  peer.report(message.received, message.durable, message.stamp.sent);
  if (peer.heartbeat_answered(message.stamp.sent)) {
    CONCLAVE_PROBE("paxos.sends-lost-entries-again");
    log::debug("paxos", "sends lost entries again", {{"to", to_string(from)}, {"from", to_string(peer.next())}});
  }
  // A position damaged there that our log does not reach would never be repaired by anything we send.
  if (may_propose() && message.damaged_last > proposed_) append_noops_to(message.damaged_last);
  pump(from, peer);
}

void Mastership::peer_hint(ReplicaId peer, bool up) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  if (!up) return found->second.unreachable();
  found->second.alive(found->second.heard());
  found->second.rewind();
  heartbeat(peer, found->second);
}

void Mastership::heartbeat(ReplicaId to, Progress& peer) {
  core_.outbox.send(to, Heartbeat{.ballot = ballot(), .committed = core_.log.committed(), .stamp = stamp()});
  peer.heartbeat_sent(core_.now);
}

void Mastership::send_heartbeats() {
  for (auto& [id, peer] : peers_) heartbeat(id, peer);
  told_committed_ = core_.log.committed();
  heartbeat_at_ = core_.now + core_.config.heartbeat;
}

// Followers apply a slot when they hear that it is chosen. The next Accept tells them; if none is to be expected soon,
// they are told at once.
void Mastership::announce() {
  const Index committed = core_.log.committed();
  if (told_committed_ >= committed || proposed_ > committed) return;
  for (const auto& [id, peer] : peers_) core_.outbox.send(id, Chosen{.ballot = ballot(), .committed = committed});
  told_committed_ = committed;
}

void Mastership::given_out(const Entry& entry) {
  if (entry.index >= first_own_) bytes_in_flight_ -= std::min(bytes_in_flight_, entry.payload.size());
  if (stage_ != Stage::learn) proposed_ = std::max(proposed_, entry.index);
  if (entry.kind == consensus::EntryKind::membership) follow_membership();
}

void Mastership::jumped() {
  proposed_ = std::max(proposed_, core_.log.committed());
  recount();
  follow_membership();
}

void Mastership::recount() {
  bytes_in_flight_ = 0;
  for (Index i = std::max(first_own_, core_.log.committed().next()); i <= proposed_; i = i.next()) {
    if (const Entry* entry = core_.log.at(i)) bytes_in_flight_ += entry->payload.size();
  }
}

// ---------------------------------------------------------------- membership

void Mastership::ask_promise(ReplicaId acceptor) {
  if (acceptor == core_.config.self || promises_.complete().test(acceptor.value)) return;
  asked_.set(acceptor.value);
  core_.outbox.send(acceptor, Prepare{.ballot = ballot(), .from_index = promises_.from(), .proof = {}});
}

void Mastership::ask_promises() {
  for (const ReplicaId id : core_.quorum().voters()) ask_promise(id);
}

bool Mastership::takes(const Blob& payload) {
  const auto next = consensus::decode_membership(payload.view());
  const consensus::Membership& now = core_.memberships.current();
  if (!next || !consensus::why_not(now, next->membership).empty()) return false;
  // Slots are chosen one by one: who leaves may hold what only one of those that stay has. So before it may go, a
  // quorum of these holds all that was chosen without them.
  if (now.joint()) return held_by(consensus::Quorum(next->membership), core_.memberships.current_index());
  bool ready = true;
  for (const ReplicaId id : next->membership.voters()) {
    if (now.is_voter(id)) continue;
    ask_promise(id);
    ready &= promises_.complete().test(id.value) && !abstaining_.test(id.value) &&
             consensus::ready_to_vote(peers_, id, core_.memberships.current_index(), core_.log.committed(), core_.now,
                                      core_.config);
  }
  return ready;
}

bool Mastership::held_by(const consensus::Quorum& quorum, Index upto) const {
  consensus::ReplicaSet holders;
  holders.set(core_.config.self.value, core_.marks.all_durable(upto));
  for (const auto& [id, peer] : peers_) holders.set(id.value, peer.durable() >= upto);
  return quorum.reached(holders);
}

// Another membership counts from the next slot on. Who is not concerned by it any more is told, as far as one message
// can, and left alone.
void Mastership::follow_membership() {
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    if (core_.memberships.current().concerns(peer->first)) {
      ++peer;
    } else {
      heartbeat(peer->first, peer->second);
      peer = peers_.erase(peer);
    }
  }
  core_.for_each_other([this](ReplicaId id) { peers_[id]; });
  if (transfer_ && !peers_.contains(transfer_->to)) transfer_.reset();
  lease_.set_quorum(core_.quorum(), core_.now);
  if (stage_ != Stage::learn && !has_promises()) ask_promises();
  if (core_.voter() || removed_) return;
  CONCLAVE_PROBE("paxos.master-removed");
  removed_ = true;
  hand_over();
}

bool Mastership::membership_firm() const {
  if (core_.memberships.current().joint() || changing()) return false;
  return core_.quorum().reached_by([&](ReplicaId id) {
    if (id == core_.config.self) return core_.outbox.noted();
    const auto noted = noted_by_.find(id);
    return noted == noted_by_.end() ? Index() : noted->second;
  }) >= core_.memberships.current_index();
}

// To the best informed voter, so that the cell pauses for a round trip only.
void Mastership::hand_over() {
  const ReplicaId best = consensus::best_informed(peers_, core_.quorum());
  if (best == ReplicaId()) return;
  heartbeat(best, peers_.at(best));
  core_.outbox.send(best, TransferNow{.ballot = ballot()});
}

// ---------------------------------------------------------------- reads and transfer

void Mastership::read(uint64_t token) {
  if (stage_ != Stage::serve) {
    core_.outbox.output().reads_refused.push_back(token);
    return;
  }
  // Where other learners count for themselves, a write may have been acknowledged before we know it to be chosen; but
  // every such write was proposed by us.
  const bool first_to_know = core_.config.learning == consensus::Learning::distinguished;
  const bool vouched = lease_.valid(core_.now) || (core_.config.leases && CONCLAVE_PLANT(lease_not_checked));
  barriers_.add(token, first_to_know ? core_.log.committed() : core_.log.last(), vouched);
}

void Mastership::transfer(ReplicaId to) {
  if (stage_ != Stage::serve || !peers_.contains(to) || !core_.quorum().is_voter(to)) {
    log::warning("paxos", "cannot transfer the lead", {{"to", to_string(to)}});
    return;
  }
  transfer_ = Transfer{.to = to, .deadline = core_.now + core_.config.election_timeout_max};
}

void Mastership::advance_transfer() {
  if (!transfer_) return;
  if (core_.now >= transfer_->deadline) {
    CONCLAVE_PROBE("paxos.transfer-times-out");
    log::warning("paxos", "transfer of the lead did not happen; goes on", {{"to", to_string(transfer_->to)}});
    transfer_.reset();
    return;
  }
  const Index last = proposed_;
  if (transfer_->told || core_.log.committed() < last || peers_.at(transfer_->to).durable() < last) return;
  CONCLAVE_PROBE("paxos.transfer-told");
  lease_.give_up();
  transfer_->told = true;
  core_.outbox.send(transfer_->to, TransferNow{.ballot = ballot()});
}

// ---------------------------------------------------------------- time

void Mastership::tick() {
  if (core_.now >= heartbeat_at_) send_heartbeats();
  if (behind() && core_.now >= ask_at_) ask_teacher();
  if (told_committed_ < core_.log.committed()) send_heartbeats();
  if (stage_ != Stage::learn && !has_promises()) ask_promises();
  pump_all();
}

const char* Mastership::lost() const {
  if (!lease_.has_quorum(core_.now) && !CONCLAVE_PLANT(check_quorum_left_out)) return "lost its quorum";
  if (stage_ != Stage::serve && behind() && core_.now >= learn_by_) return "could not learn what was chosen";
  return nullptr;
}

void Mastership::settle() {
  if (stage_ == Stage::learn && !behind()) synchronise();
  if (stage_ != Stage::learn) propose_again();
  const bool synchronised =
      !behind() && core_.log.committed() >= std::max(proposed_, promises_.last()) && has_promises();
  if (stage_ == Stage::synchronise && (synchronised || CONCLAVE_PLANT(serves_before_synchronised))) {
    stage_ = Stage::serve;
    core_.reason = "serves: all that may have been chosen before is committed";
  }
  advance_transfer();
  if (!barriers_.empty()) {
    if (barriers_.start_round(confirmed())) send_heartbeats();
    const uint64_t round = confirmed() + (CONCLAVE_PLANT(read_round_reused) ? 1 : 0);
    for (const auto& grant : barriers_.take_granted(round, core_.log.committed())) {
      core_.outbox.output().reads.push_back(grant);
    }
  }
  announce();
}

}  // namespace conclave::paxos
