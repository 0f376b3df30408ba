// Strong types for every id and number that crosses a function. A StrongId does not convert to another one, nor to
// an integer without .value; it orders, hashes (absl and std) and prints as its number.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

namespace conclave {

template <class Tag, class Rep>
struct StrongId {
  Rep value{};

  constexpr StrongId() = default;
  constexpr explicit StrongId(Rep v) : value(v) {}
  friend constexpr auto operator<=>(StrongId, StrongId) = default;

  template <class H>
  friend H AbslHashValue(H h, StrongId id) {
    return H::combine(std::move(h), id.value);
  }
  friend std::string to_string(StrongId id) { return std::to_string(id.value); }
};

// Number of a replica in its cell, 1 to 255: `myid` of ZooKeeper's configuration. 0 means "no replica".
using ReplicaId = StrongId<struct ReplicaIdTag, uint8_t>;

// Identity of a cell, drawn at random when the cell is made. Peers of another cell are refused.
using CellId = StrongId<struct CellIdTag, uint64_t>;

// Client session. The value is the ZooKeeper session id (a signed 64-bit number on the wire). 0 means "no session".
using SessionId = StrongId<struct SessionIdTag, int64_t>;

// Position in the log, from 1 (Paxos slot, Raft index). 0 means "before the log".
struct Index : StrongId<struct IndexTag, uint64_t> {
  using StrongId::StrongId;
  constexpr Index next() const { return Index(value + 1); }
  constexpr Index prev() const { return Index(value - 1); }
  friend constexpr Index operator+(Index i, uint64_t n) { return Index(i.value + n); }
  friend constexpr uint64_t operator-(Index a, Index b) { return a.value - b.value; }
};

// Epoch of a master: the upper half of a zxid. It belongs to one master for ever (architecture, "Primary order").
using Epoch = StrongId<struct EpochTag, uint32_t>;

// Transaction number (ZK-23): epoch in the high 32 bits, counter from 1 in the low 32 bits. 0 means "none".
struct Zxid : StrongId<struct ZxidTag, uint64_t> {
  using StrongId::StrongId;
  constexpr Zxid(Epoch epoch, uint32_t counter) : StrongId((uint64_t{epoch.value} << 32) | counter) {}
  constexpr Epoch epoch() const { return Epoch(static_cast<uint32_t>(value >> 32)); }
  constexpr uint32_t counter() const { return static_cast<uint32_t>(value); }
};

}  // namespace conclave

template <class Tag, class Rep>
struct std::hash<conclave::StrongId<Tag, Rep>> {
  size_t operator()(conclave::StrongId<Tag, Rep> id) const noexcept { return std::hash<Rep>()(id.value); }
};
