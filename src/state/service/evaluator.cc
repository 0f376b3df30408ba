#include "state/service/evaluator.h"

#include <algorithm>
#include <limits>

#include "base/assert.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/secret.h"
#include "state/service/overlay.h"
#include "state/service/planner.h"
#include "state/service/service_impl.h"

namespace conclave::state {
namespace {

template <class... Fs>
struct Overloaded : Fs... {
  using Fs::operator()...;
};

OpKind kind_of(const CreateRequest&) {
  return OpKind::create;
}
OpKind kind_of(const DeleteRequest&) {
  return OpKind::remove;
}
OpKind kind_of(const SetDataRequest&) {
  return OpKind::set_data;
}
OpKind kind_of(const SetAclRequest&) {
  return OpKind::set_acl;
}
OpKind kind_of(const CheckRequest&) {
  return OpKind::check;
}
OpKind kind_of(const CreateSessionRequest&) {
  return OpKind::create_session;
}
OpKind kind_of(const ResumeSessionRequest&) {
  return OpKind::resume_session;
}
OpKind kind_of(const CloseSessionRequest&) {
  return OpKind::close_session;
}
OpKind kind_of(const AcquireLockRequest&) {
  return OpKind::acquire_lock;
}
OpKind kind_of(const ReleaseLockRequest&) {
  return OpKind::release_lock;
}
OpKind kind_of(const EndLockDelayRequest&) {
  return OpKind::release_lock;
}
OpKind kind_of(const ReapRequest&) {
  return OpKind::remove;
}
OpKind kind_of(const ReapUnopenedRequest&) {
  return OpKind::remove;
}
OpKind kind_of(const ReconfigRequest&) {
  return OpKind::set_data;
}
OpKind kind_of(const EpochStartRequest&) {
  return OpKind::none;
}

Outcome failed(OpKind kind, Code code) {
  return {code, {{.kind = kind, .code = code}}};
}

// ZooKeeper's answer to a multi whose part `at` failed: ok before it, its code, runtime_inconsistency after it.
Outcome failed(const MultiRequest& multi, size_t at, Code code) {
  Outcome outcome{code, {}};
  for (size_t i = 0; i < multi.ops.size(); ++i) {
    const OpKind kind = std::visit([](const auto& op) { return kind_of(op); }, multi.ops[i]);
    const Code own = i < at ? Code::ok : i == at ? code : Code::runtime_inconsistency;
    outcome.ops.push_back({.kind = kind, .code = own});
  }
  return outcome;
}

// The answer to a request that is refused before it is looked at.
Outcome failed(const RequestBody& body, Code code) {
  return std::visit(Overloaded{[&](const MultiRequest& multi) { return failed(multi, 0, code); },
                               [&](const auto& op) { return failed(kind_of(op), code); }},
                    body);
}

// At least the encoded size, found without encoding.
size_t bytes_bound(const Transaction& txn) {
  size_t bytes = 96;
  const auto add_acl = [&](const Acl& acl) {
    for (const AclEntry& entry : acl) bytes += entry.scheme.size() + entry.id.size() + 16;
  };
  for (const FactBody& fact : txn.facts) {
    bytes += 64;
    std::visit(Overloaded{[&](const CreateTxn& t) {
                            bytes += t.path.size() + t.data.size();
                            add_acl(t.acl);
                          },
                          [&](const DeleteTxn& t) { bytes += t.path.size(); },
                          [&](const SetDataTxn& t) { bytes += t.path.size() + t.data.size(); },
                          [&](const SetAclTxn& t) {
                            bytes += t.path.size();
                            add_acl(t.acl);
                          },
                          [&](const CheckTxn& t) { bytes += t.path.size(); },
                          [&](const AcquireLockTxn& t) { bytes += t.path.size(); },
                          [&](const ReleaseLockTxn& t) { bytes += t.path.size(); }, [](const auto&) {}},
               fact);
  }
  return bytes;
}

// Or their locks. Not so the facts of sessions: what these delete and release nobody caches.
bool changes_nodes(const Transaction& txn) {
  const FactBody& first = txn.facts.front();
  return std::holds_alternative<CreateTxn>(first) || std::holds_alternative<DeleteTxn>(first) ||
         std::holds_alternative<SetDataTxn>(first) || std::holds_alternative<SetAclTxn>(first) ||
         std::holds_alternative<AcquireLockTxn>(first) || txn.multi;
}

bool too_large(const Transaction& txn, size_t bytes_max) {
  // A session must be closable whatever it owns.
  if (std::holds_alternative<CloseSessionTxn>(txn.facts.front())) return false;
  if (bytes_bound(txn) <= bytes_max) return false;
  Bytes encoded;
  encode(txn, &encoded);
  return encoded.size() > bytes_max;
}

}  // namespace

struct Evaluator::Impl {
  using Result = std::variant<Transaction, Refusal, NotAdmitted>;

