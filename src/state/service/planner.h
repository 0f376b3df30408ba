// Turns one operation into a fact, against the speculative view, exactly as ZooKeeper 3.8's PrepRequestProcessor would:
// the same checks in the same order. Private to state/service. Pure but for the overlay.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "state/service/evaluator.h"
#include "state/service/overlay.h"

namespace conclave::state {

class Planner {
 public:
  // Plans for one transaction: all operations share its zxid, time and origin.
  Planner(Overlay& overlay, const EvaluatorSettings& settings, const Request& request, const Transaction& txn)
      : overlay_(overlay),
        settings_(settings),
        request_(request),
        zxid_(txn.zxid),
        time_ms_(txn.time_ms),
        origin_(txn.origin.replica) {}

  // On success the overlay holds the consequences. On an error nothing of this operation is in it; the error `ok` says
  // that there is nothing to do.
  std::expected<FactBody, Code> plan(const CreateRequest& op);
  std::expected<FactBody, Code> plan(const DeleteRequest& op);
  std::expected<FactBody, Code> plan(const SetDataRequest& op);
  std::expected<FactBody, Code> plan(const SetAclRequest& op);
  std::expected<FactBody, Code> plan(const CheckRequest& op);
  std::expected<FactBody, Code> plan(const CreateSessionRequest& op);
  std::expected<FactBody, Code> plan(const CloseSessionRequest& op);
  std::expected<FactBody, Code> plan(const AcquireLockRequest& op);
  std::expected<FactBody, Code> plan(const ReleaseLockRequest& op);
  std::expected<FactBody, Code> plan(const EndLockDelayRequest& op);
  std::expected<FactBody, Code> plan(const ReapRequest& op);
  std::expected<FactBody, Code> plan(const ReapUnopenedRequest& op);
  std::expected<FactBody, Code> plan(const EpochStartRequest& op);
  std::expected<FactBody, Code> plan(const ReconfigRequest& op);

 private:
  Code check_session() const;
  bool permitted(const NodeState& node, Permission permission) const;
  // The node, or why the operation may not have it: no_node, then no_auth.
  std::expected<const NodeState*, Code> need(std::string_view path, Permission permission, NodeState* scratch) const;
  bool path_allowed(std::string_view path) const;
  DeleteTxn remove(std::string_view path);
  std::expected<FactBody, Code> set_data(const SetDataRequest& op, bool is_configuration);
  std::expected<FactBody, Code> release(const std::string& path, const NodeState& node, LockHolder holder, bool lost);

  Code check_quota(std::string_view path, int64_t bytes, int64_t nodes) const;
  void charge_quota(std::string_view path, int64_t bytes, int64_t nodes);
  void start_figures(std::string_view subtree);

  Overlay& overlay_;
  const EvaluatorSettings& settings_;
  const Request& request_;
  const Zxid zxid_;
  const int64_t time_ms_;
  const ReplicaId origin_;
};

}  // namespace conclave::state
