#include "state/service/service.h"

#include "base/assert.h"
#include "base/plant.h"
#include "state/service/acl_rules.h"
#include "state/service/applier.h"
#include "state/service/core.h"
#include "state/service/service_impl.h"
#include "state/service/snapshot_cursor.h"
#include "state/service/snapshot_loader.h"
#include "state/tree/path.h"

namespace conclave::state {

Service::Service() : impl_(std::make_unique<Impl>()) {}

Service::~Service() {
  if (impl_->core.cursor != nullptr) impl_->core.cursor->detach();
}

Applied Service::apply(const Transaction& txn) {
  Core& core = impl_->core;
  Applied applied{.zxid = txn.zxid, .session = txn.session, .origin = txn.origin};
  const bool next = txn.zxid.epoch() == core.last_zxid.epoch() &&
                    uint64_t{txn.zxid.counter()} == uint64_t{core.last_zxid.counter()} + 1;
  const bool first_of_higher = txn.zxid.epoch() > core.last_zxid.epoch() && txn.zxid.counter() == 1;
  if (!next && !first_of_higher && !CONCLAVE_PLANT(primary_order_ignored)) {  // S2
    applied.skipped = true;
    return applied;
  }
  Applier(core, txn, &applied).run();
  core.last_zxid = txn.zxid;
  core.last_time_ms = txn.time_ms;
  return applied;
}

Zxid Service::last_zxid() const {
  return impl_->core.last_zxid;
}
int64_t Service::last_time_ms() const {
  return impl_->core.last_time_ms;
}
BytesView Service::membership() const {
  return impl_->core.membership;
}

void Service::set_membership(BytesView payload) {
  impl_->core.membership = Bytes(payload);
}

BytesView Service::cell_secret() const {
  return impl_->core.secret;
}
uint64_t Service::digest() const {
  return impl_->core.digest();
}

bool Service::permitted(const Acl& acl, uint32_t permission, const Identities& who) const {
  return acl_permits(acl, permission, who, impl_->core);
}

std::expected<const Node*, Code> Service::Impl::readable(std::string_view path, uint32_t permissions,
                                                         const Identities& who) const {
  const Node* node = core.tree.find(path);
  if (node == nullptr) return std::unexpected(Code::no_node);
  if (!acl_permits(*core.acls.get(node->acl), permissions, who, core)) return std::unexpected(Code::no_auth);
  return node;
}

std::expected<NodeView, Code> Service::get(std::string_view path, const Identities& who) const {
  const auto node = impl_->readable(path, kRead, who);
  if (!node) return std::unexpected(node.error());
  return NodeView{(*node)->data(), impl_->core.stat_of(**node), (*node)->data_is_null(),
                  static_cast<NodeKind>((*node)->lifetime())};
}

std::expected<Stat, Code> Service::stat(std::string_view path, const Identities&) const {
  if (path.find('\0') != std::string_view::npos) return std::unexpected(Code::bad_arguments);
  const Node* node = impl_->core.tree.find(path);
  if (node == nullptr) return std::unexpected(Code::no_node);
  return impl_->core.stat_of(*node);
}

std::expected<std::vector<std::string_view>, Code> Service::children(std::string_view path,
                                                                     const Identities& who) const {
  const auto node = impl_->readable(path, kRead, who);
  if (!node) return std::unexpected(node.error());
  std::vector<std::string_view> names;
  names.reserve((*node)->child_count());
  if ((*node)->children)
    for (const Node* child : *(*node)->children) names.push_back(child->name());
  return names;
}

std::expected<Acl, Code> Service::acl(std::string_view path, const Identities& who) const {
  const auto node = impl_->readable(path, kRead | kAdmin, who);
  if (!node) return std::unexpected(node.error());
  const Acl& acl = *impl_->core.acls.get((*node)->acl);
  return permitted(acl, kAdmin, who) ? acl : without_secrets(acl);
}

std::expected<int32_t, Code> Service::count_descendants(std::string_view path, const Identities& who) const {
  const auto top = impl_->readable(path, kRead, who);
  if (!top) return std::unexpected(top.error());
  if (*top == impl_->core.tree.root()) return static_cast<int32_t>(impl_->core.tree.node_count() - 1);
  int32_t count = -1;  // the node itself
  for (const Node* node = *top; node != nullptr; node = Tree::next_in_order(node, *top)) ++count;
  return count;
}

const Lock* Service::lock(std::string_view path) const {
  return impl_->core.locks.find(path);
}
std::vector<LockClaim> Service::locks_held(SessionId id) const {
  return impl_->core.locks.held_by(id);
}
std::vector<LockClaim> Service::locks_lost() const {
  return impl_->core.locks.lost();
}
const LockTable::Map& Service::locks() const {
  return impl_->core.locks.all();
}
size_t Service::lock_count() const {
  return impl_->core.locks.size();
}

bool Service::exists(std::string_view path) const {
  return impl_->core.tree.find(path) != nullptr;
}

std::optional<SessionView> Service::session(SessionId id) const {
  const SessionRecord* record = impl_->core.sessions.find(id);
  if (record == nullptr) return std::nullopt;
  return SessionView{id, record->timeout_ms, record->password, record->owner, record->caching};
}

size_t Service::session_count() const {
  return impl_->core.sessions.size();
}

std::vector<SessionView> Service::sessions() const {
  std::vector<SessionView> out;
  out.reserve(impl_->core.sessions.size());
  for (const auto& [id, record] : impl_->core.sessions.all())
    out.push_back({id, record.timeout_ms, record.password, record.owner, record.caching});
  return out;
}

std::vector<std::string> Service::ephemerals(SessionId id) const {
  const SessionRecord* record = impl_->core.sessions.find(id);
  if (record == nullptr) return {};
  return {record->ephemerals.begin(), record->ephemerals.end()};
}

const CallReply* Service::call_reply(SessionId id, uint64_t number) const {
  return impl_->core.calls.reply(id, number);
}

std::vector<std::pair<std::string, Zxid>> Service::nodes_that_live_while_open() const {
  const Core& core = impl_->core;
  std::vector<std::pair<std::string, Zxid>> out;
  out.reserve(core.live_while_open.size());
  for (const std::string& path : core.live_while_open) out.emplace_back(path, core.tree.find(path)->czxid);
  return out;
}

std::vector<std::string> Service::due_for_reaping(int64_t now_ms) const {
  const Core& core = impl_->core;
  std::vector<std::string> due;
  for (const auto* paths : {&core.containers, &core.ttls})
    for (const std::string& path : *paths) {
      const Node* node = core.tree.find(path);
      if (is_reapable({.lifetime = node->lifetime(),
                       .children = node->child_count(),
                       .creates = node->creates,
                       .mtime_ms = node->mtime_ms,
                       .ttl_ms = node->owner},
                      now_ms))
        due.push_back(path);
    }
  return due;
}

bool is_reapable(const ReapCandidate& node, int64_t now_ms) {
  if (node.children > 0) return false;
  if (node.lifetime == Lifetime::container) return node.creates > 0;
  return node.lifetime == Lifetime::ttl && now_ms - node.mtime_ms > node.ttl_ms;
}

uint64_t Service::node_count() const {
  return impl_->core.tree.node_count();
}
uint64_t Service::ephemeral_count() const {
  return impl_->core.sessions.ephemeral_count();
}
uint64_t Service::approximate_data_bytes() const {
  return impl_->core.tree.data_bytes();
}

std::unique_ptr<SnapshotCursor> Service::begin_snapshot() {
  return std::make_unique<CopyOnUpdateCursor>(&impl_->core);
}
std::unique_ptr<Service::Loader> Service::begin_load() {
  return std::make_unique<SnapshotLoader>(&impl_->core);
}

}  // namespace conclave::state