  const EvaluatorSettings settings;
  Overlay overlay;
  Epoch epoch;
  uint32_t counter = 0;
  Zxid last_proposed;
  int64_t last_time_ms;
  Admission* admission = nullptr;  // of the request that is being evaluated

  Impl(const Core& core, Epoch epoch_in, EvaluatorSettings settings_in)
      : settings(settings_in),
        overlay(core, settings_in.enforce_quota),
        epoch(epoch_in),
        last_proposed(core.last_zxid),
        last_time_ms(core.last_time_ms) {}

  Refusal refuse(Outcome outcome) const { return {std::move(outcome), last_proposed}; }

  // Is the session of the request another replica's (S4)? The cell's own requests are nobody's, and who resumes a
  // session asks to become its owner.
  bool is_anothers(const Request& request, const RequestTag& origin) const {
    if (origin.number == 0 || std::holds_alternative<ResumeSessionRequest>(request.body)) return false;
    const auto session = overlay.session(request.session);
    return session && session->owner != origin.replica && !CONCLAVE_PLANT(moved_session_served);
  }

  // Why the numbered request is not to be done, or not again (S6). Nothing: it is not numbered, or new.
  std::optional<Refusal> check_call(const Request& request) const {
    const CallNumber& call = request.call;
    if (call.number == 0) return std::nullopt;
    const auto refused = [&](Code code) { return refuse(failed(request.body, code)); };
    if (!overlay.session(request.session)) return refused(Code::session_expired);
    if (call.answered_below > call.number) return refused(Code::bad_arguments);
    const CallMarks marks = overlay.calls().marks(request.session);
    if (call.number < marks.answered_below) return refused(Code::call_stale);
    if (const auto zxid = overlay.calls().done(request.session, call.number))
      return Refusal{failed(request.body, Code::call_done), *zxid};
    // Done now it would take effect behind a later one.
    if (call.number <= marks.highest) return refused(Code::call_refused_before);
    const uint64_t answered_below = std::max(marks.answered_below, call.answered_below);
    if (call.number - answered_below > settings.calls_unanswered_max) return refused(Code::throttled);
    return std::nullopt;
  }

  // CH-31, CH-48.
  Code check(const Guard& guard) const {
    NodeState scratch;
    const NodeState* node = overlay.find(guard.path, &scratch);
    if (node == nullptr || node->czxid != guard.instance) return Code::instance_gone;
    return guard.content == Zxid() || guard.content == node->mzxid ? Code::ok : Code::bad_version;
  }

  template <class Op>
  Result evaluate_one(const Op& op, Planner& planner, Transaction txn) {
    overlay.begin();
    auto fact = planner.plan(op);
    if (!fact) {
      overlay.rollback();
      return refuse(failed(kind_of(op), fact.error()));
    }
    if (std::holds_alternative<CheckTxn>(*fact)) {
      overlay.rollback();  // it held and changes nothing: no log entry
      return refuse({Code::ok, {{.kind = OpKind::check, .path = std::get<CheckTxn>(*fact).path}}});
    }
    txn.facts.push_back(std::move(*fact));
    return propose(std::move(txn), failed(kind_of(op), Code::bad_arguments));
  }

