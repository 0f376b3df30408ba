#include "consensus/testing/cell.h"

#include <algorithm>
#include <gtest/gtest.h>

#include "consensus/api/quorum.h"

namespace conclave::consensus::harness {

Cell::Cell(Options options) : options_(std::move(options)), random_(options_.seed) {
  const size_t founders = options_.voters + options_.observers;
  for (size_t i = 1; i <= founders + options_.spares; ++i) {
    const ReplicaId id(static_cast<uint8_t>(i));
    const DiskId disk(i);
    if (i <= founders) founders_.push_back({.id = id, .voter = i <= options_.voters, .disk = disk});
    Replica& replica = replicas_[id];
    replica.id = id;
    replica.disk = disk;
    replica.founder = i <= founders;
  }
  memberships_[Index()] = {.version = 1, .members = founders_};
  for (const auto& [id, replica] : replicas_) restart(id.value);
}

Config Cell::config_of(ReplicaId id) const {
  Config config = options_.config;
  const Replica& replica = replicas_.at(id);
  config.self = id;
  config.disk = replica.disk;
  if (replica.founder) config.members = founders_;
  config.seed = options_.seed * 1000 + id.value;
  return config;
}

Instant Cell::clock(const Replica& replica) const {
  const size_t place = replica.id.value - 1u;
  const int64_t drift = place < options_.drift_ppm.size() ? options_.drift_ppm[place] : 0;
  return Instant{1'000'000'000 + int64_t{replica.id.value} * 7'777'777 + now_us_ + now_us_ / 1000 * drift / 1000};
}

void Cell::at(int64_t when, std::function<void()> run) {
  queue_.push({when, order_++, std::move(run)});
}

bool Cell::run_one(int64_t until) {
  if (queue_.empty() || queue_.top().at > until) return false;
  auto run = queue_.top().run;
  now_us_ = std::max(now_us_, queue_.top().at);
  queue_.pop();
  run();
  return true;
}

void Cell::run(Duration how_long) {
  const int64_t until = now_us_ + how_long.us;
  while (run_one(until)) {
  }
  now_us_ = until;
}

bool Cell::run_until(const std::function<bool()>& condition, Duration limit) {
  const int64_t until = now_us_ + limit.us;
  while (!condition()) {
    if (!run_one(until)) {
      now_us_ = until;
      return condition();
    }
  }
  return true;
}

unsigned Cell::master() {
  Ballot best;
  unsigned who = 0;
  for (auto& [id, replica] : replicas_) {
    if (!replica.engine || replica.role.role != Role::master || replica.role.ballot < best) continue;
    best = replica.role.ballot;
    who = id.value;
  }
  return who;
}

unsigned Cell::elect(Duration limit) {
  run_until([&] { return master() != 0; }, limit);
  return master();
}

void Cell::step(unsigned id, EventBody body) {
  Replica& replica = (*this)[id];
  if (!replica.engine) return;
  perform(replica, replica.engine->step({.now = clock(replica), .body = std::move(body)}));
}

void Cell::propose(unsigned id, std::vector<std::string> payloads, uint64_t cookie) {
  Propose proposal{.cookie = cookie, .kind = EntryKind::transaction, .payloads = {}};
  for (auto& payload : payloads) proposal.payloads.emplace_back(std::move(payload));
  step(id, std::move(proposal));
}

uint64_t Cell::read(unsigned id) {
  const uint64_t token = next_token_++;
  read_floor_[token] = committed_anywhere();
  step(id, ReadBarrier{token});
  return token;
}

void Cell::change(unsigned master, const Membership& next) {
  asked_for_[asked_for_.size()] = next;
  step(master, Propose{.kind = EntryKind::membership, .payloads = {Blob(encode_membership(next))}});
}

void Cell::wipe(unsigned id) {
  crash(id);
  Replica& replica = (*this)[id];
  replica.disk = DiskId(replica.disk.value + 100);
  replica.founder = false;
  replica.hard_state = {};
  replica.journal.clear();
  replica.snapshot = replica.older_snapshot = {};
}

bool Cell::lost(unsigned id) const {
  const ReplicaId replica(static_cast<uint8_t>(id));
  const Member* member = membership().find(replica);
  return member && member->disk != replicas_.at(replica).disk;
}

bool Cell::may_be_wiped(unsigned id) const {
  ReplicaSet intact;
  for (const auto& [other, replica] : replicas_) {
    if (other.value != id && !lost(other.value)) intact.set(other.value);
  }
  if (membership().joint() || lost(id)) return false;
  // Nobody is let go before the cell says that it can do without.
  const bool firm = std::ranges::any_of(replicas_, [&](const auto& item) {
    if (!item.second.engine) return false;
    const EngineStatus status = item.second.engine->status(clock(item.second));
    return status.membership_firm && status.membership_version == membership().version;
  });
  if (!firm) return false;
  return std::ranges::all_of(asked_for_,
                             [&](const auto& asked) {
                               return asked.second.version <= membership().version ||
                                      Quorum(asked.second).reached(intact);
                             }) &&
         Quorum(membership()).reached(intact);
}

void Cell::crash(unsigned id) {
  Replica& replica = (*this)[id];
  if (!replica.engine) return;
  // What was on its way to the disk: some of it arrived, in order, nobody knows how much.
  size_t lucky = random_.below(replica.writing.size() + 1);
  for (auto& writing : replica.writing) {
    if (lucky-- == 0) break;
    persist(replica, writing.persist);
  }
  replica.engine.reset();
  ++replica.life;
  replica.writing.clear();
  replica.disk_stalled = false;
  replica.role = {};
}

void Cell::restart(unsigned id, std::vector<Index> damaged) {
  Replica& replica = (*this)[id];
  ++replica.life;
  Recovered recovered{.hard_state = replica.hard_state,
                      .snapshot_index = replica.snapshot.index,
                      .snapshot_ballot = replica.snapshot.ballot,
                      .membership = replica.snapshot.membership,
                      .at_snapshot = {},
                      .doubtful = {},
                      .entries = {},
                      .damaged = std::move(damaged)};
  for (const auto& [index, entry] : replica.journal) {
    if (index == replica.snapshot.index) recovered.at_snapshot = entry.ballot;
    if (index > replica.hard_state.committed && index <= replica.snapshot.index) recovered.doubtful.push_back(index);
    if (index > replica.snapshot.index) recovered.entries.push_back(entry);
  }
  replica.applied = replica.snapshot.index;
  replica.applied_ballot = replica.snapshot.ballot;
  replica.membership = replica.snapshot.membership;
  if (replica.founder && replica.membership.version == 0) replica.membership = memberships_.at(Index());
  replica.role = {};
  replica.disk_free_at = now_us_;
  replica.engine = options_.kind.make(config_of(replica.id), std::move(recovered));
  const uint64_t life = replica.life;
  at(now_us_ + static_cast<int64_t>(random_.below(10'000)), [this, i = replica.id, life] { tick(i, life); });
}

void Cell::restart_from_older_snapshot(unsigned id) {
  Replica& replica = (*this)[id];
  replica.snapshot = std::exchange(replica.older_snapshot, {});
  std::vector<Index> missing;
  for (Index i = replica.snapshot.index.next(); i <= replica.hard_state.committed; i = i.next()) {
    const auto held = replica.journal.find(i);
    if (held == replica.journal.end() || !held->second.ballot) missing.push_back(i);
  }
  restart(id, std::move(missing));
}

void Cell::tick(ReplicaId id, uint64_t life) {
  Replica& replica = replicas_.at(id);
  if (replica.life != life || !replica.engine) return;
  step(id.value, Tick{});
  at(now_us_ + options_.config.tick.us, [this, id, life] { tick(id, life); });
}

void Cell::link(unsigned from, unsigned to, bool up) {
  const std::pair edge{ReplicaId(static_cast<uint8_t>(from)), ReplicaId(static_cast<uint8_t>(to))};
  if (up) {
    broken_.erase(edge);
  } else {
    broken_.insert(edge);
  }
}

void Cell::isolate(unsigned id, bool up) {
  for (const auto& [other, replica] : replicas_) {
    if (other.value != id) both(id, other.value, up);
  }
}

void Cell::heal() {
  broken_.clear();
}

void Cell::only(const std::vector<std::pair<unsigned, unsigned>>& links) {
  for (const auto& [id, replica] : replicas_) isolate(id.value);
  for (const auto& [a, b] : links) both(a, b, true);
}

void Cell::hint_down(unsigned dead) {
  for (const auto& [id, replica] : replicas_) {
    if (id.value != dead) step(id.value, PeerHint{ReplicaId(static_cast<uint8_t>(dead)), false});
  }
}

// ---------------------------------------------------------------- performing outputs

void Cell::perform(Replica& replica, Output output) {
  if (const auto from = output.persist.truncate_from) {
    EXPECT_TRUE(*from > replica.applied || *from <= replica.snapshot.index)
        << "truncates what was given out " << where(replica);
  }
  for (Envelope& envelope : output.send) send(replica.id, std::move(envelope));
  if (output.persist.number != 0) {
    replica.writing.push_back({std::move(output.persist), std::move(output.send_when_durable)});
    write(replica);
  } else if (!replica.writing.empty()) {
    auto& last = replica.writing.back().then_send;
    for (Envelope& envelope : output.send_when_durable) last.push_back(std::move(envelope));
  } else {
    for (Envelope& envelope : output.send_when_durable) send(replica.id, std::move(envelope));
  }
  for (const Entry& entry : output.committed) apply(replica, entry);
  for (const ReadGrant& grant : output.reads) {
    EXPECT_GE(grant.index, read_floor_[grant.token]) << "E3: stale read " << where(replica);
    replica.reads.push_back(grant);
  }
  for (uint64_t token : output.reads_refused) replica.reads_refused.push_back(token);
  for (uint64_t cookie : output.refused) replica.refused.push_back(cookie);
  for (const SnapshotNeeded& needed : output.snapshots_needed) send_snapshot(replica, needed);
  if (output.role) check_role(replica, *output.role);
  if (options_.snapshot_every && replica.applied.value >= replica.snapshot.index.value + options_.snapshot_every) {
    snapshot(replica);
  }
}

void Cell::send(ReplicaId from, Envelope envelope) {
  ++messages_;
  ++by_type_[std::string(options_.kind.type_name(envelope.message.type))];
  if (broken_.contains({from, envelope.to})) return;
  if (filter && !filter(from, envelope)) return;
  const Faults& f = options_.faults;
  if (f.drop_permille && random_.chance(f.drop_permille, 1000)) return;
  const size_t copies = f.duplicate_permille && random_.chance(f.duplicate_permille, 1000) ? 2 : 1;
  for (size_t i = 0; i < copies; ++i) {
    const auto delay = static_cast<int64_t>(
        random_.between(static_cast<uint64_t>(f.delay_min_us), static_cast<uint64_t>(f.delay_max_us)));
    at(now_us_ + delay, [this, from, envelope] {
      if (!broken_.contains({from, envelope.to})) step(envelope.to.value, MessageReceived{from, envelope.message});
    });
  }
}

void Cell::write(Replica& replica) {
  const Faults& f = options_.faults;
  const auto took =
      static_cast<int64_t>(random_.between(static_cast<uint64_t>(f.disk_min_us), static_cast<uint64_t>(f.disk_max_us)));
  replica.disk_free_at = std::max(replica.disk_free_at, now_us_) + took;
  std::function<void()> done = [this, id = replica.id, life = replica.life] {
    Replica& r = replicas_.at(id);
    if (r.life == life && r.engine) written(r);
  };
  at(replica.disk_free_at, std::move(done));
}

void Cell::written(Replica& replica) {
  if (replica.disk_stalled) {
    at(now_us_ + 1000, [this, id = replica.id, life = replica.life] {
      Replica& r = replicas_.at(id);
      if (r.life == life && r.engine) written(r);
    });
    return;
  }
  Replica::Writing writing = std::move(replica.writing.front());
  replica.writing.pop_front();
  persist(replica, writing.persist);
  for (Envelope& envelope : writing.then_send) send(replica.id, std::move(envelope));
  step(replica.id.value, Persisted{writing.persist.number});
}

void Cell::persist(Replica& replica, const Persist& persist) {
  if (persist.hard_state) {
    EXPECT_GE(persist.hard_state->promised, replica.hard_state.promised) << where(replica);
    replica.hard_state = *persist.hard_state;
  }
  if (persist.truncate_from) {
    const auto from = replica.journal.lower_bound(*persist.truncate_from);
    for (auto entry = from; entry != replica.journal.end(); ++entry) {
      acceptances_[{entry->first, entry->second.ballot}].second.erase(replica.id);
    }
    replica.journal.erase(from, replica.journal.end());
  }
  for (const Entry& entry : persist.entries) {
    replica.journal[entry.index] = entry;
    accepted(replica.id, entry);
  }
}

void Cell::send_snapshot(Replica& from, SnapshotNeeded needed) {
  if (from.applied < needed.at_least) return;
  if (broken_.contains({from.id, needed.to})) return;
  const Index index = from.applied;
  at(now_us_ + 5000, [this, to = needed.to, index, ballot = from.applied_ballot, membership = from.membership] {
    Replica& replica = replicas_.at(to);
    if (!replica.engine || replica.applied >= index) return;
    replica.applied = index;
    replica.applied_ballot = ballot;
    replica.membership = membership;
    took(replica, {.index = index, .ballot = ballot, .membership = membership});
    ++replica.snapshots_received;
    step(to.value, SnapshotInstalled{index, ballot, membership});
  });
}

void Cell::took(Replica& replica, Replica::Snapshot snapshot) {
  replica.older_snapshot = std::exchange(replica.snapshot, snapshot);
}

void Cell::snapshot(Replica& replica) {
  took(replica, {.index = replica.applied, .ballot = replica.applied_ballot, .membership = replica.membership});
  const uint64_t keep = std::min(options_.keep_entries, replica.applied.value);
  step(replica.id.value, SnapshotTaken{.index = replica.applied,
                                       .ballot = replica.applied_ballot,
                                       .keep_after = Index(replica.applied.value - keep)});
}

// ---------------------------------------------------------------- checks

std::string Cell::where(const Replica& replica) const {
  return "(seed " + std::to_string(options_.seed) + ", replica " + to_string(replica.id) + ", at " +
         std::to_string(now_us_) + " us)";
}

std::string Cell::text(const Entry& entry) {
  return std::to_string(static_cast<int>(entry.kind)) + ":" + std::string(entry.payload.view());
}

void Cell::accepted(ReplicaId by, const Entry& entry) {
  const Replica& replica = replicas_.at(by);
  if (!entry.ballot) return;
  auto& [value, acceptors] = acceptances_[{entry.index, entry.ballot}];
  if (value.empty()) value = text(entry);
  EXPECT_EQ(value, text(entry)) << "two values under one number " << where(replica);
  acceptors.insert(by);
  if (options_.kind.majority_chooses && held_by_majority(entry)) choose(entry, replica);
}

bool Cell::held_by_majority(const Entry& entry) const {
  const auto known = acceptances_.find({entry.index, entry.ballot});
  if (known == acceptances_.end()) return false;
  ReplicaSet holders;
  for (const ReplicaId id : known->second.second) holders.set(id.value);
  // The membership that is committed below it.
  if (Quorum(std::prev(memberships_.lower_bound(entry.index))->second).reached(holders)) return true;
  // Raft: or one that its leader had in its log already.
  return !options_.kind.majority_chooses && std::ranges::any_of(asked_for_, [&](const auto& asked) {
    return asked.second.version > membership().version && Quorum(asked.second).reached(holders);
  });
}

// Everybody passes over what cannot follow, alike.
void Cell::follow_membership(Replica& replica, const Entry& entry) {
  const auto payload = decode_membership(entry.payload.view());
  ASSERT_TRUE(payload);
  const bool counts = why_not(replica.membership, payload->membership).empty();
  EXPECT_TRUE(counts || options_.kind.majority_chooses) << "a leader took what cannot follow " << where(replica);
  if (counts) replica.membership = payload->membership;
  const bool first = followed_.insert(entry.index).second;
  if (first && counts) memberships_[entry.index] = payload->membership;
  EXPECT_EQ(counts, memberships_.contains(entry.index)) << "only some pass over a membership " << where(replica);
}

void Cell::choose(const Entry& entry, const Replica& replica) {
  const auto [place, first] = chosen_.try_emplace(entry.index, Choice{text(entry), entry.ballot});
  if (first) return;
  place->second.ballot = std::min(place->second.ballot, entry.ballot);
  EXPECT_EQ(place->second.value, text(entry))
      << "P2: two values chosen for slot " << entry.index.value << where(replica);
}

void Cell::apply(Replica& replica, const Entry& entry) {
  ASSERT_EQ(entry.index, replica.applied.next()) << "E1: gap or repetition " << where(replica);
  replica.applied = entry.index;
  replica.applied_ballot = entry.ballot;
  if (!chosen_.contains(entry.index) && held_by_majority(entry)) choose(entry, replica);
  const auto choice = chosen_.find(entry.index);
  ASSERT_NE(choice, chosen_.end()) << "E1: slot " << entry.index.value << " was never chosen " << where(replica);
  EXPECT_EQ(choice->second.value, text(entry)) << "E1: not the chosen value " << where(replica);
  if (entry.index.value > committed_.size()) committed_.push_back(text(entry));
  EXPECT_EQ(committed_.at(entry.index.value - 1), text(entry)) << "E1: replicas differ " << where(replica);
  if (entry.kind == EntryKind::membership) follow_membership(replica, entry);
}

void Cell::check_role(Replica& replica, const RoleChange& role) {
  replica.role = role;
  replica.roles.push_back(role);
  EXPECT_STRNE(role.reason, "");
  if (role.role == Role::synchronising || role.role == Role::master) {
    const ReplicaId owner = rounds_.try_emplace(role.ballot.round, replica.id).first->second;
    EXPECT_EQ(owner, replica.id) << "E5: a round is shared " << where(replica);
  }
  if (role.role != Role::master) return;
  ++leads_;
  for (auto slot = chosen_.upper_bound(replica.applied); slot != chosen_.end(); ++slot) {
    EXPECT_GE(slot->second.ballot, role.ballot) << "E4: serves without slot " << slot->first.value << where(replica);
  }
}

std::optional<std::string> Cell::value(Index index) const {
  if (index == Index(0) || index.value > committed_.size()) return std::nullopt;
  return committed_[index.value - 1];
}

std::string Cell::describe() const {
  std::string out = "\n  committed anywhere: " + std::to_string(committed_.size());
  for (const auto& [id, replica] : replicas_) {
    out += "\n  replica " + to_string(id) + ": applied " + to_string(replica.applied);
    if (options_.spares > 0) out += ", disk " + to_string(replica.disk) + ", " + to_string(replica.membership);
    for (const auto& [index, entry] : replica.journal) {
      if (entry.kind != EntryKind::membership || index <= replica.applied) continue;
      out += ", at " + to_string(index) + " " + to_string(decode_membership(entry.payload.view())->membership);
    }
    if (!replica.engine) continue;
    const EngineStatus status = replica.engine->status(clock(replica));
    out += ", role " + std::to_string(static_cast<int>(status.role)) + ", ballot " + to_string(status.ballot) +
           ", master " + to_string(status.master) + ", log " + to_string(status.first_in_memory) + ".." +
           to_string(status.last) + ", committed " + to_string(status.committed);
    for (const auto& peer : status.peers) out += ", " + to_string(peer.id) + " has " + to_string(peer.match);
  }
  return out;
}

bool Cell::everywhere(Index index) {
  for (const auto& [id, replica] : replicas_) {
    const bool matters = options_.spares == 0 || (membership().concerns(id) && !lost(id.value));
    if (matters && replica.engine && replica.applied < index) return false;
  }
  return true;
}

}  // namespace conclave::consensus::harness
