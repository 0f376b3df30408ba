// Invariants of consensus, checked after every step of every engine of a cell (consensus/api/engine.h, E1 ... E5):
//
//   committed   entries are given out in order, without gaps, and never differ between replicas or lives (E1)
//   chosen      what is first given out anywhere was durably accepted, under one ballot, by a majority of the
//               voters, of each configuration while they change
//   ballots     a round belongs to one replica for ever (E5); no replica writes a lower promise than one it made
//               durable
//   serving     a replica that reports to be master has given out everything acknowledged that was chosen under a
//               lower ballot than its own (E4, B25). One that slept through its own fall may report late; it has
//               no lease
//   reads       a barrier is granted at an index that covers every write acknowledged before it was asked for
//               (E3, B23)
//   quorum      a replica that leads and has heard nothing of a majority for its patience, in true time, steps down
//               at its next tick (B12). While it stands still it has no tick
//   memory      a replica that starts again holds every position that it durably accepted, or names it damaged
//               (B37); its promise did not go back; and on a disk that nothing damaged it begins with its newest
//               snapshot
//
// What was acknowledged is told from outside: by note_acknowledged(), for each write a client was told of.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "consensus/api/engine.h"
#include "consensus/api/quorum.h"
#include "replica/engine_observer.h"
#include "sim/cluster/findings.h"

namespace conclave::sim {

class EngineChecks {
 public:
  // `on_first_commit` hears of each entry once, when the first replica gives it out; in order of the log. `true_time`
  // is that of the world; a master may be without a quorum for `patience` of it. `newest_counts`: a membership counts
  // from when it is in the log (Raft), not from when it is committed.
  EngineChecks(std::vector<consensus::Member> members, Findings& findings,
               std::function<void(const consensus::Entry&)> on_first_commit, std::function<Instant()> true_time,
               Duration patience, bool newest_counts = false);
  ~EngineChecks();

  // For the options of a replica's next life.
  replica::EngineObserver* begin_life(ReplicaId replica);
  void note_acknowledged(Index index) { acknowledged_ = std::max(acknowledged_, index); }
  // What is on its disk may be unreadable from now on.
  void note_damaged(ReplicaId replica) { damaged_.insert(replica); }
  // Its disk was lost or set back, which only a change of membership may answer (B38): nothing is remembered.
  void note_set_back(ReplicaId replica);

  Index committed() const { return Index(given_.size()); }
  uint64_t steps() const { return steps_; }
  uint64_t masters() const { return masters_; }  // how often a replica began to serve
  // The one that is committed last.
  const consensus::Membership& membership() const { return memberships_.back(); }
  // Of each, the cell may need a majority now: that membership, the two before, which those that left may still be
  // asked about, and what some log holds already.
  std::vector<consensus::Membership> possible_memberships() const;

 private:
  class Seat;
  struct Acceptance {
    consensus::Ballot ballot;
    uint64_t value = 0;
    consensus::ReplicaSet by;
  };

  void accepted(ReplicaId by, Index index, const consensus::Ballot& ballot, uint64_t value);
  // What it accepted from `from` on is on its disk no more.
  void truncated(ReplicaId by, Index from);
  void given_out(ReplicaId by, const consensus::Entry& entry);

  bool decides(const consensus::ReplicaSet& replicas) const;
  void note_membership(const consensus::Entry& entry);
  void follow_membership(const consensus::Entry& entry);

  std::vector<consensus::Membership> memberships_;  // that were committed, in order
  consensus::Quorum quorum_;                        // of the last one
  std::vector<consensus::Membership> coming_;       // that some log holds, above that
  const bool newest_counts_;
  Findings& findings_;
  std::function<void(const consensus::Entry&)> on_first_commit_;
  std::function<Instant()> true_time_;
  Duration patience_;
  std::map<ReplicaId, std::unique_ptr<Seat>> seats_;
  struct Given {
    uint64_t value = 0;        // hash of what the index holds
    consensus::Ballot ballot;  // under which it was given out first
  };
  // The newest index acknowledged of those that were given out under a ballot below this one.
  Index acknowledged_below(const consensus::Ballot& ballot) const;

  std::vector<Given> given_;                              // given_[i]: what index i + 1 holds
  std::map<Index, std::vector<Acceptance>> acceptances_;  // durable ones of indexes not given out yet
  std::map<uint64_t, ReplicaId> rounds_;
  std::set<ReplicaId> damaged_;
  Index acknowledged_;
  uint64_t steps_ = 0;
  uint64_t masters_ = 0;
};

}  // namespace conclave::sim
