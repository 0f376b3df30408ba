// Signs of life of this replica's clients, on their way to the master, who waits for them before it lets a session
// expire.
//
//   L1  What the master has not acknowledged is told again in every report, and to the next master.
//   L2  A replica that hears its master but is not heard (a link that is dead in one direction, B47) knows it by the
//       acknowledgements that do not come: the sessions of the clients that it answers would expire meanwhile. See
//       unheard_since().
//
//   L3  What is kept is bounded by the number of sessions, however long nobody is told or hears: clients in read-only
//       mode go on giving signs.
//
// Pure; one thread.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <vector>

#include "base/ids.h"
#include "base/time.h"
#include "consensus/api/ballot.h"
#include "wire/peer/peer_message.h"

namespace conclave::replica {

class LifeSigns {
 public:
  // Reports are numbered from `first_number`: drawn anew in every life of the replica, so that acknowledgements of a
  // former life mean nothing.
  explicit LifeSigns(uint64_t first_number) : last_number_(first_number) {}

  void touch(SessionId session, Instant now) {
    if (fresh_.empty()) fresh_since_ = now;
    if (fresh_.empty() || fresh_.back() != session) fresh_.push_back(session);
    if (fresh_.size() >= crowded_) drop_repeated();
  }
  // The master of this ballot from now on. One of another ballot than before has heard nothing yet.
  void on_master(consensus::Ballot ballot);
  // We are the master: it waits for all sessions anew.
  void clear();

  // What to tell the master now, if anything.
  std::optional<wire::peer::Touches> report();
  // The master has heard report `number`, and with it all that went before.
  void acknowledged(uint64_t number);

  // When the oldest sign of life was given of those that the master has not acknowledged. Nullopt: it has heard all.
  std::optional<Instant> unheard_since() const {
    if (!told_.empty()) return told_.front().since;
    return fresh_.empty() ? std::nullopt : std::optional(fresh_since_);
  }

  // Signs kept, repetitions included.
  size_t size() const {
    size_t sum = fresh_.size();
    for (const Report& report : told_) sum += report.fresh.size();
    return sum;
  }

 private:
  struct Report {
    uint64_t number = 0;
    Instant since;                 // the oldest of these was given
    std::vector<SessionId> fresh;  // not in the reports before
  };

  void drop_repeated();

  static constexpr size_t kCrowded = 1024;
  static constexpr size_t kReportsMax = 64;

  uint64_t last_number_;
  consensus::Ballot ballot_;      // of the master that is told
  std::vector<SessionId> fresh_;  // since the last report, possibly repeated
  size_t crowded_ = kCrowded;     // that many are looked through for repeated ones
  Instant fresh_since_;           // valid unless fresh_ is empty
  std::deque<Report> told_;       // and not acknowledged; by number
};

}  // namespace conclave::replica
