#include "sim/explore/invariants.h"

#include <algorithm>
#include <map>

namespace conclave::sim::explore {
namespace {

using consensus::Ballot;
using consensus::EngineKind;
using consensus::Entry;
using consensus::Role;

using Replicas = std::span<const ReplicaState* const>;

void broken(std::string* violation, std::string what) {
  if (violation->empty()) *violation = std::move(what);
}

size_t majority(Replicas cell) {
  return cell.size() / 2 + 1;
}

bool same_value(const Entry& a, const Entry& b) {
  return a.kind == b.kind && a.payload == b.payload;
}

bool leads(const consensus::RoleChange& role) {
  return role.role == Role::synchronising || role.role == Role::master;
}

const Acceptance* find(Replicas cell, Index index, Ballot ballot) {
  for (const ReplicaState* replica : cell) {
    const auto found = std::ranges::lower_bound(replica->accepted, std::pair(index, ballot), {}, key);
    if (found != replica->accepted.end() && key(*found) == std::pair(index, ballot)) return &*found;
  }
  return nullptr;
}

// Of an index, what was chosen there and the ballot under which a quorum made it so.
struct Choice {
  Ballot by;
  const Entry* entry;
};
using Choices = std::multimap<Index, Choice>;

// All there are, of an index the lowest ballot first.
Choices choices(EngineKind kind, Replicas cell) {
  std::map<std::pair<Ballot, Index>, std::pair<const Acceptance*, size_t>> acceptors;
  for (const ReplicaState* replica : cell) {
    for (const Acceptance& acceptance : replica->accepted) {
      if (!acceptance.counts) continue;
      auto& [proposal, count] = acceptors[{acceptance.entry.ballot, acceptance.entry.index}];
      proposal = &acceptance;
      ++count;
    }
  }
  Choices out;
  for (const auto& [by, found] : acceptors) {
    if (found.second < majority(cell)) continue;
    out.emplace(by.second, Choice{.by = by.first, .entry = &found.first->entry});
    if (kind != EngineKind::raft) continue;
    for (const Acceptance* last = found.first; last->previous;) {  // and what stands before it
      last = find(cell, last->entry.index.prev(), last->previous);
      if (last == nullptr) break;
      out.emplace(last->entry.index, Choice{.by = by.first, .entry = &last->entry});
    }
  }
  return out;
}

void check_one_proposal(Replicas cell, const ReplicaState& self, std::string* violation) {
  for (const ReplicaState* other : cell) {
    auto mine = self.accepted.begin();
    for (const Acceptance& theirs : other->accepted) {
      while (mine != self.accepted.end() && key(*mine) < key(theirs)) ++mine;
      if (mine != self.accepted.end() && key(*mine) == key(theirs)) check_same_proposal(*mine, theirs, violation);
    }
  }
}

void check_one_value(const Choices& chosen, std::string* violation) {
  for (const auto& [index, choice] : chosen) {
    const Entry& first = *chosen.lower_bound(index)->second.entry;
    if (same_value(*choice.entry, first)) continue;
    broken(violation, "one value: two are chosen, [" + to_string(first) + "] and [" + to_string(*choice.entry) + "]");
  }
}

void check_given_everywhere(Replicas cell, const Choices& chosen, const ReplicaState& self, std::string* violation) {
  for (const Entry& entry : self.given) {
    const auto [begin, end] = chosen.equal_range(entry.index);
    if (std::none_of(begin, end, [&](const auto& choice) { return same_value(*choice.second.entry, entry); })) {
      broken(violation, "E1: replica " + to_string(self.id) + " gave out [" + to_string(entry) +
                            "], which no quorum has durably accepted");
    }
    for (const ReplicaState* other : cell) {
      if (other->given.size() < entry.index.value) continue;
      const Entry& theirs = other->given[entry.index.value - 1];
      if (same_value(theirs, entry)) continue;
      broken(violation, "E1: replicas " + to_string(self.id) + " and " + to_string(other->id) + " gave out [" +
                            to_string(entry) + "] and [" + to_string(theirs) + "]");
    }
  }
}

void check_lead(EngineKind kind, Replicas cell, const Choices& chosen, const ReplicaState& self,
                std::string* violation) {
  const Ballot ballot = self.role.ballot;
  size_t promises = 0;
  for (const ReplicaState* replica : cell) {
    const Ballot promised = replica->hard_state.promised;
    const bool vote = promised == ballot || promised.round > ballot.round;
    promises += (kind == EngineKind::raft ? vote : promised >= ballot) ? 1 : 0;
  }
  for (const ReplicaState* other : cell) {
    if (other != &self && std::ranges::binary_search(other->led, ballot.round)) {
      broken(violation, "E5: replicas " + to_string(other->id) + " and " + to_string(self.id) + " led in round " +
                            std::to_string(ballot.round));
    }
  }
  if (self.role.role == Role::master) {
    for (auto at = chosen.upper_bound(self.applied); at != chosen.end(); at = chosen.upper_bound(at->first)) {
      if (at->second.by >= ballot) continue;
      broken(violation, "E4: replica " + to_string(self.id) + " serves with ballot " + to_string(ballot) +
                            " but has not given out [" + to_string(*at->second.entry) + "], which is chosen");
    }
  }
  if (promises < majority(cell)) {
    broken(violation, "lead: replica " + to_string(self.id) + " leads with ballot " + to_string(ballot) +
                          ", for which only " + std::to_string(promises) + " promises are on disk");
  }
}

// What a server's log holds, its persists under way included.
std::map<Index, const Entry*> log_of(const ReplicaState& state) {
  std::map<Index, const Entry*> log;
  for (const Entry& entry : state.journal) log[entry.index] = &entry;
  for (const Writing& writing : state.writing) {
    if (writing.persist.truncate_from) log.erase(log.lower_bound(*writing.persist.truncate_from), log.end());
    for (const Entry& entry : writing.persist.entries) log[entry.index] = &entry;
  }
  return log;
}

void check_leader_completeness(const Choices& chosen, const ReplicaState& leader, std::string* violation) {
  const auto log = log_of(leader);
  for (const auto& [index, choice] : chosen) {
    if (choice.by.round >= leader.role.ballot.round) continue;
    const auto held = log.find(index);
    if (held != log.end() && held->second->ballot == choice.entry->ballot) continue;
    broken(violation, "leader completeness: replica " + to_string(leader.id) + " leads with ballot " +
                          to_string(leader.role.ballot) + " without [" + to_string(*choice.entry) +
                          "], which was chosen under " + to_string(choice.by));
  }
}

}  // namespace

void check_persist(EngineKind kind, const ReplicaState& state, const consensus::Persist& persist,
                   std::string* violation) {
  const Ballot promised = state.hard_state.promised;
  if (!persist.hard_state) return;
  const Ballot next = persist.hard_state->promised;
  if (kind == EngineKind::raft && next.round == promised.round) {
    if (promised.replica == ReplicaId() || promised == next) return;
    broken(violation, "one vote: replica " + to_string(state.id) + " voted " + to_string(promised) +
                          " and in the same term " + to_string(next));
  } else if (next < promised) {
    broken(violation, "promise: replica " + to_string(state.id) + " promised " + to_string(promised) +
                          " and goes back to " + to_string(next));
  }
}

void check_same_proposal(const Acceptance& known, const Acceptance& acceptance, std::string* violation) {
  const Entry& entry = acceptance.entry;
  if (!same_value(known.entry, entry)) {
    broken(violation,
           "one proposal: [" + to_string(known.entry) + "] and [" + to_string(entry) + "] were both accepted");
  } else if (known.previous != acceptance.previous) {
    broken(violation, "log matching: [" + to_string(entry) + "] stands behind an entry of " +
                          to_string(known.previous) + " and behind one of " + to_string(acceptance.previous));
  }
}

void check_given(const ReplicaState& state, const Entry& entry, std::string* violation) {
  if (entry.index != state.applied.next()) {
    broken(violation, "E1: replica " + to_string(state.id) + " gave out index " + to_string(entry.index) + " after " +
                          to_string(state.applied));
  } else if (entry.index.value <= state.given.size() && !same_value(state.given[entry.index.value - 1], entry)) {
    broken(violation, "E1: replica " + to_string(state.id) + " gave out [" + to_string(entry) + "], and before [" +
                          to_string(state.given[entry.index.value - 1]) + "]");
  }
}

void check_read(const consensus::ReadGrant& grant, std::string* violation) {
  if (grant.index.value >= grant.token) return;  // the token is what the read must see
  broken(violation, "E3: a read is granted at index " + to_string(grant.index) + ", but index " +
                        std::to_string(grant.token) + " had been given out before it was asked for");
}

void check_append_only(const ReplicaState& state, const consensus::Output& output, std::string* violation) {
  const bool goes_on = !output.role || (leads(*output.role) && output.role->ballot == state.role.ballot);
  if (!leads(state.role) || !goes_on) return;
  const auto log = log_of(state);
  const Index last = log.empty() ? Index() : log.rbegin()->first;
  const auto& entries = output.persist.entries;
  if (!output.persist.truncate_from && (entries.empty() || entries.front().index > last)) return;
  broken(violation, "leader append-only: replica " + to_string(state.id) + " leads with ballot " +
                        to_string(state.role.ballot) + " and changes its log at or below " + to_string(last));
}

void check_no_hole(const ReplicaState& state, const Entry& entry, std::string* violation) {
  const auto same = std::ranges::lower_bound(state.journal, entry.index, {}, &Entry::index);
  const Index before = same == state.journal.begin() ? Index() : std::prev(same)->index;
  if (before.next() == entry.index) return;
  broken(violation, "log matching: replica " + to_string(state.id) + " has [" + to_string(entry) +
                        "] and nothing between it and " + to_string(before));
}

void check_cell(EngineKind kind, Replicas cell, size_t who, Changed changed, std::string* violation) {
  const ReplicaState& self = *cell[who];
  const Choices chosen = choices(kind, cell);
  if (changed.accepted) {
    check_one_proposal(cell, self, violation);
    check_one_value(chosen, violation);
  }
  if (changed.given) check_given_everywhere(cell, chosen, self, violation);
  if (changed.led) check_lead(kind, cell, chosen, self, violation);
  if (kind != EngineKind::raft || !(changed.accepted || changed.led)) return;
  for (const ReplicaState* replica : cell) {
    if (leads(replica->role)) check_leader_completeness(chosen, *replica, violation);
  }
}

}  // namespace conclave::sim::explore
