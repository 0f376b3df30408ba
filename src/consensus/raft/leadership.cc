#include "consensus/raft/leadership.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"

namespace conclave::raft {

using consensus::Progress;

namespace {

// Entries that a peer may be sent ahead of its answers, however few may be undecided: one that is behind must be able
// to catch up with a cell that decides as fast as its window lets it.
constexpr size_t kCatchUpEntries = 64;

}  // namespace

Leadership::Leadership(Core& core)
    : core_(core),
      ballot_(core.vote()),
      first_own_(core.log.last().next()),
      lease_(core.config, core.quorum(), core.now),
      told_committed_(core.log.committed()) {
  for (Index i = core_.log.committed().next(); i <= core_.log.last(); i = i.next()) {
    bytes_in_flight_ += core_.log.at(i)->payload.size();
  }
  follow_membership();
  if (core_.memberships.current_index() <= core_.log.committed()) parted_ = core_.memberships.current_index();
  append(consensus::EntryKind::noop, {Blob()});
  // Whose log is as ours needs no question first.
  const Index prev = first_own_.prev();
  for (const auto& [id, peer] : peers_) {
    core_.outbox.send(id, Append{.ballot = ballot_,
                                 .prev_index = prev,
                                 .prev_ballot = core_.log.ballot_at(prev),
                                 .committed = core_.log.committed(),
                                 .last = first_own_,
                                 .stamp = stamp(),
                                 .entries = {*core_.log.at(first_own_)}});
  }
  heartbeat_at_ = core_.now + core_.config.heartbeat;
}

Leadership::Leadership(Core& core, const Leadership& other)
    : core_(core),
      ballot_(other.ballot_),
      first_own_(other.first_own_),
      lease_(other.lease_),
      barriers_(other.barriers_),
      peers_(other.peers_),
      transfer_(other.transfer_),
      parted_(other.parted_),
      removed_(other.removed_),
      abstaining_(other.abstaining_),
      bytes_in_flight_(other.bytes_in_flight_),
      told_committed_(other.told_committed_),
      heartbeat_at_(other.heartbeat_at_) {}

void Leadership::fold(consensus::StateFold& fold) const {
  fold.add(ballot_, first_own_);
  lease_.fold(fold);
  barriers_.fold(fold);
  for (const auto& [id, peer] : peers_) {
    fold.add(id, abstaining_.test(id.value));
    peer.fold(fold);
  }
  fold.add(transfer_.has_value());
  if (transfer_) {
    fold.add(transfer_->to, transfer_->told);
    fold.remaining(transfer_->deadline);
  }
  fold.add(parted_, removed_, bytes_in_flight_, told_committed_);
  fold.remaining(heartbeat_at_);
}

// ---------------------------------------------------------------- replication (5.3)

void Leadership::append(consensus::EntryKind kind, std::vector<Blob> payloads) {
  for (Blob& payload : payloads) {
    bytes_in_flight_ += payload.size();
    core_.append({.index = core_.log.last().next(), .ballot = ballot_, .kind = kind, .payload = std::move(payload)});
  }
  pump_all();
}

void Leadership::propose(consensus::Propose proposal) {
  const size_t in_flight = core_.log.last() - core_.log.committed();
  size_t bytes = bytes_in_flight_;
  for (const Blob& payload : proposal.payloads) bytes += payload.size();
  const bool full = in_flight + proposal.payloads.size() > core_.config.slots_in_flight_max ||
                    (in_flight > 0 && bytes > core_.config.bytes_in_flight_max);
  const bool membership = proposal.kind == consensus::EntryKind::membership;
  const bool allowed = !membership || (proposal.payloads.size() == 1 && takes(proposal.payloads.front()));
  if (!serves() || transfer_ || full || !allowed) {
    CONCLAVE_PROBE("raft.proposal-refused");
    core_.outbox.output().refused.push_back(proposal.cookie);
    return;
  }
  append(proposal.kind, std::move(proposal.payloads));
  if (membership) follow_membership();
}

void Leadership::pump_all() {
  for (auto& [id, peer] : peers_) pump(id, peer);
}

// Sends what the peer lacks, as far as its window allows.
void Leadership::pump(ReplicaId to, Progress& peer) {
  const RaftLog& log = core_.log;
  while (peer.placed() && peer.next() <= log.last()) {
    if (peer.next() < log.first()) {
      CONCLAVE_PROBE("raft.peer-needs-snapshot");
      return request_snapshot(to, peer);
    }
    const auto room = peer.room({.slots = std::max(core_.config.slots_in_flight_max, kCatchUpEntries),
                                 .bytes = core_.config.bytes_in_flight_max});
    if (room.slots == 0 || room.bytes == 0) return;
    const Index prev = peer.next().prev();
    std::vector<Entry> entries =
        log.run(peer.next(), prev + room.slots, std::min(room.bytes, core_.config.message_bytes_max));
    CONCLAVE_ASSERT(!entries.empty());
    size_t bytes = 0;
    for (const Entry& entry : entries) bytes += entry.payload.size();
    peer.sent(entries.back().index, bytes);
    core_.outbox.send(to, Append{.ballot = ballot_,
                                 .prev_index = prev,
                                 .prev_ballot = log.ballot_at(prev),
                                 .committed = log.committed(),
                                 .last = log.last(),
                                 .stamp = stamp(),
                                 .entries = std::move(entries)});
    told_committed_ = log.committed();
  }
}

void Leadership::request_snapshot(ReplicaId to, Progress& peer) {
  if (!peer.snapshot_due(core_.now)) return;
  core_.outbox.output().snapshots_needed.push_back({.to = to, .at_least = core_.log.base()});
}

void Leadership::on(ReplicaId from, const Appended& message) {
  if (message.ballot != ballot_) return;
  const auto found = peers_.find(from);
  if (found == peers_.end()) return;
  Progress& peer = found->second;
  abstaining_.set(from.value, message.abstains);
  if (!message.abstains) lease_.heard(from, message.stamp, core_.now);
  peer.alive(core_.now);
  if (message.received > core_.log.last()) return core_.log_drop(from, "Appended: entries that we do not have");
  const Index durable = message.abstains ? Index() : message.durable;
  if (message.stamp.sent >= peer.went_back_at()) {
    peer.report(message.received, durable, message.stamp.sent);
  } else if (peer.placed() && durable > peer.durable()) {
    peer.accepted(peer.durable().next(), durable);  // late, and for good
  }
  if (peer.heartbeat_answered(message.stamp.sent)) {
    CONCLAVE_PROBE("raft.sends-lost-entries-again");
    log::debug("raft", "sends lost entries again", {{"to", to_string(from)}, {"from", to_string(peer.next())}});
  }
  pump(from, peer);
}

void Leadership::on(ReplicaId from, const Conflict& message) {
  if (message.ballot != ballot_) return;
  const auto found = peers_.find(from);
  if (found == peers_.end()) return;
  Progress& peer = found->second;
  abstaining_.set(from.value, message.abstains);
  if (!message.abstains) lease_.heard(from, message.stamp, core_.now);
  peer.alive(core_.now);
  if (message.stamp.sent < peer.went_back_at()) return;
  peer.went_back(core_.now);
  if (peer.placed() && message.prev_index > peer.received()) {
    // Something before it was lost on the way.
    CONCLAVE_PROBE("raft.goes-back-over-a-gap");
    peer.rewind();
    return pump(from, peer);
  }
  CONCLAVE_PROBE("raft.seeks-the-place");
  const Index below = std::min(message.hint_index, message.prev_index.prev());
  const Index place = core_.log.last_of_term(below, message.hint_term, core_.log.base());
  peer.seek(place.next());
  if (place < core_.log.base()) request_snapshot(from, peer);
  // Below the base nothing else can be asked before the snapshot is there.
  if (place >= core_.log.base()) heartbeat(from, peer);
}

void Leadership::peer_hint(ReplicaId peer, bool up) {
  const auto found = peers_.find(peer);
  if (found == peers_.end()) return;
  if (!up) return found->second.unreachable();
  found->second.alive(found->second.heard());
  if (found->second.placed()) found->second.rewind();
  heartbeat(peer, found->second);
}

Index Leadership::before(const Progress& peer) const {
  return std::max(peer.placed() ? peer.received() : peer.next().prev(), core_.log.base());
}

void Leadership::heartbeat(ReplicaId to, Progress& peer) {
  const Index prev = before(peer);
  core_.outbox.send(to, Append{.ballot = ballot_,
                               .prev_index = prev,
                               .prev_ballot = core_.log.ballot_at(prev),
                               .committed = core_.log.committed(),
                               .last = core_.log.last(),
                               .stamp = stamp(),
                               .entries = {}});
  peer.heartbeat_sent(core_.now);
}

void Leadership::send_heartbeats() {
  for (auto& [id, peer] : peers_) heartbeat(id, peer);
  told_committed_ = core_.log.committed();
  heartbeat_at_ = core_.now + core_.config.heartbeat;
}

// ---------------------------------------------------------------- commitment (5.3, 5.4.2)

void Leadership::advance_commit() {
  const Index reached = core_.quorum().reached_by([&](ReplicaId id) {
    if (id == core_.config.self) return core_.tail.durable();
    const auto peer = peers_.find(id);
    return peer == peers_.end() ? Index() : peer->second.durable();
  });
  if (reached >= first_own_ || CONCLAVE_PLANT(older_terms_counted)) core_.log.commit_to(reached);
}

// Followers apply an entry when they hear that it is committed. The next Append tells them; if none is to be expected
// soon, they are told at once.
void Leadership::announce() {
  const Index committed = core_.log.committed();
  if (told_committed_ >= committed || core_.log.last() > committed) return;
  for (const auto& [id, peer] : peers_) {
    if (peer.placed()) core_.outbox.send(id, Committed{.ballot = ballot_, .committed = committed});
  }
  told_committed_ = committed;
}

void Leadership::given_out(const Entry& entry) {
  bytes_in_flight_ -= std::min(bytes_in_flight_, entry.payload.size());
}

// ---------------------------------------------------------------- membership (6)

bool Leadership::takes(const Blob& payload) const {
  const auto next = consensus::decode_membership(payload.view());
  if (!next) return false;
  const consensus::Membership& now = core_.memberships.current();
  // One change at a time, and none before an entry of this term is committed (B27): serves() says so.
  const bool settled = core_.memberships.current_index() <= core_.log.committed();
  if (!settled || !consensus::why_not(now, next->membership).empty()) return false;
  return std::ranges::all_of(next->membership.voters(), [&](ReplicaId id) {
    if (now.is_voter(id) || id == core_.config.self) return true;
    return !abstaining_.test(id.value) && consensus::ready_to_vote(peers_, id, core_.memberships.current_index(),
                                                                   core_.log.committed(), core_.now, core_.config);
  });
}

// From when a membership is in the log its members are sent entries, and its majorities count.
void Leadership::follow_membership() {
  const consensus::Membership& membership = core_.memberships.current();
  const auto meet = [&](ReplicaId id) {
    if (id == core_.config.self || peers_.contains(id)) return;
    peers_[id].seek(core_.log.last().next());  // figure 2: nextIndex
  };
  for (const consensus::Member& member : membership.members) meet(member.id);
  for (const ReplicaId id : membership.outgoing) meet(id);
  lease_.set_quorum(core_.quorum(), core_.now);
}

// What makes some of the peers former ones is committed: they are told, as far as one message can, and left alone.
void Leadership::part_from_former() {
  const Index current = core_.memberships.current_index();
  if (current <= parted_ || current > core_.log.committed()) return;
  parted_ = current;
  for (auto peer = peers_.begin(); peer != peers_.end();) {
    if (core_.memberships.current().concerns(peer->first)) {
      ++peer;
    } else {
      heartbeat(peer->first, peer->second);
      peer = peers_.erase(peer);
    }
  }
  if (core_.quorum().is_voter(core_.config.self)) return;
  CONCLAVE_PROBE("raft.leader-removed");
  removed_ = true;
  hand_over();
}

// To the best informed voter, so that the cell pauses for a round trip only.
void Leadership::hand_over() {
  const ReplicaId best = consensus::best_informed(peers_, core_.quorum());
  if (best == ReplicaId()) return;
  heartbeat(best, peers_.at(best));
  core_.outbox.send(best, TimeoutNow{.ballot = ballot_});
}

// ---------------------------------------------------------------- reads and transfer (6.4, 3.10)

void Leadership::read(uint64_t token) {
  if (!serves()) {
    core_.outbox.output().reads_refused.push_back(token);
    return;
  }
  const bool vouched = lease_.valid(core_.now) || (core_.config.leases && CONCLAVE_PLANT(leader_lease_not_checked));
  barriers_.add(token, core_.log.committed(), vouched);
}

void Leadership::transfer(ReplicaId to) {
  if (!serves() || !peers_.contains(to) || !core_.quorum().is_voter(to)) {
    log::warning("raft", "cannot transfer the lead", {{"to", to_string(to)}});
    return;
  }
  transfer_ = Transfer{.to = to, .deadline = core_.now + core_.config.election_timeout_max};
}

void Leadership::advance_transfer() {
  if (!transfer_) return;
  if (core_.now >= transfer_->deadline) {
    CONCLAVE_PROBE("raft.transfer-times-out");
    log::warning("raft", "transfer of the lead did not happen; goes on", {{"to", to_string(transfer_->to)}});
    transfer_.reset();
    return;
  }
  const Index last = core_.log.last();
  if (transfer_->told || core_.log.committed() < last || peers_.at(transfer_->to).durable() < last) return;
  CONCLAVE_PROBE("raft.transfer-told");
  lease_.give_up();
  transfer_->told = true;
  core_.outbox.send(transfer_->to, TimeoutNow{.ballot = ballot_});
}

// ---------------------------------------------------------------- time

void Leadership::tick() {
  if (core_.now >= heartbeat_at_ || told_committed_ < core_.log.committed()) send_heartbeats();
  pump_all();
}

const char* Leadership::lost() const {
  return lease_.has_quorum(core_.now) || CONCLAVE_PLANT(check_quorum_left_out) ? nullptr : "lost its quorum";
}

void Leadership::settle() {
  part_from_former();
  advance_transfer();
  if (!barriers_.empty()) {
    if (barriers_.start_round(confirmed())) send_heartbeats();
    for (const auto& grant : barriers_.take_granted(confirmed(), core_.log.committed())) {
      core_.outbox.output().reads.push_back(grant);
    }
  }
  announce();
}

}  // namespace conclave::raft
