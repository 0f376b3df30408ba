// What the tests of state/service share: a service with its master in one object, and short spellings. Test code only.
#pragma once

#include <deque>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "state/service/evaluator.h"
#include "state/service/service.h"

namespace conclave::state::testing {

inline const Acl kOpen = {{kAllPermissions, "world", "anyone"}};
inline const SessionId kClient{0x100000000000001};
inline const Bytes kPassword = "0123456789abcdef";

// A cell of one replica. `lag` transactions stay proposed but not applied.
class Cell {
 public:
  explicit Cell(EvaluatorSettings settings = {}, size_t lag = 0)
      : settings_(settings), lag_(lag), evaluator(std::make_unique<Evaluator>(service, Epoch(1), settings)) {
    run({SessionId(), {}, EpochStartRequest{}});
  }

  // Evaluates and, as far as the lag allows, applies. The outcome of a refusal, or of the transaction's application.
  Outcome run(const Request& request) {
    auto result = evaluator->evaluate(request, {now_ms, origin});
    refused = std::holds_alternative<Refusal>(result);
    if (refused) {
      last_refusal = std::get<Refusal>(result);
      return last_refusal.outcome;
    }
    proposed_.push_back(std::get<Transaction>(std::move(result)));
    last_transaction = proposed_.back();
    while (proposed_.size() > lag_) apply_one();
    return last_applied.outcome;
  }
  void apply_one() {
    last_applied = service.apply(proposed_.front());
    evaluator->on_applied(proposed_.front().zxid);
    proposed_.pop_front();
  }
  void apply_all() {
    while (!proposed_.empty()) apply_one();
  }
  // As the client's session.
  template <class Body>
  Outcome client(Body body, Identities who = {}) {
    return run({kClient, std::move(who), std::move(body)});
  }
  void open(SessionId id = kClient) { run({SessionId(), {}, CreateSessionRequest{id, kPassword, 4000}}); }
  Code create(const std::string& path, NodeKind kind = NodeKind::persistent, Bytes data = {}) {
    return client(CreateRequest{.path = path, .data = std::move(data), .acl = kOpen, .kind = kind}).code;
  }
  Stat stat(const std::string& path) { return service.stat(path, {}).value(); }
  Bytes data(const std::string& path) { return Bytes(service.get(path, {{"super", ""}}).value().data); }

  // A new master takes over on what is applied.
  void next_epoch() {
    apply_all();
    const Epoch epoch(service.last_zxid().epoch().value + 1);
    evaluator = std::make_unique<Evaluator>(service, epoch, settings_);
    run({SessionId(), {}, EpochStartRequest{}});
  }

  Service service;

 private:
  EvaluatorSettings settings_;
  size_t lag_;
  std::deque<Transaction> proposed_;

 public:
  std::unique_ptr<Evaluator> evaluator;
  int64_t now_ms = 1000;
  RequestTag origin{ReplicaId(1), 7, 1};
  bool refused = false;
  Refusal last_refusal;
  Transaction last_transaction;
  Applied last_applied;
};

inline Bytes snapshot_of(SnapshotCursor& cursor, size_t chunk = 1 << 16) {
  Bytes out;
  while (cursor.next(chunk, &out)) {
  }
  return out;
}

inline Result<> load(Service& service, BytesView bytes, size_t chunk = 1 << 16) {
  auto loader = service.begin_load();
  for (; !bytes.empty(); bytes.remove_prefix(std::min(chunk, bytes.size())))
    if (auto fed = loader->feed(bytes.substr(0, chunk)); !fed) return fed;
  return loader->finish();
}

}  // namespace conclave::state::testing
