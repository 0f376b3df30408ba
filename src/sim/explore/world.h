// A state of the whole cell: one number per replica, the messages in flight, and how much of the bounds is used. Plain
// data; a few words, so that millions fit in memory. Pure.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <span>
#include <vector>

#include "sim/explore/replica_table.h"

namespace conclave::sim::explore {

inline constexpr size_t kReplicasMax = 5;

// How often each kind of action that is bounded was taken, or may be.
struct Counts {
  uint8_t timeouts = 0;  // ticks at a replica whose election timeout has passed
  uint8_t resends = 0;   // ticks after the time in which something is sent again
  uint8_t crashes = 0;
  uint8_t proposals = 0;
  uint8_t reads = 0;
  uint8_t transfers = 0;
  uint8_t drops = 0;
  uint8_t duplicates = 0;
  friend bool operator==(const Counts&, const Counts&) = default;
};

struct World {
  std::array<StateId, kReplicasMax> replicas{};
  Counts used;
  std::vector<MessageId> network;  // sorted; a multiset

  void post(std::span<const MessageId> messages) {
    for (const MessageId id : messages) network.insert(std::ranges::upper_bound(network, id), id);
  }
  void take(MessageId id) { network.erase(std::ranges::lower_bound(network, id)); }

  // Words of an encoding: replicas, counts, network.
  void encode(size_t size, std::vector<uint32_t>* out) const {
    out->insert(out->end(), replicas.begin(), replicas.begin() + static_cast<ptrdiff_t>(size));
    const auto counts = std::bit_cast<Words>(used);
    out->insert(out->end(), counts.begin(), counts.end());
    out->insert(out->end(), network.begin(), network.end());
  }
  void decode(size_t size, std::span<const uint32_t> words) {
    std::ranges::copy(words.first(size), replicas.begin());
    used = std::bit_cast<Counts>(Words{words[size], words[size + 1]});
    network.assign(words.begin() + static_cast<ptrdiff_t>(size) + 2, words.end());
  }

 private:
  using Words = std::array<uint32_t, 2>;
};

}  // namespace conclave::sim::explore
