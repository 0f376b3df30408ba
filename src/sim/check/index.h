// A history by client, and what was known to anyone when each operation was invoked. Pure; refers to the history, which
// outlives it.
#pragma once

#include <map>
#include <span>
#include <vector>

#include "sim/check/history.h"

namespace conclave::sim::check {

// The answer is known: not lost with its connection, not still under way at the end.
inline bool is_answered(const Operation& op) {
  return op.answered && op.answer.code != Code::connection_loss;
}
// A failed multi may carry its error in the part that failed alone.
Code code_of(const Operation& op);
inline bool is_ok(const Operation& op) {
  return is_answered(op) && code_of(op) == Code::ok;
}
// Whether its header says how far the answering replica was. Errors of the client library itself have no header, and
// ZooKeeper's header of an unknown opcode carries -1.
inline bool has_zxid(const Operation& op) {
  return is_answered(op) && op.zxid.value != 0 && op.zxid.value <= INT64_MAX;
}
// A write that was told its transaction. A multi without parts makes none.
inline bool is_acknowledged_write(const Operation& op) {
  const bool empty = op.call.action == Action::multi && op.parts.empty();
  return is_write(op.call.action) && is_ok(op) && has_zxid(op) && !empty;
}
// A multi's parts, or the one call.
std::span<const Call> calls_of(const Operation& op);
std::span<const Answer> answers_of(const Operation& op);

class HistoryIndex {
 public:
  struct Client {
    SessionId session;               // 0: never had one
    std::vector<size_t> operations;  // in the order of invocation
    std::vector<size_t> told;        // those with a header, in the order the client was told
    std::vector<uint64_t> connects;  // places in its order at which a connection was made
  };

  explicit HistoryIndex(const History& history);

  const std::map<ClientId, Client>& clients() const { return clients_; }
  // REQUIRES: the client appears in the history.
  const Client& client(ClientId id) const { return clients_.at(id); }
  SessionId session_of(const Operation& op) const;

  // The greatest zxid that anyone had been told before the operation was invoked. What was told had been committed, so
  // whatever is evaluated later, or read behind a barrier, comes after it.
  Zxid told_before(size_t operation) const { return told_before_[operation]; }
  // The least and the greatest zxid of acknowledged writes of the same client behind and before the operation, in the
  // order of invocation. 0 / UINT64_MAX: there is none.
  Zxid own_write_before(size_t operation) const { return own_before_[operation]; }
  Zxid own_write_behind(size_t operation) const { return own_behind_[operation]; }

  // Whether the client made a connection between two places of its order.
  bool reconnected(ClientId client, uint64_t after, uint64_t before) const;

 private:
  void note_told(const History& history);
  void note_own_writes(const History& history);

  std::map<ClientId, Client> clients_;
  std::vector<Zxid> told_before_;
  std::vector<Zxid> own_before_;
  std::vector<Zxid> own_behind_;
};

}  // namespace conclave::sim::check