  Result evaluate_one(const ResumeSessionRequest& resume, Planner&, Transaction txn) {
    const auto session = overlay.session(txn.session);
    // ZooKeeper tells a wrong password no other way.
    if (!session || !same_secret(session->password, resume.password))
      return refuse(failed(OpKind::resume_session, Code::session_expired));
    if (session->owner == txn.origin.replica)  // it stays, which changes nothing: no log entry
      return refuse({Code::ok, {{.kind = OpKind::resume_session}}});
    overlay.begin();
    overlay.move_session(txn.session, txn.origin.replica, txn.zxid);
    txn.facts.push_back(MoveSessionTxn{txn.session, txn.origin.replica});
    return propose(std::move(txn), {});
  }

  Result evaluate_one(const MultiRequest& multi, Planner& planner, Transaction txn) {
    if (multi.ops.empty()) return refuse({});
    if (multi.ops.size() > settings.multi_ops_max) return refuse(failed(multi, 0, Code::bad_arguments));
    txn.multi = true;
    overlay.begin();
    for (size_t i = 0; i < multi.ops.size(); ++i) {
      auto fact = std::visit([&](const auto& op) { return planner.plan(op); }, multi.ops[i]);
      if (!fact) {
        overlay.rollback();
        return refuse(failed(multi, i, fact.error()));
      }
      txn.facts.push_back(std::move(*fact));
    }
    return propose(std::move(txn), failed(multi, 0, Code::bad_arguments));
  }

  Result propose(Transaction txn, Outcome if_too_large) {
    if (too_large(txn, settings.transaction_bytes_max)) {
      overlay.rollback();
      log::info("state", "a transaction is too large", {{"bytes_max", settings.transaction_bytes_max}});
      return refuse(std::move(if_too_large));
    }
    if (admission != nullptr && changes_nodes(txn) && !admission->admits(txn)) {
      overlay.rollback();
      return NotAdmitted{};
    }
    overlay.commit(txn.zxid);
    if (txn.call.number != 0 && overlay.session(txn.session)) overlay.calls().note(txn.session, txn.call, txn.zxid);
    counter = txn.zxid.counter();
    last_proposed = txn.zxid;
    last_time_ms = txn.time_ms;
    return txn;
  }
};

Evaluator::Evaluator(const Service& service, Epoch epoch, EvaluatorSettings settings)
    : impl_(std::make_unique<Impl>(service.impl_->core, epoch, settings)) {
  CONCLAVE_ASSERT(epoch > service.last_zxid().epoch());
}
Evaluator::~Evaluator() = default;

std::variant<Transaction, Refusal, NotAdmitted> Evaluator::evaluate(const Request& request,
                                                                    const EvaluateContext& context) {
  const bool starts = std::holds_alternative<EpochStartRequest>(request.body);
  CONCLAVE_ASSERT(starts || impl_->counter > 0);
  if (starts && (impl_->counter > 0 || request.session != SessionId()))
    return impl_->refuse(failed(OpKind::none, Code::bad_arguments));
  if (impl_->counter == std::numeric_limits<uint32_t>::max()) {
    log::error("state", "the epoch has no transaction numbers left", {{"epoch", impl_->epoch.value}});
    return impl_->refuse(failed(OpKind::none, Code::system_error));
  }
  if (impl_->is_anothers(request, context.origin)) return impl_->refuse({Code::session_moved, {}});
  // Before the guard, which may not hold any more because of what the request itself did.
  if (auto settled = impl_->check_call(request); settled && !CONCLAVE_PLANT(call_done_again))
    return std::move(*settled);
  if (request.guard) {
    if (const Code code = impl_->check(*request.guard); code != Code::ok)
      return impl_->refuse(failed(request.body, code));
  }
  Transaction txn{.zxid = Zxid(impl_->epoch, impl_->counter + 1),
                  .time_ms = std::max(context.time_ms, impl_->last_time_ms),
                  .session = request.session,
                  .origin = context.origin,
                  .call = request.call};
  impl_->admission = context.admission;
  Planner planner(impl_->overlay, impl_->settings, request, txn);
  return std::visit([&](const auto& op) { return impl_->evaluate_one(op, planner, std::move(txn)); }, request.body);
}

void Evaluator::on_applied(Zxid zxid) {
  impl_->overlay.drop_through(zxid);
}

Zxid Evaluator::last_proposed() const {
  return impl_->last_proposed;
}

bool Evaluator::epoch_nearly_exhausted() const {
  return impl_->counter >= impl_->settings.epoch_counter_high;
}

}  // namespace conclave::state
