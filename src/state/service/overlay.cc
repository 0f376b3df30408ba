#include "state/service/overlay.h"

#include <algorithm>

#include "base/assert.h"
#include "base/plant.h"
#include "state/tree/path.h"

namespace conclave::state {

Overlay::Overlay(const Core& core, bool with_quotas) : core_(core), with_quotas_(with_quotas), calls_(core.calls) {
  if (with_quotas_) quotas_ = core.quotas;
}

NodeState Overlay::applied_state(std::string_view path) const {
  const Node* node = core_.tree.find(path);
  if (node == nullptr) return {};
  NodeState state{.exists = true,
                  .kind = static_cast<NodeKind>(node->lifetime()),
                  .mtime_ms = node->mtime_ms,
                  .creates = node->creates,
                  .version = node->version,
                  .aversion = node->aversion,
                  .czxid = node->czxid,
                  .mzxid = node->mzxid,
                  .children = node->child_count(),
                  .data_size = node->data_size,
                  .acl = core_.acls.get(node->acl)};
  if (state.kind == NodeKind::ephemeral) state.owner = SessionId(node->owner);
  if (state.kind == NodeKind::ttl) state.ttl_ms = node->owner;
  if (const Lock* lock = core_.locks.find(path)) state.lock = std::make_shared<const Lock>(*lock);
  if (keeps_data(path)) state.data = std::make_shared<const Bytes>(node->data());
  return state;
}

const NodeState* Overlay::find(std::string_view path, NodeState* scratch) const {
  if (path.empty()) path = kRootPath;
  if (const auto it = records_.find(path); it != records_.end() && !CONCLAVE_PLANT(evaluated_on_applied_state))
    return it->second->state.exists ? &it->second->state : nullptr;
  *scratch = applied_state(path);
  return scratch->exists ? scratch : nullptr;
}

bool Overlay::keeps_data(std::string_view path) const {
  return is_acl_file(path) || (with_quotas_ && within(path, kQuotaPath));
}

BytesView Overlay::acl_file(std::string_view name) const {
  const auto record = records_.find(std::string(kAclDirectory).append("/").append(name));
  if (record == records_.end()) return core_.acl_file(name);
  const NodeState& state = record->second->state;
  return state.exists && state.data != nullptr ? BytesView(*state.data) : BytesView();
}

void Overlay::begin() {
  CONCLAVE_ASSERT(touched_.empty());
  ++bracket_;
}

NodeState& Overlay::edit(std::string_view path) {
  auto it = records_.find(path);
  const bool made = it == records_.end();
  if (made) {
    auto record = std::make_unique<Record>();
    record->path = path;
    record->state = applied_state(path);
    const std::string_view key = record->path;
    it = records_.emplace(key, std::move(record)).first;
  }
  Record* record = it->second.get();
  if (record->bracket != bracket_) {
    record->bracket = bracket_;
    touched_.push_back({record, made, made ? NodeState() : record->state});
  }
  return record->state;
}

void Overlay::note_ephemeral(SessionId owner, std::string_view path) {
  note(pending_ephemerals_, records_.find(path)->second->owners, owner, path);
}

void Overlay::note_lock(SessionId session, std::string_view path) {
  note(pending_locks_, records_.find(path)->second->lockers, session, path);
}

void Overlay::note(Pending& pending, std::vector<SessionId>& sessions, SessionId session, std::string_view path) {
  if (std::ranges::find(sessions, session) != sessions.end()) return;
  sessions.push_back(session);
  pending[session].emplace(path);
}

void Overlay::drop(Pending& pending, const std::vector<SessionId>& sessions, std::string_view path) {
  for (const SessionId session : sessions) {
    const auto paths = pending.find(session);
    paths->second.erase(paths->second.find(path));
    if (paths->second.empty()) pending.erase(paths);
  }
}

void Overlay::commit(Zxid zxid) {
  for (const Touched& touched : touched_) {
    ++touched.record->transactions;
    proposed_.emplace_back(zxid, touched.record);
  }
  touched_.clear();
  quota_changes_.clear();
}

void Overlay::rollback() {
  for (auto touched = touched_.rbegin(); touched != touched_.rend(); ++touched) {
    if (touched->made)
      forget(touched->record);
    else
      touched->record->state = std::move(touched->before);
  }
  touched_.clear();
  for (auto change = quota_changes_.rbegin(); change != quota_changes_.rend(); ++change) {
    if (change->second)
      quotas_.on_deleted(change->first);
    else
      quotas_.on_created(change->first);
  }
  quota_changes_.clear();
}

void Overlay::drop_through(Zxid zxid) {
  while (!proposed_.empty() && proposed_.front().first <= zxid) {
    Record* record = proposed_.front().second;
    proposed_.pop_front();
    if (--record->transactions == 0) forget(record);
  }
  calls_.drop_through(zxid);
  absl::erase_if(sessions_, [&](const auto& change) { return change.second.zxid <= zxid; });
}

void Overlay::forget(Record* record) {
  drop(pending_ephemerals_, record->owners, record->path);
  drop(pending_locks_, record->lockers, record->path);
  records_.erase(records_.find(record->path));
}

std::optional<SessionState> Overlay::session(SessionId id) const {
  if (const auto it = sessions_.find(id); it != sessions_.end()) {
    const SessionChange& change = it->second;
    if (!change.open) return std::nullopt;
    return SessionState{change.owner, change.password};
  }
  const SessionRecord* record = core_.sessions.find(id);
  if (record == nullptr) return std::nullopt;
  return SessionState{record->owner, record->password};
}

void Overlay::open_session(SessionId id, BytesView password, ReplicaId owner, Zxid zxid) {
  sessions_[id] = {.zxid = zxid, .open = true, .owner = owner, .password = Bytes(password)};
}

void Overlay::move_session(SessionId id, ReplicaId owner, Zxid zxid) {
  const auto before = session(id);
  CONCLAVE_ASSERT(before.has_value());
  open_session(id, Bytes(before->password), owner, zxid);  // a copy: it may be a view of what is replaced
}

void Overlay::close_session(SessionId id, Zxid zxid) {
  sessions_[id] = {.zxid = zxid};
  calls_.forget(id, zxid);
}

std::vector<std::string> Overlay::ephemerals_of(SessionId id) const {
  std::vector<std::string> candidates;
  if (const SessionRecord* record = core_.sessions.find(id); record != nullptr)
    candidates.assign(record->ephemerals.begin(), record->ephemerals.end());
  if (const auto pending = pending_ephemerals_.find(id); pending != pending_ephemerals_.end()) {
    candidates.insert(candidates.end(), pending->second.begin(), pending->second.end());
    std::ranges::sort(candidates);
    candidates.erase(std::unique(candidates.begin(), candidates.end()), candidates.end());
  }
  std::erase_if(candidates, [&](const std::string& path) {
    const auto record = records_.find(path);
    if (record == records_.end()) return false;
    const NodeState& state = record->second->state;
    return !state.exists || state.kind != NodeKind::ephemeral || state.owner != id;
  });
  return candidates;
}

std::vector<Overlay::HeldLock> Overlay::locks_of(SessionId id) const {
  absl::btree_set<std::string> candidates;
  for (LockClaim& claim : core_.locks.held_by(id)) candidates.insert(std::move(claim.path));
  if (const auto pending = pending_locks_.find(id); pending != pending_locks_.end()) {
    candidates.insert(pending->second.begin(), pending->second.end());
  }
  std::vector<HeldLock> held;
  for (const std::string& path : candidates) {
    NodeState scratch;
    const NodeState* node = find(path, &scratch);
    if (node == nullptr || node->lock == nullptr) continue;
    for (const LockPlace& place : node->lock->places()) {
      if (place.holder.session == id && !place.lost) held.push_back({path, place});
    }
  }
  return held;
}

void Overlay::note_created(std::string_view path) {
  if (!with_quotas_ || !quota_limit_subtree(path)) return;
  quotas_.on_created(path);
  quota_changes_.emplace_back(path, true);
}

void Overlay::note_deleted(std::string_view path) {
  if (!with_quotas_ || !quota_limit_subtree(path)) return;
  quotas_.on_deleted(path);
  quota_changes_.emplace_back(path, false);
}

Overlay::Counts Overlay::count_subtree(std::string_view subtree) const {
  Counts counts;
  const Node* top = core_.tree.find(subtree);
  for (const Node* node = top; node != nullptr; node = Tree::next_in_order(node, top)) {
    if (records_.contains(Tree::path_of(node))) continue;
    ++counts.nodes;
    counts.bytes += static_cast<int64_t>(node->data_size);
  }
  ++visit_;
  const auto add = [&](const Record& record) {
    if (record.visit == visit_ || !within(record.path, subtree)) return;
    record.visit = visit_;
    if (!record.state.exists) return;
    ++counts.nodes;
    counts.bytes += static_cast<int64_t>(record.state.data_size);
  };
  for (const auto& [zxid, record] : proposed_) add(*record);
  for (const Touched& touched : touched_) add(*touched.record);
  return counts;
}

}  // namespace conclave::state
