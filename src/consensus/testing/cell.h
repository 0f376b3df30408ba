// Test only: a whole cell of engines in one thread under virtual time, with faults drawn from a seed: the network
// drops, duplicates, delays and reorders; links break one way or both; disks are slow; replicas crash and lose
// everything that was not durable; clocks run at different rates. Deterministic: equal seeds give equal runs.
//
// After every event it checks, from outside of the engines,
//   one value per (slot, ballot), and one chosen per slot (PX-03, PX-06; RF-09);
//   E1 committed entries are chosen, in order, without gaps, the same everywhere;
//   E3 a read is granted at or above all that was given out anywhere before it was asked for;
//   E4 a master that serves has given out everything chosen under older ballots;
//   E5 no round is led by two replicas;
// and it performs outputs in the contract's order, so that a message that must wait for the disk is lost with it (E2).
// A broken check is a GoogleTest failure that names the seed.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/random.h"
#include "consensus/api/engine.h"

namespace conclave::consensus::harness {

// The kind of engine that a cell is made of.
struct Kind {
  std::unique_ptr<Engine> (*make)(Config, Recovered);
  std::string_view (*type_name)(uint8_t type);  // of a message
  // Paxos: what a majority accepted under one ballot is chosen. Raft: not before an entry of the leader's own term is
  // (figure 8), so what a majority has may still be replaced; chosen is what was committed somewhere.
  bool majority_chooses = true;
};

struct Faults {
  uint64_t drop_permille = 0;
  uint64_t duplicate_permille = 0;
  int64_t delay_min_us = 200;
  int64_t delay_max_us = 800;
  int64_t disk_min_us = 100;
  int64_t disk_max_us = 500;
};

struct Options {
  Kind kind;
  size_t voters = 3;
  size_t observers = 0;
  size_t spares = 0;  // run, and belong to no cell at first
  uint64_t seed = 1;
  Faults faults = {};
  Config config = {};                   // self, members and seed are filled in
  std::vector<int64_t> drift_ppm = {};  // per replica, 0 when missing
  uint64_t snapshot_every = 0;          // entries; 0: no snapshots
  uint64_t keep_entries = 0;            // kept in memory below a snapshot
};

struct Replica {
  ReplicaId id;
  std::unique_ptr<Engine> engine;  // null while crashed
  uint64_t life = 0;               // counts restarts; events of an older life are void
  DiskId disk;                     // another one after each loss of it
  bool founder = false;            // has the disk with which the cell was founded
  // Durable.
  HardState hard_state;
  std::map<Index, Entry> journal;
  struct Snapshot {
    Index index;
    Ballot ballot;
    Membership membership;
  };
  Snapshot snapshot;
  Snapshot older_snapshot;  // the one before
  // Volatile.
  struct Writing {
    Persist persist;
    std::vector<Envelope> then_send;
  };
  std::deque<Writing> writing;
  int64_t disk_free_at = 0;
  bool disk_stalled = false;
  Index applied;
  Ballot applied_ballot;
  Membership membership;  // as of `applied`
  RoleChange role;
  std::vector<RoleChange> roles;
  std::vector<uint64_t> refused;
  std::vector<ReadGrant> reads;
  std::vector<uint64_t> reads_refused;
  size_t snapshots_received = 0;
};

class Cell {
 public:
  explicit Cell(Options options);

  Replica& operator[](unsigned id) { return replicas_.at(ReplicaId(static_cast<uint8_t>(id))); }
  size_t size() const { return replicas_.size(); }
  size_t spares() const { return options_.spares; }
  int64_t now_us() const { return now_us_; }
  Random& random() { return random_; }
  Faults& faults() { return options_.faults; }
  Config config_of(ReplicaId id) const;

  // Lets virtual time pass.
  void run(Duration how_long);
  // Until `condition` holds, at most `limit`. Returns whether it held.
  bool run_until(const std::function<bool()>& condition, Duration limit);
  // Until exactly one live replica serves with the highest ballot; 0 when none in time.
  unsigned elect(Duration limit = Duration::seconds(5));
  // The serving replica of the highest ballot, or 0.
  unsigned master();

