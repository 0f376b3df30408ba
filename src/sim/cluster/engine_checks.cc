#include "sim/cluster/engine_checks.h"

#include <algorithm>
#include <deque>
#include <fmt/format.h>

#include "base/checksum.h"

namespace conclave::sim {
namespace {

constexpr const char* kName = "engine";

uint64_t value_of(const consensus::Entry& entry) {
  return xxh3_64(entry.payload.view(), static_cast<uint64_t>(entry.kind));
}

}  // namespace

// What is known of one replica from its steps.
class EngineChecks::Seat final : public replica::EngineObserver {
 public:
  Seat(EngineChecks& checks, ReplicaId replica) : checks_(checks), replica_(replica) {}

  void begin_life() {
    // What was on its way to the disk may have arrived: a truncation too. A life that fails before it has read its disk
    // does not tell.
    for (const Writing& writing : writing_) in_doubt_from_ = std::min(in_doubt_from_, writing.truncate_from);
    writing_.clear();
    barriers_.clear();
    heard_.clear();
    given_ = Index();
    role_ = consensus::Role::follower;
  }

  void forget() {
    promised_ = {};
    writing_.clear();
    in_doubt_from_ = Index(UINT64_MAX);
    held_.clear();
    snapshot_ = Index();
  }

  // What was being written when the last life ended may be there or not; this says.
  void on_recovered(const consensus::Recovered& log) override {
    given_ = log.snapshot_index;
    check_memory(log);
    for (const consensus::Entry& entry : log.entries) {
      if (entry.ballot) checks_.accepted(replica_, entry.index, entry.ballot, value_of(entry));
    }
  }

  void on_step(const consensus::Event& event, const consensus::Output& output) override {
    ++checks_.steps_;
    if (const auto* persisted = std::get_if<consensus::Persisted>(&event.body)) {
      became_durable(persisted->persist);
    } else if (const auto* received = std::get_if<consensus::MessageReceived>(&event.body)) {
      heard_[received->from] = checks_.true_time_();
    } else if (const auto* barrier = std::get_if<consensus::ReadBarrier>(&event.body)) {
      barriers_[barrier->token] = checks_.acknowledged_;
    } else if (const auto* installed = std::get_if<consensus::SnapshotInstalled>(&event.body)) {
      given_ = installed->index;
      has_snapshot(installed->index);
    } else if (const auto* taken = std::get_if<consensus::SnapshotTaken>(&event.body)) {
      has_snapshot(taken->index);
    }
    if (output.persist.number != 0) begin_writing(output.persist);
    for (const consensus::Entry& entry : output.committed) give_out(entry);
    for (const consensus::ReadGrant& read : output.reads) grant(read);
    for (const uint64_t token : output.reads_refused) barriers_.erase(token);
    if (output.role) change_role(*output.role);
    if (leads(role_) && std::holds_alternative<consensus::Tick>(event.body)) check_quorum();
  }

 private:
  struct Accepted {
    Index index;
    consensus::Ballot ballot;
    uint64_t value;
  };
  struct Writing {
    uint64_t number;
    Index truncate_from = Index(UINT64_MAX);  // nothing
    std::optional<consensus::Ballot> promised;
    std::vector<Accepted> accepted;
    std::vector<std::pair<Index, consensus::Ballot>> held;
  };

  void begin_writing(const consensus::Persist& persist) {
    Writing writing{.number = persist.number, .promised = {}, .accepted = {}, .held = {}};
    writing.truncate_from = persist.truncate_from.value_or(writing.truncate_from);
    if (persist.hard_state) writing.promised = persist.hard_state->promised;
    for (const consensus::Entry& entry : persist.entries) {
      if (entry.kind == consensus::EntryKind::membership) {
        checks_.note_membership(entry);
        led_since_ = checks_.true_time_();  // new voters are given time to answer
      }
      writing.held.emplace_back(entry.index, entry.ballot);
      if (!entry.ballot || entry.index <= checks_.committed()) continue;
      writing.accepted.push_back({.index = entry.index, .ballot = entry.ballot, .value = value_of(entry)});
    }
    if (writing.promised && *writing.promised < promised_) {
      checks_.findings_.add(kName, fmt::format("replica {} writes promise {} after {} was durable (PX-10)",
                                               replica_.value, to_string(*writing.promised), to_string(promised_)));
    }
    writing_.push_back(std::move(writing));
  }

  void became_durable(uint64_t persist) {
    while (!writing_.empty() && writing_.front().number <= persist) {
      const Writing& done = writing_.front();
      if (done.promised) promised_ = *done.promised;
      held_.erase(held_.lower_bound(done.truncate_from), held_.end());
      checks_.truncated(replica_, done.truncate_from);
      for (const auto& [index, ballot] : done.held) held_[index] = ballot;
      for (const Accepted& entry : done.accepted) checks_.accepted(replica_, entry.index, entry.ballot, entry.value);
      writing_.pop_front();
    }
  }

  void has_snapshot(Index index) {
    // A start may fall back on the snapshot before.
    held_.erase(held_.begin(), held_.upper_bound(snapshot_));
    snapshot_ = std::max(snapshot_, index);
  }

