// The master's side of the master lease (CH-12), check-quorum, and the confirmation of read rounds: all three come from
// the stamps that voters echo. Pure.
//
//   1  A voter that echoes stamp s refuses every other candidate for election_timeout_min from the moment it got s,
//      which was not before s.sent. So a lease that runs from s.sent is over before any of those promises is (CH-13).
//   2  The lease counts from the stamp that a quorum reached, less the drift bound and one tick.
//   3  A lease that was given up (transfer) stays so for the ballot: a "campaign now" may still be under way.
//   4  Every other quorum that could elect a master shares a voter with the one the lease counts: while a membership is
//      joint that is a majority of each configuration.
#pragma once

#include <algorithm>
#include <map>

#include "base/time.h"
#include "consensus/api/engine.h"
#include "consensus/api/quorum.h"
#include "consensus/api/state_fold.h"
#include "consensus/parts/stamp.h"

namespace conclave::consensus {

class Lease {
 public:
  Lease(const Config& config, Quorum quorum, Instant now)
      : enabled_(config.leases),
        length_(usable(config)),
        promise_(config.election_timeout_min),
        patience_(config.election_timeout_max),
        self_(config.self),
        quorum_(std::move(quorum)),
        since_(now) {}

  // Other voters count from now on; those that are new are given time to answer.
  void set_quorum(Quorum quorum, Instant now) {
    quorum_ = std::move(quorum);
    since_ = now;
  }
  // `from` answered under our ballot, echoing `stamp`. A default stamp only proves that it lives.
  void heard(ReplicaId from, Stamp stamp, Instant now) {
    Peer& peer = peers_[from];
    peer.sent = std::max(peer.sent, stamp.sent);
    peer.read_round = std::max(peer.read_round, stamp.read_round);
    peer.heard = std::max(peer.heard, now);
  }
  bool valid(Instant now) const {
    if (!enabled_ || given_up_) return false;
    return now < quorum_of(&Peer::sent, now) + length_;
  }
  void give_up() { given_up_ = true; }

  // The highest read round that a quorum confirmed.
  uint64_t confirmed_round(uint64_t current) const { return quorum_of(&Peer::read_round, current); }
  // Check-quorum: a majority answered within election_timeout_max.
  bool has_quorum(Instant now) const { return now < std::max(since_, quorum_of(&Peer::heard, now)) + patience_; }
  // A majority answered within election_timeout_min: this master is alive to the cell.
  bool live(Instant now) const { return now < std::max(since_, quorum_of(&Peer::heard, now)) + promise_; }

  void fold(StateFold& fold) const {
    fold.add(given_up_);
    fold.remaining(since_ + promise_);
    fold.remaining(since_ + patience_);
    for (const auto& [id, peer] : peers_) {
      fold.add(id);
      if (enabled_ && !given_up_) fold.remaining(peer.sent + length_);
      fold.remaining(peer.heard + promise_);
      fold.remaining(peer.heard + patience_);
      fold.add(peer.read_round);
    }
  }

 private:
  struct Peer {
    Instant sent{INT64_MIN / 2};
    Instant heard{INT64_MIN / 2};
    uint64_t read_round = 0;
  };

  static Duration usable(const Config& config) {
    const Duration promise = config.election_timeout_min;
    return promise - Duration::micros(promise.us * config.clock_drift_ppm / 1'000'000 + 1) - config.tick;
  }
  // The value that a quorum reached, where we ourselves stand at `own`.
  template <class T>
  T quorum_of(T Peer::* field, T own) const {
    return quorum_.reached_by([&](ReplicaId id) {
      if (id == self_) return own;
      const auto peer = peers_.find(id);
      return peer == peers_.end() ? Peer().*field : peer->second.*field;
    });
  }

  bool enabled_;
  Duration length_;
  Duration promise_;  // a follower's, to the lease
  Duration patience_;
  ReplicaId self_;
  Quorum quorum_;
  Instant since_;
  bool given_up_ = false;
  std::map<ReplicaId, Peer> peers_;  // that answered, observers too
};

}  // namespace conclave::consensus
