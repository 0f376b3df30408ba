#include "sim/explore/invariants.h"

#include <algorithm>
#include <map>

namespace conclave::sim::explore {
namespace {

using consensus::Ballot;
using consensus::Entry;

void broken(std::string* violation, std::string what) {
  if (violation->empty()) *violation = std::move(what);
}

size_t majority(std::span<const ReplicaState* const> cell) {
  return cell.size() / 2 + 1;
}

bool same_value(const Entry& a, const Entry& b) {
  return a.kind == b.kind && a.payload == b.payload;
}

// The acceptances of a quorum under one ballot at `index`, lowest ballot first.
std::vector<const Entry*> choices(std::span<const ReplicaState* const> cell, Index index) {
  std::map<Ballot, std::pair<const Entry*, size_t>> acceptors;
  for (const ReplicaState* replica : cell) {
    for (const Entry& entry : replica->accepted) {
      if (entry.index != index) continue;
      auto& [proposal, count] = acceptors[entry.ballot];
      proposal = &entry;
      ++count;
    }
  }
  std::vector<const Entry*> out;
  for (const auto& [ballot, found] : acceptors) {
    if (found.second >= majority(cell)) out.push_back(found.first);
  }
  return out;
}

void check_one_proposal(std::span<const ReplicaState* const> cell, const ReplicaState& self, std::string* violation) {
  for (const ReplicaState* other : cell) {
    auto mine = self.accepted.begin();
    for (const Entry& theirs : other->accepted) {
      const auto key = [](const Entry& e) { return std::pair(e.index, e.ballot); };
      while (mine != self.accepted.end() && key(*mine) < key(theirs)) ++mine;
      if (mine != self.accepted.end() && key(*mine) == key(theirs)) check_same_proposal(*mine, theirs, violation);
    }
  }
}

void check_one_value(std::span<const ReplicaState* const> cell, const ReplicaState& self, std::string* violation) {
  for (const Entry& entry : self.accepted) {
    const std::vector<const Entry*> chosen = choices(cell, entry.index);
    for (const Entry* choice : chosen) {
      if (same_value(*choice, *chosen.front())) continue;
      broken(violation,
             "one value: two are chosen, [" + to_string(*chosen.front()) + "] and [" + to_string(*choice) + "]");
    }
  }
}

void check_given_everywhere(std::span<const ReplicaState* const> cell, const ReplicaState& self,
                            std::string* violation) {
  for (const Entry& entry : self.given) {
    const std::vector<const Entry*> chosen = choices(cell, entry.index);
    if (std::ranges::none_of(chosen, [&](const Entry* choice) { return same_value(*choice, entry); })) {
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

void check_lead(std::span<const ReplicaState* const> cell, const ReplicaState& self, std::string* violation) {
  const Ballot ballot = self.role.ballot;
  size_t promises = 0;
  for (const ReplicaState* replica : cell) promises += replica->hard_state.promised >= ballot ? 1 : 0;
  for (const ReplicaState* other : cell) {
    if (other != &self && std::ranges::binary_search(other->led, ballot.round)) {
      broken(violation, "E5: replicas " + to_string(other->id) + " and " + to_string(self.id) + " led in round " +
                            std::to_string(ballot.round));
    }
    if (self.role.role != consensus::Role::master) continue;
    for (const Entry& entry : other->accepted) {
      if (entry.index <= self.applied) continue;
      const std::vector<const Entry*> chosen = choices(cell, entry.index);
      if (chosen.empty() || chosen.front()->ballot >= ballot) continue;
      broken(violation, "E4: replica " + to_string(self.id) + " serves with ballot " + to_string(ballot) +
                            " but has not given out [" + to_string(*chosen.front()) + "], which is chosen");
    }
  }
  if (promises < majority(cell)) {
    broken(violation, "lead: replica " + to_string(self.id) + " leads with ballot " + to_string(ballot) +
                          ", for which only " + std::to_string(promises) + " promises are on disk");
  }
}

}  // namespace

void check_persist(const ReplicaState& state, const consensus::Persist& persist, std::string* violation) {
  const Ballot promised = state.hard_state.promised;
  if (persist.hard_state && persist.hard_state->promised < promised) {
    broken(violation, "promise: replica " + to_string(state.id) + " promised " + to_string(promised) +
                          " and goes back to " + to_string(persist.hard_state->promised));
  }
}

void check_same_proposal(const Entry& known, const Entry& entry, std::string* violation) {
  if (same_value(known, entry)) return;
  broken(violation, "one proposal: [" + to_string(known) + "] and [" + to_string(entry) + "] were both accepted");
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

void check_cell(std::span<const ReplicaState* const> cell, size_t who, Changed changed, std::string* violation) {
  const ReplicaState& self = *cell[who];
  if (changed.accepted) {
    check_one_proposal(cell, self, violation);
    check_one_value(cell, self, violation);
  }
  if (changed.given) check_given_everywhere(cell, self, violation);
  if (changed.led) check_lead(cell, self, violation);
}

}  // namespace conclave::sim::explore
