#include "state/service/applier.h"

#include <variant>

#include "base/assert.h"
#include "base/plant.h"
#include "state/service/snapshot_cursor.h"
#include "state/tree/node_digest.h"
#include "state/tree/path.h"

namespace conclave::state {

void Applier::run() {
  applied_.outcome.ops.reserve(txn_.facts.size());
  for (const FactBody& fact : txn_.facts) std::visit([&](const auto& f) { apply(f); }, fact);
  if (txn_.call.number != 0 && core_.sessions.find(txn_.session) != nullptr) {  // not the fact that closed it
    core_.calls.done(txn_.session, txn_.call, {txn_.zxid, applied_.outcome});
  }
}

OpOutcome& Applier::outcome(OpKind kind, std::string_view path) {
  OpOutcome& out = applied_.outcome.ops.emplace_back();
  out.kind = kind;
  out.path = path;
  return out;
}

void Applier::event(NodeEventKind kind, std::string_view path, const Node& node) {
  applied_.events.push_back({kind, std::string(path), core_.acls.get(node.acl)});
}

void Applier::apply(const EpochStartTxn& fact) {
  CONCLAVE_ASSERT(fact.secret.empty() || core_.secret.empty());
  if (!fact.secret.empty()) core_.secret = fact.secret;
  outcome(OpKind::none, {});
}

void Applier::apply(const CreateTxn& fact) {
  const std::string_view parent_at = parent_path(fact.path);
  Node* parent = core_.tree.find(parent_at);
  CONCLAVE_ASSERT(parent != nullptr);
  core_.before_change(parent);
  const uint64_t parent_hash = path_hash(parent_at);
  core_.leave_children(*parent, parent_hash);
  Node* node = core_.tree.insert(parent, name_of(fact.path));
  parent->creates = fact.parent_sequence;
  parent->pzxid = txn_.zxid;
  CONCLAVE_ASSERT(parent->cversion() == fact.parent_cversion);
  core_.enter_children(*parent, parent_hash);

  node->czxid = node->mzxid = node->pzxid = txn_.zxid;
  node->ctime_ms = node->mtime_ms = txn_.time_ms;
  node->set_lifetime(static_cast<Lifetime>(fact.kind));
  if (fact.kind == NodeKind::ephemeral) node->owner = fact.owner.value;
  if (fact.kind == NodeKind::ttl) node->owner = fact.ttl_ms;
  node->acl = core_.acls.acquire(fact.acl);
  node->snapshot_mark = core_.snapshot_generation & CopyOnUpdateCursor::kMarkMask;  // born after a snapshot began
  core_.tree.set_data(node, fact.data, fact.data_is_null);
  core_.enter(*node, path_hash(fact.path));
  core_.list(*node, fact.path);

  outcome(OpKind::create, fact.path).stat = core_.stat_of(*node);
  if (const auto subtree = quota_stat_subtree(fact.path)) count_subtree(*subtree);
  charge_quota(fact.path, static_cast<int64_t>(fact.data.size()), 1);
  event(NodeEventKind::created, fact.path, *node);
  event(NodeEventKind::children_changed, parent_at, *parent);
}

void Applier::apply(const DeleteTxn& fact) {
  remove(fact);
  outcome(OpKind::remove, fact.path);
}

void Applier::remove(const DeleteTxn& fact) {
  Node* node = core_.tree.find(fact.path);
  CONCLAVE_ASSERT(node != nullptr);
  CONCLAVE_ASSERT(node->parent != nullptr);
  Node* parent = node->parent;
  const std::string_view parent_at = parent_path(fact.path);
  core_.before_change(parent);
  core_.before_change(node);
  if (core_.cursor != nullptr) core_.cursor->before_erase(node);
  event(NodeEventKind::deleted, fact.path, *node);
  core_.leave(*node, path_hash(fact.path));
  core_.unlist(*node, fact.path);
  core_.acls.release(node->acl);
  const auto bytes = static_cast<int64_t>(node->data_size);

  const uint64_t parent_hash = path_hash(parent_at);
  core_.leave_children(*parent, parent_hash);
  core_.tree.erase(node);
  parent->pzxid = txn_.zxid;
  CONCLAVE_ASSERT(parent->cversion() == fact.parent_cversion);
  core_.enter_children(*parent, parent_hash);

  charge_quota(fact.path, -bytes, -1);
  event(NodeEventKind::children_changed, parent_at, *parent);
}

void Applier::apply(const SetDataTxn& fact) {
  Node* node = core_.tree.find(fact.path);
  CONCLAVE_ASSERT(node != nullptr);
  core_.before_change(node);
  const uint64_t hash = path_hash(fact.path);
  const auto grown = static_cast<int64_t>(fact.data.size()) - static_cast<int64_t>(node->data_size);
  core_.leave(*node, hash);
  core_.tree.set_data(node, fact.data, fact.data_is_null);
  if (core_.cursor == nullptr || !CONCLAVE_PLANT(local_dependence)) node->mtime_ms = txn_.time_ms;
  node->mzxid = txn_.zxid;
  node->version = fact.version;
  core_.enter(*node, hash);

  outcome(OpKind::set_data, fact.path).stat = core_.stat_of(*node);
  charge_quota(fact.path, grown, 0);
  event(NodeEventKind::data_changed, fact.path, *node);
}

void Applier::apply(const SetAclTxn& fact) {
  Node* node = core_.tree.find(fact.path);
  CONCLAVE_ASSERT(node != nullptr);
  core_.before_change(node);
  const uint64_t hash = path_hash(fact.path);
  core_.leave(*node, hash);
  const uint32_t old = node->acl;
  node->acl = core_.acls.acquire(fact.acl);
  core_.acls.release(old);
  node->aversion = fact.aversion;
  core_.enter(*node, hash);
  outcome(OpKind::set_acl, fact.path).stat = core_.stat_of(*node);
}

void Applier::apply(const CheckTxn& fact) {
  outcome(OpKind::check, fact.path);
}

void Applier::apply(const CreateSessionTxn& fact) {
  core_.sessions.open(fact.id, fact.timeout_ms, fact.password, fact.owner, fact.caching);
  outcome(OpKind::create_session, {});
}

void Applier::apply(const MoveSessionTxn& fact) {
  core_.sessions.move(fact.id, fact.owner);
  applied_.moved_sessions.push_back(fact);
  outcome(OpKind::resume_session, {});
}

void Applier::apply(const CloseSessionTxn& fact) {
  for (const DeleteTxn& ephemeral : fact.ephemerals) {
    if (&ephemeral == &fact.ephemerals.back() && CONCLAVE_PLANT(ephemeral_left_behind)) {
      core_.unlist(*core_.tree.find(ephemeral.path), ephemeral.path);
      continue;
    }
    remove(ephemeral);
  }
  for (const CloseSessionTxn::Lock& lock : fact.locks) {
    if (lock.lost) {
      core_.locks.lose(lock.path, {fact.id, lock.handle});
      applied_.lost_locks.push_back({lock.path, {fact.id, lock.handle}});
    } else {
      release_lock(lock.path, {fact.id, lock.handle});
    }
  }
  core_.calls.forget(fact.id);
  core_.sessions.close(fact.id);
  applied_.closed_sessions.push_back(fact.id);
  outcome(OpKind::close_session, {});
}

void Applier::apply(const AcquireLockTxn& fact) {
  CONCLAVE_ASSERT(core_.tree.find(fact.path) != nullptr);
  core_.locks.acquire(fact.path, {fact.session, fact.handle}, fact.exclusive ? LockMode::exclusive : LockMode::shared,
                      fact.delay_ms, txn_.zxid);
  applied_.acquired_locks.push_back(fact.path);
  outcome(OpKind::acquire_lock, fact.path);
}

void Applier::apply(const ReleaseLockTxn& fact) {
  release_lock(fact.path, {fact.session, fact.handle});
  outcome(OpKind::release_lock, fact.path);
}

// Who waits for the lock may try again.
void Applier::release_lock(std::string_view path, LockHolder holder) {
  core_.locks.release(path, holder);
  applied_.released_locks.emplace_back(path);
}

void Applier::charge_quota(std::string_view path, int64_t bytes, int64_t nodes) {
  const auto subtree = core_.quotas.covering(path);
  if (!subtree) return;
  const std::string stat_path = quota_stat_path(*subtree);
  Node* stat = core_.tree.find(stat_path);
  if (stat == nullptr) return;  // a limit without figures yet: nothing to keep (ZooKeeper logs and goes on)
  QuotaFigures figures(stat->data());
  figures.add(nodes, bytes);
  core_.overwrite_data(stat, stat_path, figures.text());
}

void Applier::count_subtree(std::string_view subtree) {
  QuotaFigures figures;
  figures.set_count(0);
  figures.set_bytes(0);
  const Node* top = core_.tree.find(subtree);
  for (const Node* node = top; node != nullptr; node = Tree::next_in_order(node, top)) {
    figures.set_count(figures.count() + 1);
    figures.set_bytes(figures.bytes() + static_cast<int64_t>(node->data_size));
  }
  const std::string stat_path = quota_stat_path(subtree);
  core_.overwrite_data(core_.tree.find(stat_path), stat_path, figures.text());
}

}  // namespace conclave::state
