#include "sim/cluster/log_recorder.h"

#include <algorithm>
#include <fmt/format.h>

#include "sim/cluster/lock_program.h"
#include "state/tree/path.h"
#include "state/txn/transaction.h"

namespace conclave::sim {
namespace {

check::Change change_of(const state::FactBody& fact) {
  return std::visit(
      []<class T>(const T& f) -> check::Change {
        if constexpr (requires { f.path; }) {  // judged by the oracles of the lock service
          if (state::within(f.path, LockProgram::kDirectory)) return check::Other{.path = f.path};
        }
        if constexpr (std::is_same_v<T, state::EpochStartTxn>) {
          return check::EpochStarted{};
        } else if constexpr (std::is_same_v<T, state::CreateTxn>) {
          return check::Created{.path = f.path, .data = f.data, .owner = f.owner};
        } else if constexpr (std::is_same_v<T, state::DeleteTxn>) {
          return check::Removed{.path = f.path};
        } else if constexpr (std::is_same_v<T, state::SetDataTxn>) {
          return check::DataSet{.path = f.path, .data = f.data};
        } else if constexpr (std::is_same_v<T, state::SetAclTxn>) {
          return check::Other{.path = f.path};
        } else if constexpr (std::is_same_v<T, state::CheckTxn>) {
          return check::Checked{.path = f.path};
        } else if constexpr (std::is_same_v<T, state::CreateSessionTxn>) {
          if (f.caching) return check::Other{};  // of the lock service, as above
          return check::SessionOpened{.session = f.id, .timeout = Duration::millis(f.timeout_ms)};
        } else if constexpr (std::is_same_v<T, state::MoveSessionTxn>) {
          return check::Other{};
        } else if constexpr (std::is_same_v<T, state::AcquireLockTxn> || std::is_same_v<T, state::ReleaseLockTxn>) {
          return check::Other{.path = f.path};
        } else {
          static_assert(std::is_same_v<T, state::CloseSessionTxn>);
          check::SessionClosed closed{.session = f.id, .ephemerals = {}};
          for (const state::DeleteTxn& removed : f.ephemerals) closed.ephemerals.push_back(removed.path);
          return closed;
        }
      },
      fact);
}

bool follows(Zxid zxid, Zxid last) {
  if (zxid.epoch() == last.epoch()) return zxid.counter() == last.counter() + 1;
  return zxid.epoch() > last.epoch() && zxid.counter() == 1;
}

}  // namespace

void LogRecorder::committed(const consensus::Entry& entry) {
  if (entry.kind != consensus::EntryKind::transaction) return;
  const auto txn = state::decode_transaction(entry.payload.view());
  if (!txn) {
    findings_.add("log", fmt::format("index {} holds no transaction: {}", entry.index.value, txn.error().message));
    return;
  }
  if (!follows(txn->zxid, last())) {
    ++skipped_;
    return;
  }
  check::Transaction out{.zxid = txn->zxid,
                         .index = entry.index,
                         .session = lock_sessions_.contains(txn->session) ? SessionId() : txn->session,
                         .first_applied = scheduler_.now(),
                         .changes = {}};
  if (txn->call.number != 0 && !calls_.emplace(txn->session, txn->call.number).second) {
    findings_.add("calls", fmt::format("call {} of session {:#x} was done twice, the second time by zxid {:#x}",
                                       txn->call.number, txn->session.value, txn->zxid.value));
  }
  for (const state::FactBody& fact : txn->facts) {
    if (const auto* opened = std::get_if<state::CreateSessionTxn>(&fact); opened != nullptr && opened->caching) {
      lock_sessions_.insert(opened->id);
    }
    const auto* closed = std::get_if<state::CloseSessionTxn>(&fact);
    const bool of_lock_service = closed != nullptr && lock_sessions_.contains(closed->id);
    out.changes.push_back(of_lock_service ? check::Change(check::Other{}) : change_of(fact));
  }
  log_.push_back(std::move(out));
}

void LogRecorder::leave_out(const std::set<SessionId>& sessions) {
  for (check::Transaction& txn : log_) {
    if (sessions.contains(txn.session)) txn.session = SessionId();
    for (check::Change& change : txn.changes) {
      const auto* opened = std::get_if<check::SessionOpened>(&change);
      const auto* closed = std::get_if<check::SessionClosed>(&change);
      const bool named = (opened != nullptr && sessions.contains(opened->session)) ||
                         (closed != nullptr && sessions.contains(closed->session));
      if (named) change = check::Other{};
    }
  }
}

Index LogRecorder::index_of(Zxid zxid) const {
  const auto found = std::ranges::lower_bound(log_, zxid, {}, &check::Transaction::zxid);
  return found != log_.end() && found->zxid == zxid ? found->index : Index();
}

}  // namespace conclave::sim
