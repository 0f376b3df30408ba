// Quorum arithmetic: majorities of the voters. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <vector>

#include "consensus/api/engine.h"

namespace conclave::consensus {

// A set of replicas, by id.
using ReplicaSet = std::bitset<256>;

class Quorum {
 public:
  explicit Quorum(const std::vector<Member>& members) {
    for (const Member& member : members) {
      if (member.voter) voters_.set(member.id.value);
    }
  }
  size_t voters() const { return voters_.count(); }
  size_t majority() const { return voters_.count() / 2 + 1; }
  bool is_voter(ReplicaId id) const { return voters_.test(id.value); }
  // Do the voters among `set` make a majority (PX-04)?
  bool reached(const ReplicaSet& set) const { return (set & voters_).count() >= majority(); }

 private:
  ReplicaSet voters_;
};

}  // namespace conclave::consensus
