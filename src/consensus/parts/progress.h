// How far one peer is, as its master knows: what was sent, what arrived, what is durable there. Decides what may be
// sent next and when something must be sent again. Pure.
//
//   1  durable() <= received() < next().
//   2  Sent and not known received is bounded by the window given, in slots and bytes.
//   3  Nothing is sent before the peer's place is known (by its promise or its first heartbeat answer), nor while it is
//      sought (Raft).
//   4  Two heartbeats in a row that were sent after something and answered without it having arrived prove it
//      lost; slow disks do not, since `received` does not wait for them (B10).
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>

#include "base/ids.h"
#include "base/time.h"
#include "consensus/api/state_fold.h"

namespace conclave::consensus {

class Progress {
 public:
  struct Window {
    size_t slots;
    size_t bytes;
  };

  bool placed() const { return placed_; }
  Index next() const { return next_; }
  Index received() const { return received_; }
  Index durable() const { return durable_; }
  Instant heard() const { return heard_; }
  bool ever_heard() const { return heard_.us != INT64_MIN; }

  void alive(Instant now) {
    heard_ = now;
    reachable_ = true;
  }
  // Raft: the peer's log is another one at next.prev(), so its place is sought from `next` downwards. What it holds for
  // good stays so.
  void seek(Index next);
  // Answers to what was sent before tell of a place that we have gone back from.
  Instant went_back_at() const { return went_back_at_; }
  void went_back(Instant now) { went_back_at_ = now; }
  // The peer holds everything up to `received`, `durable` of it for good: its answer to what was sent at `sent`. Less
  // than it held before means that it restarted and lost what was not durable, which is then to be sent again.
  void report(Index received, Index durable, Instant sent);
  // It holds first..last durably (phase 2b).
  void accepted(Index first, Index last);

  // How many slots and bytes may be sent now.
  Window room(Window window) const;
  void sent(Index last, size_t bytes);
  // Everything not known to have arrived is to be sent again.
  void rewind();
  void unreachable() { reachable_ = false; }

  void heartbeat_sent(Instant at);
  // The peer answered the heartbeat sent at `sent`, after report(). True: something was lost, the progress rewound.
  bool heartbeat_answered(Instant sent);

  // Whether to ask for a snapshot for this peer now; at most once a second.
  bool snapshot_due(Instant now);

  void fold(StateFold& fold) const;

 private:
  struct Batch {
    Index last;
    size_t bytes;
  };
  void forget_received();

  bool placed_ = false;
  bool reachable_ = true;
  Index next_{1};
  Index received_;
  Index durable_;
  std::map<Index, Index> ahead_;    // durable beyond a gap, when acknowledgements overtake each other: first to last
  Instant reported_at_{INT64_MIN};  // of the newest report
  Instant heard_{INT64_MIN};
  std::deque<Batch> unacknowledged_;
  size_t bytes_ = 0;
  // The loss detector: what was last sent before the heartbeat being watched.
  bool probing_ = false;
  Instant probe_at_;
  Index probe_last_;
  Index probe_received_;
  int fruitless_ = 0;
  Instant went_back_at_{INT64_MIN / 2};
  Instant snapshot_at_{INT64_MIN / 2};  // when the last one was asked for
};

}  // namespace conclave::consensus
