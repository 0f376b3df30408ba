// The master's half of the state: turns requests into facts against the applied state plus an overlay of the
// transactions that are proposed and not yet applied (the speculative view). Made when the mastership begins, destroyed
// when it ends: the overlay dies with it. Loop thread only; no clock.
#pragma once

#include <memory>
#include <variant>

#include "state/service/service.h"

namespace conclave::state {

// Limits and switches that decide what is let into the log. They are the master's own: once in the log, a fact applies
// everywhere whatever the settings there.
struct EvaluatorSettings {
  size_t transaction_bytes_max = 1 << 20;  // encoded; a larger fact is refused at the proposal
  size_t multi_ops_max = 1000;
  size_t path_bytes_max = 4096;
  size_t path_depth_max = 256;
  bool enforce_quota = false;  // ZooKeeper's enforceQuota
  bool extended_types = true;  // TTL nodes allowed
  bool skip_acl = false;
  uint64_t calls_unanswered_max = 1024;  // numbers that a session may be ahead of what it has acknowledged
  // The counter of a zxid from which epoch_nearly_exhausted() holds; beyond its 32 bits nothing is let in.
  uint32_t epoch_counter_high = 0xFFF0'0000;
};

// The request changes nothing (an error, or a check that holds): the reply waits until `after` is applied where the
// client is, since the answer depends on it.
struct Refusal {
  Outcome outcome;
  Zxid after;
};

// Asked before a transaction that changes nodes or locks becomes part of the speculative view (ADR 12).
class Admission {
 public:
  virtual ~Admission() = default;
  // False: not now. It leaves no trace; whoever asked evaluates the request again later.
  virtual bool admits(const Transaction& txn) = 0;
};
struct NotAdmitted {};

struct EvaluateContext {
  int64_t time_ms = 0;  // the master's wall clock; the evaluator makes it monotonic
  RequestTag origin;
  Admission* admission = nullptr;  // null: everything is admitted
};

class Evaluator {
 public:
  // Starts epoch `epoch` on top of what `service` has applied. REQUIRES: every chosen entry of earlier epochs is
  // applied; epoch > service.last_zxid().epoch(). The first request must be EpochStartRequest.
  Evaluator(const Service& service, Epoch epoch, EvaluatorSettings settings);
  ~Evaluator();

  // Pure but for the overlay: a returned transaction is part of the speculative view from then on and must be proposed,
  // in order. Sequence numbers, versions, times and session closings are decided here.
  std::variant<Transaction, Refusal, NotAdmitted> evaluate(const Request& request, const EvaluateContext& context);

  // Call after service.apply of one of our transactions: its overlay records are dropped.
  void on_applied(Zxid zxid);

  Zxid last_proposed() const;
  // True when the counter is so near its end that the master must take a new epoch (decisions.md: zxid roll-over).
  bool epoch_nearly_exhausted() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace conclave::state
