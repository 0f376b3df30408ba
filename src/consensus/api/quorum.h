// Quorum arithmetic: majorities of the voters, of both configurations while a membership is joint (RF-11). Pure.
#pragma once

#include <algorithm>
#include <array>
#include <bitset>
#include <functional>
#include <vector>

#include "consensus/api/membership.h"

namespace conclave::consensus {

// A set of replicas, by id.
using ReplicaSet = std::bitset<256>;

class Quorum {
 public:
  // Without any voter nothing is ever reached.
  explicit Quorum(const Membership& membership = {})
      : incoming_(membership.voters()), outgoing_(membership.outgoing), voters_(incoming_) {
    for (const ReplicaId id : outgoing_) {
      const auto place = std::ranges::lower_bound(voters_, id);
      if (place == voters_.end() || *place != id) voters_.insert(place, id);
    }
  }
  explicit Quorum(const std::vector<Member>& members) : Quorum(Membership{.members = members}) {}

  // Of either configuration, sorted.
  const std::vector<ReplicaId>& voters() const { return voters_; }
  bool is_voter(ReplicaId id) const { return std::ranges::binary_search(voters_, id); }
  // Does `set` hold a majority of the voters of each configuration (PX-04)?
  bool reached(const ReplicaSet& set) const {
    return majority_in(incoming_, set) && (outgoing_.empty() || majority_in(outgoing_, set));
  }
  // The highest value that a quorum's values are at or above. `value_of`: of a voter. REQUIRES: there are voters.
  template <class ValueOf>
  auto reached_by(ValueOf value_of) const {
    const auto incoming = median_of(incoming_, value_of);
    return outgoing_.empty() ? incoming : std::min(incoming, median_of(outgoing_, value_of));
  }

 private:
  static size_t majority(const std::vector<ReplicaId>& voters) { return voters.size() / 2 + 1; }
  static bool majority_in(const std::vector<ReplicaId>& voters, const ReplicaSet& set) {
    const auto count = std::ranges::count_if(voters, [&](ReplicaId id) { return set.test(id.value); });
    return static_cast<size_t>(count) >= majority(voters);
  }
  // What a majority's values are at or above.
  template <class ValueOf>
  static auto median_of(const std::vector<ReplicaId>& voters, ValueOf& value_of) {
    std::array<decltype(value_of(ReplicaId())), Membership::kVotersMax> values;
    const auto end = std::ranges::transform(voters, values.begin(), std::ref(value_of)).out;
    const auto place = values.begin() + static_cast<ptrdiff_t>(majority(voters) - 1);
    std::nth_element(values.begin(), place, end, std::greater<>());
    return *place;
  }

  std::vector<ReplicaId> incoming_;
  std::vector<ReplicaId> outgoing_;
  std::vector<ReplicaId> voters_;
};

}  // namespace conclave::consensus
