// Applies one transaction to the core: facts in, changed nodes, outcomes and events out. Total on every transaction
// that an Evaluator made; a fact that does not fit the state asserts. Private to state/service. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "state/service/core.h"

namespace conclave::state {

class Applier {
 public:
  Applier(Core& core, const Transaction& txn, Applied* applied) : core_(core), txn_(txn), applied_(*applied) {}

  void run();

 private:
  void apply(const EpochStartTxn& fact);
  void apply(const CreateTxn& fact);
  void apply(const DeleteTxn& fact);
  void apply(const SetDataTxn& fact);
  void apply(const SetAclTxn& fact);
  void apply(const CheckTxn& fact);
  void apply(const CreateSessionTxn& fact);
  void apply(const MoveSessionTxn& fact);
  void apply(const CloseSessionTxn& fact);
  void apply(const AcquireLockTxn& fact);
  void apply(const ReleaseLockTxn& fact);

  void remove(const DeleteTxn& fact);
  void release_lock(std::string_view path, LockHolder holder);
  OpOutcome& outcome(OpKind kind, std::string_view path);
  void event(NodeEventKind kind, std::string_view path, const Node& node);
  // Keeps the figures of the quota that covers `path` (DataTree.updateQuotaStat).
  void charge_quota(std::string_view path, int64_t bytes, int64_t nodes);
  // A new figures node starts with the subtree as it is (DataTree.updateQuotaForPath).
  void count_subtree(std::string_view subtree);

  Core& core_;
  const Transaction& txn_;
  Applied& applied_;
};

}  // namespace conclave::state
