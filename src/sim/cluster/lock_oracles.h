// What the clients of the lock service may see, and what their locks protect. All of them share one; true time orders
// what they say.
//
//   - Files: no read is stale (sim/check/files.h).
//   - Beliefs: no two clients believe in a lock at once that excludes one of them. A client believes from the moment it
//     is told until it lets go or is told of jeopardy. One that stands still cannot know, and is not asked (CH-38).
//   - Resources that locks guard: a value that a holder reads and, some time later, writes back, increased. Written
//   with
//     a sequencer that is verified, none is ever lost; written without, some are, when holders are slow or stand still.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/ids.h"
#include "sim/check/files.h"
#include "sim/cluster/findings.h"
#include "wire/chubby/sequencer.h"

namespace conclave::sim {

struct LockFigures {
  uint64_t grants = 0;
  uint64_t files_judged = 0;     // reads, writes and deletions
  uint64_t cached_reads = 0;     // answered by a client's cache
  uint64_t fail_overs_seen = 0;  // sessions that went on with another master
  uint64_t datagram_leases = 0;  // granted while a stream was late
  uint64_t jeopardies = 0;
  uint64_t expired = 0;
  uint64_t calls_sent_again = 0;
  uint64_t guarded_writes = 0;
  uint64_t guarded_refused = 0;  // the verifier had seen a newer sequencer
  uint64_t unguarded_lost = 0;   // writes of others that were overwritten for lack of one
};

class LockOracles {
 public:
  explicit LockOracles(Findings& findings) : findings_(findings) {}

  check::FileOracle files;
  LockFigures figures;
  std::set<SessionId> strangers;  // sessions of clients of ZooKeeper that no recorder knows

  void found(check::FileOracle::Fault fault) {
    if (fault) findings_.add("files", *std::move(fault));
  }

  void believes(uint32_t client, const std::string& path, bool exclusive);
  void doubts(uint32_t client, const std::string& path);
  void doubts_all(uint32_t client);
  bool believes_in(uint32_t client, const std::string& path) const;

  struct Values {
    uint64_t guarded = 0;
    uint64_t unguarded = 0;
    bool refused = false;  // the guarded one
  };
  Values read(const std::string& lock, const std::string& sequencer);
  // What was read, and is written back increased by one.
  void write(const std::string& lock, const std::string& sequencer, const Values& read);

 private:
  struct Resource {
    SequencerVerifier verifier;
    uint64_t guarded = 0;
    uint64_t unguarded = 0;
  };

  Findings& findings_;
  std::map<std::string, std::map<uint32_t, bool>> beliefs_;  // by lock and client: exclusive
  std::map<std::string, Resource> resources_;                // by the lock that guards them
};

}  // namespace conclave::sim