  void step(unsigned id, EventBody body);
  void propose(unsigned id, std::vector<std::string> payloads, uint64_t cookie = 0);
  // Asks for a read barrier; the token notes what it must see.
  uint64_t read(unsigned id);
  // Asks a master for the next membership.
  void change(unsigned master, const Membership& next);
  void crash(unsigned id);
  // Crashes, and its disk is gone for good.
  void wipe(unsigned id);
  void restart(unsigned id, std::vector<Index> damaged = {});
  // And its newest snapshot cannot be read. Only of the one replica whose disk is frail: what all of a majority lost
  // nobody can bring back.
  void restart_from_older_snapshot(unsigned id);
  unsigned frail() const {
    return options_.voters < 3 || options_.spares > 0 ? 0 : 1 + static_cast<unsigned>(options_.seed % size());
  }
  // Can its disk be lost, so that every membership that may come into force keeps a majority?
  bool may_be_wiped(unsigned id) const;
  // Has it another disk than the membership committed last says?
  bool lost(unsigned id) const;
  // One direction.
  void link(unsigned from, unsigned to, bool up);
  void both(unsigned a, unsigned b, bool up) { link(a, b, up), link(b, a, up); }
  void isolate(unsigned id, bool up = false);
  void heal();
  // Only the links named work, both ways.
  void only(const std::vector<std::pair<unsigned, unsigned>>& links);
  void hint_down(unsigned dead);

  // Looks at every message that leaves; false: it is lost.
  std::function<bool(ReplicaId from, const Envelope&)> filter;

  // What was committed at `index` anywhere; nullopt: nothing yet.
  std::optional<std::string> value(Index index) const;
  Index committed_anywhere() const { return Index(committed_.size()); }
  // The membership committed last.
  const Membership& membership() const { return memberships_.rbegin()->second; }
  // Has every live member, or every live replica if none is a spare, applied it?
  bool everywhere(Index index);
  std::string describe() const;            // one line per replica, for failure messages
  size_t leads() const { return leads_; }  // how often a replica began to serve
  size_t messages() const { return messages_; }
  const std::map<std::string, size_t>& messages_by_type() const { return by_type_; }

 private:
  struct Scheduled {
    int64_t at;
    uint64_t order;
    std::function<void()> run;
    bool operator>(const Scheduled& other) const { return at != other.at ? at > other.at : order > other.order; }
  };
  struct Choice {
    std::string value;
    Ballot ballot;
  };

  Instant clock(const Replica& replica) const;
  void at(int64_t when, std::function<void()> run);
  bool run_one(int64_t until);
  void tick(ReplicaId id, uint64_t life);
  void perform(Replica& replica, Output output);
  void send(ReplicaId from, Envelope envelope);
  void write(Replica& replica);
  void written(Replica& replica);
  void persist(Replica& replica, const Persist& persist);
  void accepted(ReplicaId by, const Entry& entry);
  void choose(const Entry& entry, const Replica& where);
  bool held_by_majority(const Entry& entry) const;
  void follow_membership(Replica& replica, const Entry& entry);
  void apply(Replica& replica, const Entry& entry);
  void check_role(Replica& replica, const RoleChange& role);
  void send_snapshot(Replica& from, SnapshotNeeded needed);
  void snapshot(Replica& replica);
  void took(Replica& replica, Replica::Snapshot snapshot);
  std::string where(const Replica& replica) const;
  static std::string text(const Entry& entry);

  Options options_;
  std::vector<Member> founders_;
  std::map<Index, Membership> memberships_;   // committed, by the index behind which each counts
  std::set<Index> followed_;                  // entries of this kind that were applied somewhere
  std::map<uint64_t, Membership> asked_for_;  // of a master, by number of the question
  Random random_;
  int64_t now_us_ = 0;
  uint64_t order_ = 0;
  std::priority_queue<Scheduled, std::vector<Scheduled>, std::greater<>> queue_;
  std::map<ReplicaId, Replica> replicas_;
  std::set<std::pair<ReplicaId, ReplicaId>> broken_;
  std::vector<std::string> committed_;  // committed_[i] is index i + 1
  std::map<Index, Choice> chosen_;
  std::map<std::pair<Index, Ballot>, std::pair<std::string, std::set<ReplicaId>>> acceptances_;
  std::map<uint64_t, ReplicaId> rounds_;
  std::map<uint64_t, Index> read_floor_;
  uint64_t next_token_ = 1;
  size_t leads_ = 0;
  size_t messages_ = 0;
  std::map<std::string, size_t> by_type_;
};

// ---------------------------------------------------------------- what scenarios share

inline constexpr Duration kElection = Duration::millis(400);

inline EngineStatus status(Cell& cell, unsigned id) {
  return cell[id].engine->status(Instant{1'000'000'000 + int64_t{id} * 7'777'777 + cell.now_us()});
}

inline bool commits(Cell& cell, unsigned master, std::string payload, Duration limit = Duration::seconds(1)) {
  const Index before = cell.committed_anywhere();
  cell.propose(master, {std::move(payload)});
  return cell.run_until([&] { return cell.committed_anywhere() > before; }, limit);
}

inline unsigned other_than(unsigned a, unsigned b = 0) {
  for (unsigned id = 1;; ++id) {
    if (id != a && id != b) return id;
  }
}

}  // namespace conclave::consensus::harness
