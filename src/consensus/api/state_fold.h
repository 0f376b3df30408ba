// The state of an engine as canonical bytes: two engines that will behave alike from now on fold to equal bytes, two
// that may differ to different ones. Only for telling states apart (sim/explore); never stored, never sent. Pure.
//
//   1  Integers are varints and byte strings carry their length, so bytes of different fields do not run together.
//   2  Time is folded as seen from now(): a deadline by what remains of it, an instant that others are compared with by
//      what has passed since. Engines that differ only by a shift of their clocks fold alike.
//   3  `Grain` says how finely deadlines are told apart. Somebody who moves clocks in few ways only, as the explorer
//      does, need not distinguish what no such move can tell apart.
#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <vector>

#include "base/codec.h"
#include "base/ids.h"
#include "base/time.h"
#include "consensus/api/entry.h"

namespace conclave::consensus {

class StateFold {
 public:
  struct Grain {
    Duration unit = Duration::micros(1);  // what remains of a deadline is rounded up to this
    uint64_t units_max = UINT64_MAX;      // deadlines further away than so many units are alike
  };

  // Appends to `out`.
  StateFold(Bytes* out, Instant now, Grain grain) : out_(out), now_(now), grain_(grain) {}
  StateFold(Bytes* out, Instant now) : StateFold(out, now, Grain{}) {}

  Instant now() const { return now_; }

  template <class... T>
  void add(const T&... value) {
    (one(value), ...);
  }
  // Every element, and how many there are.
  template <class Range>
  void all(const Range& range) {
    out_.varint(range.size());
    for (const auto& element : range) one(element);
  }

  // When something becomes due. All that has passed is alike.
  void remaining(Instant deadline) {
    const uint64_t us = until(deadline);
    const auto unit = static_cast<uint64_t>(grain_.unit.us);
    out_.varint(std::min(us / unit + (us % unit != 0 ? 1 : 0), grain_.units_max));
  }
  // The same whatever the grain, for a deadline that outputs tell to others.
  void remaining_exactly(Instant deadline) { out_.varint(until(deadline)); }
  // When something happened, for instants that are compared with each other. INT64_MIN / 2 and below mean never.
  void elapsed(Instant since) {
    if (since.us <= INT64_MIN / 2) return out_.varint(0);
    out_.varint(1 + static_cast<uint64_t>(std::max(now_, since).us) - static_cast<uint64_t>(since.us));
  }

 private:
  uint64_t until(Instant deadline) const {
    return deadline <= now_ ? 0 : static_cast<uint64_t>(deadline.us) - static_cast<uint64_t>(now_.us);
  }

  void one(std::integral auto value) { out_.varint(static_cast<uint64_t>(value)); }
  void one(const Bytes& bytes) { out_.bytes(bytes); }
  template <class Tag, class Rep>
  void one(const StrongId<Tag, Rep>& id) {
    out_.varint(static_cast<uint64_t>(id.value));
  }
  void one(const Ballot& ballot) { add(ballot.round, ballot.replica); }
  void one(const Entry& entry) {
    add(entry.index, entry.ballot, static_cast<uint8_t>(entry.kind));
    out_.bytes(entry.payload.view());
  }
  template <class A, class B>
  void one(const std::pair<const A, B>& pair) {
    add(pair.first, pair.second);
  }

  Encoder out_;
  Instant now_;
  Grain grain_;
};

}  // namespace conclave::consensus
