#include "state/service/core.h"

#include "base/assert.h"
#include "base/checksum.h"
#include "base/plant.h"
#include "state/service/snapshot_cursor.h"
#include "state/tree/node_digest.h"
#include "state/tree/path.h"

namespace conclave::state {

uint64_t Core::digest() const {
  const uint64_t secret_digest = secret.empty() ? 0 : xxh3_64(secret, /*seed=*/0x5EC4E7);
  const uint64_t words[] = {digest_sum + locks.digest(), sessions.digest() + calls.digest() + secret_digest,
                            last_zxid.value, static_cast<uint64_t>(last_time_ms)};
  return xxh3_64({reinterpret_cast<const char*>(words), sizeof(words)});
}

void Core::reset_bare() {
  CONCLAVE_ASSERT(cursor == nullptr);
  tree.clear();
  sessions.clear();
  locks.clear();
  calls.clear();
  acls.clear();
  quotas.clear();
  containers.clear();
  ttls.clear();
  live_while_open.clear();
  secret.clear();
  membership.clear();
  last_zxid = Zxid();
  last_time_ms = 0;
  digest_sum = 0;
}

void Core::reset() {
  reset_bare();
  tree.root()->acl = acls.acquire(open_acl());
  Node* zookeeper = tree.insert(tree.root(), name_of(kZooKeeperPath));
  zookeeper->acl = acls.acquire(open_acl());
  Node* config = tree.insert(zookeeper, name_of(kConfigPath));
  config->acl = acls.acquire(read_only_acl());
  config->aversion = -1;  // as ZooKeeper shows it (DataTree.addConfigNode)
  Node* quota = tree.insert(zookeeper, name_of(kQuotaPath));
  quota->acl = acls.acquire(open_acl());
  for (const Node* node = tree.root(); node != nullptr; node = Tree::next_in_order(node))
    enter(*node, path_hash(Tree::path_of(node)));
}

void Core::enter(const Node& node, uint64_t hash) {
  digest_sum += own_digest(node, hash, acls.hash(node.acl));
  enter_children(node, hash);
}
void Core::leave(const Node& node, uint64_t hash) {
  digest_sum -= own_digest(node, hash, acls.hash(node.acl));
  leave_children(node, hash);
}
void Core::enter_children(const Node& node, uint64_t hash) {
  digest_sum += children_digest(node, hash);
}
void Core::leave_children(const Node& node, uint64_t hash) {
  digest_sum -= children_digest(node, hash);
}

void Core::list(const Node& node, std::string_view path) {
  switch (node.lifetime()) {
    case Lifetime::persistent:
    case Lifetime::file:
    case Lifetime::directory:
      break;
    case Lifetime::open_file:
    case Lifetime::open_directory:
      live_while_open.emplace(path);
      break;
    case Lifetime::ephemeral:
      sessions.add_ephemeral(SessionId(node.owner), path);
      break;
    case Lifetime::container:
      containers.emplace(path);
      break;
    case Lifetime::ttl:
      ttls.emplace(path);
      break;
  }
  quotas.on_created(path);
}

void Core::unlist(const Node& node, std::string_view path) {
  switch (node.lifetime()) {
    case Lifetime::persistent:
    case Lifetime::file:
    case Lifetime::directory:
      break;
    case Lifetime::open_file:
    case Lifetime::open_directory:
      live_while_open.erase(live_while_open.find(path));
      break;
    case Lifetime::ephemeral:
      sessions.remove_ephemeral(SessionId(node.owner), path);
      break;
    case Lifetime::container:
      containers.erase(containers.find(path));
      break;
    case Lifetime::ttl:
      ttls.erase(ttls.find(path));
      break;
  }
  quotas.on_deleted(path);
  locks.forget(path);
}

void Core::before_change(Node* node) {
  if (cursor != nullptr && !CONCLAVE_PLANT(snapshot_not_frozen)) cursor->before_change(node);
}

void Core::overwrite_data(Node* node, std::string_view path, BytesView data) {
  before_change(node);
  const uint64_t hash = path_hash(path);
  leave(*node, hash);
  tree.set_data(node, data);
  enter(*node, hash);
}

BytesView Core::acl_file(std::string_view name) const {
  const Node* directory = tree.find(kAclDirectory);
  const Node* file = directory != nullptr ? tree.find_child(directory, name) : nullptr;
  return file != nullptr ? file->data() : BytesView();
}

int64_t shown_owner(const Node& node) {
  return node.lifetime() == Lifetime::ephemeral ? node.owner : 0;
}

Stat Core::stat_of(const Node& node) const {
  return {.czxid = node.czxid,
          .mzxid = node.mzxid,
          .ctime_ms = node.ctime_ms,
          .mtime_ms = node.mtime_ms,
          .version = node.version,
          .cversion = node.cversion(),
          .aversion = node.aversion,
          .ephemeral_owner = shown_owner(node),
          .data_length = static_cast<int32_t>(node.data_size),
          .num_children = static_cast<int32_t>(node.child_count()),
          .pzxid = node.pzxid};
}

}  // namespace conclave::state
