#include "state/service/planner.h"

#include <fmt/format.h>
#include <limits>

#include "base/log.h"
#include "base/plant.h"
#include "state/service/acl_rules.h"
#include "state/service/service_impl.h"
#include "state/tree/path.h"

namespace conclave::state {
namespace {

// 40 bits of milliseconds: what ZooKeeper's encoding of a TTL in ephemeralOwner holds (EphemeralType).
constexpr int64_t kTtlMsMax = 0xFF'FFFF'FFFF;
// Ten digits stay ten digits, and recipes that read the suffix as a 32-bit number stay right.
constexpr int64_t kSequenceMax = std::numeric_limits<int32_t>::max();
constexpr size_t kPasswordBytes = 16;
constexpr int64_t kLockDelayMsMax = 60'000;                                    // CH-39
constexpr int64_t kSessionTimeoutMsMax = std::numeric_limits<int32_t>::max();  // as long as a client can be told

std::unexpected<Code> refuse(Code code) {
  return std::unexpected(code);
}

bool has_parent_form(std::string_view path) {
  return path.find('/') != std::string_view::npos && path.find('\0') == std::string_view::npos;
}

// Java's int arithmetic: wraps.
int32_t next_version(int32_t version) {
  return static_cast<int32_t>(static_cast<uint32_t>(version) + 1);
}

bool version_matches(int32_t expected, int32_t actual) {
  if (next_version(expected) == actual && CONCLAVE_PLANT(stale_version_accepted)) return true;
  return expected == kAnyVersion || expected == actual;
}

// A handle is that of one node, not of whatever has its name later (CH-31).
bool is_instance(const NodeState& node, Zxid instance) {
  return instance == Zxid() || instance == node.czxid;
}

}  // namespace

Code Planner::check_session() const {
  // The cell itself asks under no session, and so do sessions that only their replica knows.
  if (request_.session == SessionId()) return Code::ok;
  return overlay_.session(request_.session) ? Code::ok : Code::session_expired;
}

bool Planner::permitted(const NodeState& node, Permission permission) const {
  return settings_.skip_acl || acl_permits(*node.acl, permission, request_.identities, overlay_);
}

std::expected<const NodeState*, Code> Planner::need(std::string_view path, Permission permission,
                                                    NodeState* scratch) const {
  const NodeState* node = overlay_.find(path, scratch);
  if (node == nullptr) return refuse(Code::no_node);
  if (!permitted(*node, permission)) return refuse(Code::no_auth);
  return node;
}

bool Planner::path_allowed(std::string_view path) const {
  return valid_path(path) && path.size() <= settings_.path_bytes_max && path_depth(path) <= settings_.path_depth_max;
}

std::expected<FactBody, Code> Planner::plan(const CreateRequest& op) {
  if (op.kind == NodeKind::ttl && !settings_.extended_types) return refuse(Code::unimplemented);
  const bool ttl_fits = op.kind == NodeKind::ttl ? op.ttl_ms > 0 && op.ttl_ms <= kTtlMsMax : op.ttl_ms <= 0;
  if (!ttl_fits) return refuse(Code::bad_arguments);
  if (const Code code = check_session(); code != Code::ok) return refuse(code);
  if (op.kind == NodeKind::ephemeral && request_.session == SessionId())
    return refuse(Code::ephemeral_on_local_session);
  if (!has_parent_form(op.path)) return refuse(Code::bad_arguments);
  auto acl = op.inherit_acl ? Acl() : fix_up_acl(op.acl, request_.identities);
  if (!acl) return refuse(acl.error());
  const std::string_view parent_at = parent_path(op.path);
  NodeState scratch;
  const auto parent = need(parent_at, kCreate, &scratch);
  if (!parent) return refuse(parent.error());
  if (op.inherit_acl) acl = *(*parent)->acl;

  std::string path = op.path;
  if (op.sequential) {
    if ((*parent)->creates > kSequenceMax) {
      log::warning("state", "a parent has no sequence numbers left", {{"path", parent_at}});
      return refuse(Code::system_error);
    }
    path += fmt::format("{:010}", (*parent)->creates);
  }
  if (!path_allowed(path)) return refuse(Code::bad_arguments);
  NodeState child_scratch;
  if (overlay_.find(path, &child_scratch) != nullptr) return refuse(Code::node_exists);
  if (!may_have_children((*parent)->kind)) return refuse(Code::no_children_for_ephemerals);
  const auto bytes = static_cast<int64_t>(op.data.size());
  if (const Code code = check_quota(path, bytes, 1); code != Code::ok) return refuse(code);

  NodeState& changed_parent = overlay_.edit(parent_at);
  ++changed_parent.children;
  ++changed_parent.creates;
  CreateTxn fact{.path = path,
                 .data = op.data,
                 .acl = *acl,
                 .kind = op.kind,
                 .parent_cversion = Node::shown_cversion(changed_parent.creates, changed_parent.children),
                 .parent_sequence = changed_parent.creates,
                 .data_is_null = op.data_is_null};
  if (op.kind == NodeKind::ephemeral) fact.owner = request_.session;
  if (op.kind == NodeKind::ttl) fact.ttl_ms = op.ttl_ms;
  NodeState& node = overlay_.edit(path);
  node = {.exists = true,
          .kind = op.kind,
          .owner = fact.owner,
          .ttl_ms = fact.ttl_ms,
          .mtime_ms = time_ms_,
          .czxid = zxid_,
          .mzxid = zxid_,
          .data_size = op.data.size(),
          .acl = std::make_shared<const Acl>(std::move(*acl))};
  if (op.kind == NodeKind::ephemeral) overlay_.note_ephemeral(fact.owner, path);
  if (overlay_.keeps_data(path)) node.data = std::make_shared<const Bytes>(op.data);
  if (settings_.enforce_quota) {
    overlay_.note_created(path);
    if (const auto subtree = quota_stat_subtree(path)) start_figures(*subtree);
    charge_quota(path, bytes, 1);
  }
  return fact;
}

DeleteTxn Planner::remove(std::string_view path) {
  NodeState& parent = overlay_.edit(parent_path(path));
  --parent.children;
  NodeState& node = overlay_.edit(path);
  const auto bytes = static_cast<int64_t>(node.data_size);
  node = {};
  if (settings_.enforce_quota) {
    overlay_.note_deleted(path);
    charge_quota(path, -bytes, -1);
  }
  return {std::string(path), Node::shown_cversion(parent.creates, parent.children)};
}

std::expected<FactBody, Code> Planner::plan(const DeleteRequest& op) {
  if (const Code code = check_session(); code != Code::ok) return refuse(code);
  if (!has_parent_form(op.path) || is_special_path(op.path)) return refuse(Code::bad_arguments);
  NodeState scratch;
  if (const auto parent = need(parent_path(op.path), kDelete, &scratch); !parent) return refuse(parent.error());
  const NodeState* node = overlay_.find(op.path, &scratch);
  if (node == nullptr) return refuse(Code::no_node);
  if (!version_matches(op.version, node->version)) return refuse(Code::bad_version);
  if (node->children > 0) return refuse(Code::not_empty);
  return remove(op.path);
}

std::expected<FactBody, Code> Planner::plan(const SetDataRequest& op) {
  // The cell's own writes of the configuration carry no version, as ZooKeeper's reconfiguration.
  return set_data(op, request_.session == SessionId() && op.path == kConfigPath);
}

std::expected<FactBody, Code> Planner::plan(const ReconfigRequest& op) {
  return set_data({.path = std::string(kConfigPath), .data = op.config}, true);
}

std::expected<FactBody, Code> Planner::set_data(const SetDataRequest& op, bool is_configuration) {
  if (const Code code = check_session(); code != Code::ok) return refuse(code);
  if (!valid_path(op.path)) return refuse(Code::bad_arguments);
  NodeState scratch;
  const auto node = need(op.path, kWrite, &scratch);
  if (!node) return refuse(node.error());
  const int64_t grown = static_cast<int64_t>(op.data.size()) - static_cast<int64_t>((*node)->data_size);
  if (const Code code = check_quota(op.path, grown, 0); code != Code::ok) return refuse(code);
  if (!version_matches(op.version, (*node)->version)) return refuse(Code::bad_version);

  NodeState& changed = overlay_.edit(op.path);
  changed.version = is_configuration ? -1 : next_version(changed.version);
  changed.mtime_ms = time_ms_;
  changed.mzxid = zxid_;
  changed.data_size = op.data.size();
  const int32_t version = changed.version;
  if (overlay_.keeps_data(op.path)) changed.data = std::make_shared<const Bytes>(op.data);
  if (settings_.enforce_quota) charge_quota(op.path, grown, 0);
  return SetDataTxn{op.path, op.data, version, op.data_is_null};
}

std::expected<FactBody, Code> Planner::plan(const SetAclRequest& op) {
  if (const Code code = check_session(); code != Code::ok) return refuse(code);
  if (!valid_path(op.path)) return refuse(Code::bad_arguments);
  auto acl = fix_up_acl(op.acl, request_.identities);
  if (!acl) return refuse(acl.error());
  NodeState scratch;
  const auto node = need(op.path, kAdmin, &scratch);
  if (!node) return refuse(node.error());
  if (!version_matches(op.version, (*node)->aversion)) return refuse(Code::bad_version);

  NodeState& changed = overlay_.edit(op.path);
  changed.aversion = next_version(changed.aversion);
  changed.acl = std::make_shared<const Acl>(*acl);
  return SetAclTxn{op.path, std::move(*acl), changed.aversion};
}

std::expected<FactBody, Code> Planner::plan(const CheckRequest& op) {
  if (const Code code = check_session(); code != Code::ok) return refuse(code);
  if (!valid_path(op.path)) return refuse(Code::bad_arguments);
  NodeState scratch;
  const auto node = need(op.path, kRead, &scratch);
  if (!node) return refuse(node.error());
  if (!version_matches(op.version, (*node)->version)) return refuse(Code::bad_version);
  return CheckTxn{op.path};
}

std::expected<FactBody, Code> Planner::plan(const CreateSessionRequest& op) {
  if (op.id == SessionId() || op.password.size() != kPasswordBytes || op.timeout_ms <= 0 ||
      op.timeout_ms > kSessionTimeoutMsMax)
    return refuse(Code::bad_arguments);
  // An open id is another session's.
  if (overlay_.session(op.id)) return refuse(Code::bad_arguments);
  overlay_.open_session(op.id, op.password, origin_, zxid_);
  return CreateSessionTxn{op.id, op.password, op.timeout_ms, origin_, op.caching};
}

std::expected<FactBody, Code> Planner::plan(const CloseSessionRequest& op) {
  if (!overlay_.session(request_.session)) return refuse(Code::session_expired);
  CloseSessionTxn fact{request_.session, {}, {}};
  for (const std::string& path : overlay_.ephemerals_of(request_.session)) fact.ephemerals.push_back(remove(path));
  for (const auto& [path, place] : overlay_.locks_of(request_.session)) {
    const bool lost = op.expired && place.delay_ms > 0;
    Lock lock = *overlay_.edit(path).lock;
    lost ? lock.lose(place.holder) : lock.release(place.holder);
    overlay_.edit(path).lock = std::make_shared<const Lock>(std::move(lock));
    fact.locks.push_back({.path = path, .handle = place.holder.handle, .lost = lost});
  }
  overlay_.close_session(request_.session, zxid_);
  return fact;
}

std::expected<FactBody, Code> Planner::plan(const AcquireLockRequest& op) {
  if (const Code code = check_session(); code != Code::ok) return refuse(code);
  if (request_.session == SessionId() || !valid_path(op.path)) return refuse(Code::bad_arguments);
  if (op.delay_ms < 0 || op.delay_ms > kLockDelayMsMax) return refuse(Code::bad_arguments);
  NodeState scratch;
  const auto node = need(op.path, kWrite, &scratch);
  if (!node) return refuse(node.error());
  if (!is_instance(**node, op.instance)) return refuse(Code::no_node);
  Lock lock = (*node)->lock != nullptr ? *(*node)->lock : Lock();
  const LockHolder holder{request_.session, op.handle};
  const LockMode mode = op.exclusive ? LockMode::exclusive : LockMode::shared;
  switch (lock.may_acquire(holder, mode)) {
    case LockVerdict::granted:
      break;
    case LockVerdict::held_already:
      return refuse(Code::ok);
    case LockVerdict::other_mode:
      return refuse(Code::bad_arguments);
    case LockVerdict::conflict:
      return refuse(Code::lock_held);
    case LockVerdict::delayed:
      return refuse(Code::lock_delayed);
  }
  lock.acquire(holder, mode, op.delay_ms, zxid_);
  overlay_.edit(op.path).lock = std::make_shared<const Lock>(std::move(lock));
  overlay_.note_lock(request_.session, op.path);
  return AcquireLockTxn{op.path, request_.session, op.handle, op.exclusive, op.delay_ms};
}

std::expected<FactBody, Code> Planner::plan(const ReleaseLockRequest& op) {
  if (const Code code = check_session(); code != Code::ok) return refuse(code);
  if (!valid_path(op.path)) return refuse(Code::bad_arguments);
  NodeState scratch;
  const NodeState* node = overlay_.find(op.path, &scratch);
  if (node == nullptr || !is_instance(*node, op.instance)) return refuse(Code::no_node);
  return release(op.path, *node, {request_.session, op.handle}, /*lost=*/false);
}

std::expected<FactBody, Code> Planner::plan(const EndLockDelayRequest& op) {
  if (request_.session != SessionId()) return refuse(Code::unimplemented);
  if (!valid_path(op.path)) return refuse(Code::bad_arguments);
  NodeState scratch;
  const NodeState* node = overlay_.find(op.path, &scratch);
  if (node == nullptr) return refuse(Code::no_node);
  return release(op.path, *node, {op.session, op.handle}, /*lost=*/true);
}

std::expected<FactBody, Code> Planner::release(const std::string& path, const NodeState& node, LockHolder holder,
                                               bool lost) {
  const LockPlace* place = node.lock != nullptr ? node.lock->place_of(holder) : nullptr;
  if (place == nullptr || place->lost != lost) return refuse(Code::lock_not_held);
  Lock lock = *node.lock;
  lock.release(holder);
  overlay_.edit(path).lock = std::make_shared<const Lock>(std::move(lock));
  return ReleaseLockTxn{path, holder.session, holder.handle};
}

std::expected<FactBody, Code> Planner::plan(const ReapRequest& op) {
  if (request_.session != SessionId()) return refuse(Code::unimplemented);
  if (!has_parent_form(op.path) || is_special_path(op.path)) return refuse(Code::bad_arguments);
  NodeState scratch;
  const NodeState* node = overlay_.find(op.path, &scratch);
  if (node == nullptr) return refuse(Code::no_node);
  if (node->children > 0) return refuse(Code::not_empty);
  // It was due when the master looked; a request since may have used or replaced it.
  const ReapCandidate candidate{.lifetime = static_cast<Lifetime>(node->kind),
                                .children = node->children,
                                .creates = node->creates,
                                .mtime_ms = node->mtime_ms,
                                .ttl_ms = node->ttl_ms};
  if (!is_reapable(candidate, time_ms_)) return refuse(Code::bad_version);
  return remove(op.path);
}

std::expected<FactBody, Code> Planner::plan(const ReapUnopenedRequest& op) {
  if (request_.session != SessionId()) return refuse(Code::unimplemented);
  if (op.epoch != zxid_.epoch()) return refuse(Code::bad_version);
  NodeState scratch;
  const NodeState* node = overlay_.find(op.path, &scratch);
  if (node == nullptr || node->czxid != op.instance) return refuse(Code::instance_gone);
  if (!lives_while_open(node->kind)) return refuse(Code::bad_arguments);
  if (node->children > 0) return refuse(Code::not_empty);
  return remove(op.path);
}

std::expected<FactBody, Code> Planner::plan(const EpochStartRequest& op) {
  if (!op.secret.empty() && op.secret.size() != kCellSecretBytes) return refuse(Code::bad_arguments);
  return EpochStartTxn{overlay_.has_secret() ? Bytes() : op.secret};
}

Code Planner::check_quota(std::string_view path, int64_t bytes, int64_t nodes) const {
  if (!settings_.enforce_quota) return Code::ok;
  const auto subtree = overlay_.quotas().covering(path);
  if (!subtree) return Code::ok;
  NodeState limit_scratch;
  NodeState stat_scratch;
  const NodeState* limit = overlay_.find(quota_limit_path(*subtree), &limit_scratch);
  const NodeState* stat = overlay_.find(quota_stat_path(*subtree), &stat_scratch);
  if (limit == nullptr || stat == nullptr) return Code::ok;  // a quota half made limits nothing
  const QuotaVerdict verdict =
      judge_quota(*subtree, QuotaFigures(*limit->data), QuotaFigures(*stat->data), bytes, nodes);
  if (verdict.refused) return Code::quota_exceeded;
  if (!verdict.explanation.empty())
    log::warning("state", "a quota is passed", {{"subtree", *subtree}, {"why", verdict.explanation}});
  return Code::ok;
}

void Planner::charge_quota(std::string_view path, int64_t bytes, int64_t nodes) {
  const auto subtree = overlay_.quotas().covering(path);
  if (!subtree) return;
  const std::string stat_path = quota_stat_path(*subtree);
  NodeState scratch;
  const NodeState* stat = overlay_.find(stat_path, &scratch);
  if (stat == nullptr) return;
  QuotaFigures figures(*stat->data);
  figures.add(nodes, bytes);
  NodeState& changed = overlay_.edit(stat_path);
  changed.data = std::make_shared<const Bytes>(figures.text());
  changed.data_size = changed.data->size();
}

void Planner::start_figures(std::string_view subtree) {
  const Overlay::Counts counts = overlay_.count_subtree(subtree);
  QuotaFigures figures;
  figures.set_count(counts.nodes);
  figures.set_bytes(counts.bytes);
  NodeState& stat = overlay_.edit(quota_stat_path(subtree));
  stat.data = std::make_shared<const Bytes>(figures.text());
  stat.data_size = stat.data->size();
}

}  // namespace conclave::state