  void check_memory(const consensus::Recovered& log) {
    if (log.hard_state.promised < promised_) {
      checks_.findings_.add(
          kName, fmt::format("replica {} starts with promise {} after {} was durable (PX-10)", replica_.value,
                             to_string(log.hard_state.promised), to_string(promised_)));
    }
    if (log.snapshot_index < snapshot_ && !checks_.damaged_.contains(replica_)) {
      checks_.findings_.add(kName, fmt::format("replica {} starts with the snapshot at index {}; the one at {} was "
                                               "durable and nothing damaged its disk",
                                               replica_.value, log.snapshot_index.value, snapshot_.value));
    }
    snapshot_ = log.snapshot_index;
    held_.erase(held_.lower_bound(in_doubt_from_), held_.end());
    checks_.truncated(replica_, in_doubt_from_);
    in_doubt_from_ = Index(UINT64_MAX);
    for (auto it = held_.upper_bound(log.snapshot_index); it != held_.end(); ++it) {
      const auto& [index, ballot] = *it;
      if (std::ranges::binary_search(log.damaged, index)) continue;
      const auto found = std::ranges::lower_bound(log.entries, index, {}, &consensus::Entry::index);
      const bool there = found != log.entries.end() && found->index == index;
      if (there && (!found->ballot || found->ballot >= ballot)) continue;
      checks_.findings_.add(kName, fmt::format("replica {} starts with {} at index {}; what it accepted there under "
                                               "ballot {} was durable (B37)",
                                               replica_.value, there ? "ballot " + to_string(found->ballot) : "nothing",
                                               index.value, to_string(ballot)));
    }
  }

  void give_out(const consensus::Entry& entry) {
    if (entry.index != given_.next()) {
      checks_.findings_.add(kName, fmt::format("replica {} gives out index {} after {} (E1)", replica_.value,
                                               entry.index.value, given_.value));
    }
    given_ = entry.index;
    if (entry.kind == consensus::EntryKind::membership) led_since_ = checks_.true_time_();
    checks_.given_out(replica_, entry);
  }

  void grant(const consensus::ReadGrant& read) {
    const auto barrier = barriers_.find(read.token);
    if (barrier == barriers_.end()) {
      checks_.findings_.add(
          kName, fmt::format("replica {} grants read {}, which nobody asked for", replica_.value, read.token));
      return;
    }
    if (read.index < barrier->second) {
      checks_.findings_.add(kName,
                            fmt::format("replica {} grants a read at index {}, but {} was acknowledged before it "
                                        "was asked for (E3)",
                                        replica_.value, read.index.value, barrier->second.value));
    }
    barriers_.erase(barrier);
  }

  static bool leads(consensus::Role role) {
    return role == consensus::Role::master || role == consensus::Role::synchronising;
  }

  void check_quorum() {
    const Instant now = checks_.true_time_();
    if (now - led_since_ <= checks_.patience_) return;
    consensus::ReplicaSet recent;
    recent.set(replica_.value);
    for (const auto& [from, at] : heard_) {
      if (now - at <= checks_.patience_) recent.set(from.value);
    }
    // It may not have heard yet of the membership that the rest of the cell goes by.
    if (std::ranges::any_of(checks_.memberships_,
                            [&](const auto& known) { return consensus::Quorum(known).reached(recent); }) ||
        std::ranges::any_of(checks_.coming_,
                            [&](const auto& known) { return consensus::Quorum(known).reached(recent); })) {
      return;
    }
    checks_.findings_.add(kName, fmt::format("replica {} leads at {} ms and has heard of no majority for {} ms (B12)",
                                             replica_.value, (now - Instant{0}).ms(), checks_.patience_.ms()));
  }

  void change_role(const consensus::RoleChange& role) {
    if (leads(role.role) && !leads(role_)) led_since_ = checks_.true_time_();
    const bool began = role.role == consensus::Role::master && role_ != consensus::Role::master;
    role_ = role.role;
    if (role.role != consensus::Role::master && role.role != consensus::Role::synchronising) return;
    const auto owner = checks_.rounds_.emplace(role.ballot.round, replica_).first->second;
    if (owner != replica_) {
      checks_.findings_.add(kName, fmt::format("round {} led by replica {} and by replica {} (E5)", role.ballot.round,
                                               owner.value, replica_.value));
    }
    if (!began) return;
    ++checks_.masters_;
    if (const Index owed = checks_.acknowledged_below(role.ballot); given_ < owed) {
      checks_.findings_.add(kName,
                            fmt::format("replica {} serves as master of ballot {} having given out up to index {}; "
                                        "{} was acknowledged (E4)",
                                        replica_.value, to_string(role.ballot), given_.value, owed.value));
    }
  }

