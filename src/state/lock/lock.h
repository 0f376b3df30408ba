// The lock of one node: one writer or many readers, advisory (CH-24, CH-35). A value with its rules: `may_acquire` says
// what the master may decide, the other calls are the facts. Pure; no clock.
//
// A holder that is lost (its session expired) keeps its place as a *lost* one until its lock-delay is over (CH-39): it
// holds nothing any more, but what would have conflicted with it is still refused. Its end is a fact like the others.
//
// Invariants:
//   K1  A writer, lost or not, is the only holder.
//   K2  The generation is the zxid of the last change from free to held. So it grows with every such change (CH-27),
//   and
//       from one instance of a name to the next: the larger one is the newer, which is all that a server without a
//       session of its own needs to know (CH-38).
//   K3  A holder has one place.
#pragma once

#include <cstdint>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace conclave::state {

enum class LockMode : uint8_t { shared = 0, exclusive = 1 };

// A lock is held by a handle of a session.
struct LockHolder {
  SessionId session;
  uint64_t handle = 0;  // unique in the session
  friend auto operator<=>(const LockHolder&, const LockHolder&) = default;
};

struct LockPlace {
  LockHolder holder;
  LockMode mode = LockMode::exclusive;
  int64_t delay_ms = 0;  // lock-delay that the holder chose; passes when it is lost
  bool lost = false;
  friend bool operator==(const LockPlace&, const LockPlace&) = default;
};

// What an acquisition may come to.
enum class LockVerdict : uint8_t {
  granted,
  held_already,  // by this holder in this mode: nothing to do
  other_mode,    // by this holder in the other mode: there is no change of mode
  conflict,      // others hold it
  delayed,       // only lost holders are in the way: their lock-delay is not over
};

class Lock {
 public:
  LockVerdict may_acquire(LockHolder holder, LockMode mode) const;

  // REQUIRES: may_acquire(holder, mode) is granted; zxid is larger than the generation.
  void acquire(LockHolder holder, LockMode mode, int64_t delay_ms, Zxid zxid);
  // The holder has let go, or its lock-delay is over. REQUIRES: it has a place.
  void release(LockHolder holder);
  // REQUIRES: it holds the lock.
  void lose(LockHolder holder);

  // Null: it has no place.
  const LockPlace* place_of(LockHolder holder) const;
  bool is_held() const;  // by somebody who is not lost
  // Is a sequencer of this mode and generation still good (CH-37)?
  bool confirms(LockMode mode, Zxid generation) const;

  Zxid generation() const { return generation_; }                   // 0: never held
  const std::vector<LockPlace>& places() const { return places_; }  // sorted by holder

  // Of snapshots. Errors: corrupt, for bytes that are not a lock, or one that K1 … K3 forbid.
  friend void encode(const Lock& lock, Bytes* out);
  friend Result<Lock> decode_lock(BytesView in);

  friend bool operator==(const Lock&, const Lock&) = default;

 private:
  std::vector<LockPlace>::iterator find(LockHolder holder);
  bool well_formed() const;

  Zxid generation_;
  std::vector<LockPlace> places_;
};

void encode(const Lock& lock, Bytes* out);
Result<Lock> decode_lock(BytesView in);

}  // namespace conclave::state
