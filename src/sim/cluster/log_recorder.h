// Turns the entries that the cell commits into the log of a history, and says for each zxid where it stands. Applies
// the primary-order rule by itself (architecture, "The log holds facts"), so that a replica that applies it wrongly is
// found out.
#pragma once

#include <map>
#include <set>
#include <utility>
#include <vector>

#include "consensus/api/entry.h"
#include "sim/check/history.h"
#include "sim/cluster/findings.h"
#include "sim/world/scheduler.h"

namespace conclave::sim {

class LogRecorder {
 public:
  LogRecorder(const Scheduler& scheduler, Findings& findings) : scheduler_(scheduler), findings_(findings) {}

  // In order of the log, each once.
  void committed(const consensus::Entry& entry);

  // At the end: sessions of clients that are not recorded. Nothing is known of when they gave signs of life.
  void leave_out(const std::set<SessionId>& sessions);

  const std::vector<check::Transaction>& log() const { return log_; }
  // Where the transaction stands; 0 if it never took effect.
  Index index_of(Zxid zxid) const;
  Zxid last() const { return log_.empty() ? Zxid() : log_.back().zxid; }
  uint64_t skipped() const { return skipped_; }  // dropped by the primary-order rule

 private:
  const Scheduler& scheduler_;
  Findings& findings_;
  std::vector<check::Transaction> log_;
  std::set<std::pair<SessionId, uint64_t>> calls_;  // numbered requests that were done (RP-02)
  std::set<SessionId> lock_sessions_;               // that were ever open
  uint64_t skipped_ = 0;
};

}  // namespace conclave::sim