  EngineChecks& checks_;
  ReplicaId replica_;
  consensus::Ballot promised_;  // durable, over all lives
  std::map<Index, consensus::Ballot>
      held_;        // durable above the last snapshot but one, over all lives; no ballot: learned
  Index snapshot_;  // the newest durable one
  std::deque<Writing> writing_;
  Index in_doubt_from_ = Index(UINT64_MAX);  // by a truncation that was under way when the last life ended
  std::map<uint64_t, Index> barriers_;       // by token: what was acknowledged when it was asked for
  Index given_;                              // out to the driver, in this life
  consensus::Role role_ = consensus::Role::follower;
  Instant led_since_{0};                // true time, as the next
  std::map<ReplicaId, Instant> heard_;  // the newest message of each, in this life
};

EngineChecks::EngineChecks(std::vector<consensus::Member> members, Findings& findings,
                           std::function<void(const consensus::Entry&)> on_first_commit,
                           std::function<Instant()> true_time, Duration patience, bool newest_counts)
    : memberships_{{.version = 1, .members = std::move(members), .outgoing = {}}},
      quorum_(memberships_.back()),
      newest_counts_(newest_counts),
      findings_(findings),
      on_first_commit_(std::move(on_first_commit)),
      true_time_(std::move(true_time)),
      patience_(patience) {}

EngineChecks::~EngineChecks() = default;

replica::EngineObserver* EngineChecks::begin_life(ReplicaId replica) {
  auto& seat = seats_[replica];
  if (seat == nullptr) seat = std::make_unique<Seat>(*this, replica);
  seat->begin_life();
  return seat.get();
}

void EngineChecks::note_set_back(ReplicaId replica) {
  if (const auto seat = seats_.find(replica); seat != seats_.end()) seat->second->forget();
}

Index EngineChecks::acknowledged_below(const consensus::Ballot& ballot) const {
  Index index = acknowledged_;
  while (index != Index() && given_[index.value - 1].ballot >= ballot) index = index.prev();
  return index;
}

void EngineChecks::accepted(ReplicaId by, Index index, const consensus::Ballot& ballot, uint64_t value) {
  if (index <= committed()) return;
  std::vector<Acceptance>& known = acceptances_[index];
  const auto same =
      std::ranges::find_if(known, [&](const Acceptance& a) { return a.ballot == ballot && a.value == value; });
  if (same != known.end()) {
    same->by.set(by.value);
  } else {
    known.push_back({.ballot = ballot, .value = value, .by = consensus::ReplicaSet().set(by.value)});
  }
}

void EngineChecks::truncated(ReplicaId by, Index from) {
  for (auto index = acceptances_.lower_bound(from); index != acceptances_.end(); ++index) {
    for (Acceptance& known : index->second) known.by.reset(by.value);
  }
}

void EngineChecks::given_out(ReplicaId by, const consensus::Entry& entry) {
  const uint64_t value = value_of(entry);
  if (entry.index <= committed()) {
    if (given_[entry.index.value - 1].value != value) {
      findings_.add(kName, fmt::format("replica {} gives out another value at index {} than was given out before (E1)",
                                       by.value, entry.index.value));
    }
    return;
  }
  if (entry.index != committed().next()) {
    findings_.add(kName, fmt::format("replica {} gives out index {}; nobody gave out {}", by.value, entry.index.value,
                                     committed().next().value));
    return;
  }
  const std::vector<Acceptance>& known = acceptances_[entry.index];
  const bool chosen =
      std::ranges::any_of(known, [&](const Acceptance& a) { return a.value == value && decides(a.by); });
  if (!chosen) {
    findings_.add(kName, fmt::format("replica {} gives out index {} under ballot {}, which no majority has accepted "
                                     "durably (PX-04)",
                                     by.value, entry.index.value, to_string(entry.ballot)));
  }
  acceptances_.erase(entry.index);
  given_.push_back({.value = value, .ballot = entry.ballot});
  if (entry.kind == consensus::EntryKind::membership) follow_membership(entry);
  on_first_commit_(entry);
}

bool EngineChecks::decides(const consensus::ReplicaSet& replicas) const {
  if (quorum_.reached(replicas)) return true;
  return newest_counts_ && std::ranges::any_of(coming_, [&](const consensus::Membership& membership) {
           return consensus::Quorum(membership).reached(replicas);
         });
}

void EngineChecks::note_membership(const consensus::Entry& entry) {
  auto payload = consensus::decode_membership(entry.payload.view());
  if (!payload || payload->membership.version <= membership().version) return;
  if (std::ranges::find(coming_, payload->membership) == coming_.end()) coming_.push_back(payload->membership);
}

void EngineChecks::follow_membership(const consensus::Entry& entry) {
  const auto payload = consensus::decode_membership(entry.payload.view());
  if (!payload || !consensus::why_not(membership(), payload->membership).empty()) return;
  memberships_.push_back(payload->membership);
  quorum_ = consensus::Quorum(membership());
  std::erase_if(coming_, [this](const auto& coming) { return coming.version <= membership().version; });
}

std::vector<consensus::Membership> EngineChecks::possible_memberships() const {
  constexpr std::ptrdiff_t kStillAsked = 3;
  const auto asked = std::min(std::ssize(memberships_), kStillAsked);
  std::vector<consensus::Membership> possible(memberships_.end() - asked, memberships_.end());
  possible.insert(possible.end(), coming_.begin(), coming_.end());
  return possible;
}

}  // namespace conclave::sim
