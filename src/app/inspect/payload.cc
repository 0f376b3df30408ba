#include "app/inspect/payload.h"

#include <fmt/format.h>
#include <variant>

namespace conclave::app {
namespace {

uint64_t bits(SessionId id) {
  return static_cast<uint64_t>(id.value);
}

struct FactText {
  std::string operator()(const state::EpochStartTxn&) const { return "epoch start"; }
  std::string operator()(const state::CreateTxn& fact) const {
    std::string kind;
    switch (fact.kind) {
      case state::NodeKind::persistent:
        break;
      case state::NodeKind::ephemeral:
        kind = fmt::format(", ephemeral of {:#x}", bits(fact.owner));
        break;
      case state::NodeKind::container:
        kind = ", container";
        break;
      case state::NodeKind::ttl:
        kind = fmt::format(", ttl {} ms", fact.ttl_ms);
        break;
      case state::NodeKind::file:
        kind = ", file";
        break;
      case state::NodeKind::directory:
        kind = ", directory";
        break;
      case state::NodeKind::open_file:
        kind = ", file while open";
        break;
      case state::NodeKind::open_directory:
        kind = ", directory while open";
        break;
    }
    return fmt::format("create {} ({} bytes{})", fact.path, fact.data.size(), kind);
  }
  std::string operator()(const state::DeleteTxn& fact) const { return fmt::format("delete {}", fact.path); }
  std::string operator()(const state::SetDataTxn& fact) const {
    return fmt::format("set {} ({} bytes, version {})", fact.path, fact.data.size(), fact.version);
  }
  std::string operator()(const state::SetAclTxn& fact) const {
    return fmt::format("set acl {} ({} entries, version {})", fact.path, fact.acl.size(), fact.aversion);
  }
  std::string operator()(const state::CheckTxn& fact) const { return fmt::format("check {}", fact.path); }
  std::string operator()(const state::CreateSessionTxn& fact) const {
    return fmt::format("create session {:#x} ({} ms, at replica {})", bits(fact.id), fact.timeout_ms,
                       to_string(fact.owner));
  }
  std::string operator()(const state::MoveSessionTxn& fact) const {
    return fmt::format("move session {:#x} to replica {}", bits(fact.id), to_string(fact.owner));
  }
  std::string operator()(const state::CloseSessionTxn& fact) const {
    std::string locks;
    if (!fact.locks.empty()) locks = fmt::format(", {} locks", fact.locks.size());
    return fmt::format("close session {:#x} ({} ephemerals{})", bits(fact.id), fact.ephemerals.size(), locks);
  }
  std::string operator()(const state::AcquireLockTxn& fact) const {
    return fmt::format("acquire lock {} for session {:#x} handle {} ({}, lock-delay {} ms)", fact.path,
                       bits(fact.session), fact.handle, fact.exclusive ? "exclusive" : "shared", fact.delay_ms);
  }
  std::string operator()(const state::ReleaseLockTxn& fact) const {
    return fmt::format("release lock {} of session {:#x} handle {}", fact.path, bits(fact.session), fact.handle);
  }
};

}  // namespace

std::string transaction_text(const state::Transaction& txn) {
  std::string out = fmt::format("zxid={:#x} session={:#x} time={} ", txn.zxid.value, bits(txn.session), txn.time_ms);
  if (txn.multi) out += "multi: ";
  bool first = true;
  for (const state::FactBody& fact : txn.facts) {
    out += (first ? "" : "; ") + std::visit(FactText(), fact);
    first = false;
  }
  return out;
}

}  // namespace conclave::app
