#include "state/service/snapshot_loader.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

#include "base/assert.h"
#include "state/tree/node_digest.h"
#include "state/tree/path.h"

namespace conclave::state {

using snapshot::Record;

SnapshotLoader::SnapshotLoader(Core* core) : core_(core) {
  core_->reset_bare();
}

SnapshotLoader::~SnapshotLoader() {
  if (!finished_ && failure_.empty()) core_->reset();
}

std::unexpected<Error> SnapshotLoader::reject(std::string message) {
  core_->reset();
  rest_.clear();
  failure_ = "snapshot: " + std::move(message);
  return fail(ErrorKind::corrupt, failure_);
}

Result<> SnapshotLoader::feed(BytesView chunk) {
  if (!failure_.empty()) return fail(ErrorKind::corrupt, failure_);
  if (rest_.empty()) {
    if (auto result = consume(&chunk); !result) return result;
    rest_ = chunk;
    return {};
  }
  rest_.append(chunk);
  BytesView in = rest_;
  if (auto result = consume(&in); !result) return result;
  rest_.erase(0, rest_.size() - in.size());
  return {};
}

Result<> SnapshotLoader::consume(BytesView* in) {
  if (!magic_seen_) {
    if (in->size() < snapshot::kMagic.size()) return {};
    if (!in->starts_with(snapshot::kMagic)) return reject("it does not begin with CVSTATE1");
    in->remove_prefix(snapshot::kMagic.size());
    magic_seen_ = true;
  }
  while (!in->empty()) {
    if (ended_) return reject("bytes follow its end");
    Decoder decoder(*in);
    const uint8_t type = decoder.u8();
    const uint64_t size = decoder.varint();
    if (!decoder.ok()) {
      if (in->size() >= 11) return reject("a record has a malformed length");
      return {};
    }
    if (size > snapshot::kRecordBytesMax) return reject(fmt::format("a record claims {} bytes", size));
    if (decoder.rest().size() < size) return {};
    const BytesView body = decoder.raw(size);
    *in = decoder.rest();
    if (auto result = take(static_cast<Record>(type), body); !result) return result;
  }
  return {};
}

Result<> SnapshotLoader::take(Record type, BytesView body) {
  if (!header_seen_ && type != Record::header) return reject("it does not begin with a header");
  if (place_of(type) < place_of(last_))
    return reject(fmt::format("record type {} after type {}", static_cast<int>(type), static_cast<int>(last_)));
  last_ = type;
  Decoder in(body);
  Result<> result;
  switch (type) {
    case Record::header:
      result = take_header(in);
      break;
    case Record::acl:
      result = take_acl(in);
      break;
    case Record::session:
      result = take_session(in);
      break;
    case Record::node:
      result = take_node(in);
      break;
    case Record::lock:
      result = take_lock(in);
      break;
    case Record::calls:
      result = take_calls(in);
      break;
    case Record::secret:
      result = take_secret(in);
      break;
    case Record::membership:
      result = take_membership(in);
      break;
    case Record::end:
      result = take_end(in);
      break;
    default:
      return reject(fmt::format("unknown record type {}", static_cast<int>(type)));
  }
  return result;
}

Result<> SnapshotLoader::take_header(Decoder& in) {
  if (header_seen_) return reject("a second header");
  header_seen_ = true;
  zxid_ = Zxid(in.fixed<uint64_t>());
  time_ms_ = in.zigzag();
  nodes_expected_ = in.varint();
  sessions_expected_ = in.varint();
  acls_expected_ = in.varint();
  digest_expected_ = in.fixed<uint64_t>();
  if (!in.done()) return reject("malformed header");
  return {};
}

Result<> SnapshotLoader::take_acl(Decoder& in) {
  const uint64_t id = in.varint();
  Acl acl(in.count(3));
  for (AclEntry& entry : acl) {
    const uint64_t permissions = in.varint();
    if (permissions > std::numeric_limits<uint32_t>::max()) in.fault();
    entry.permissions = static_cast<uint32_t>(permissions);
    entry.scheme = in.string();
    entry.id = in.string();
  }
  if (!in.done()) return reject(fmt::format("malformed ACL {}", id));
  const uint32_t here = core_->acls.acquire(acl);
  if (!acl_ids_.emplace(id, here).second) return reject(fmt::format("ACL {} twice", id));
  acls_held_.push_back(here);
  return {};
}

Result<> SnapshotLoader::take_session(Decoder& in) {
  const SessionId id(in.fixed<int64_t>());
  const int64_t timeout_ms = in.zigzag();
  const BytesView password = in.bytes();
  const ReplicaId owner(in.u8());
  const bool caching = in.ok() && !in.rest().empty();
  if (caching && in.u8() != 1) in.fault();
  if (!in.done()) return reject(fmt::format("malformed session {:#x}", id.value));
  if (core_->sessions.find(id) != nullptr) return reject(fmt::format("session {:#x} twice", id.value));
  core_->sessions.open(id, timeout_ms, password, owner, caching);
  return {};
}

Result<> SnapshotLoader::take_node(Decoder& in) {
  const uint64_t shared = in.varint();
  const BytesView suffix = in.bytes();
  if (!in.ok() || shared > last_path_.size()) return reject(fmt::format("malformed path after {}", last_path_));
  std::string path = last_path_.substr(0, shared).append(suffix);
  const bool is_root = path == kRootPath;
  if (path.empty() || path.front() != '/') return reject(fmt::format("'{}' is no path", path));
  if (is_root != (nodes_seen_ == 0)) return reject(fmt::format("node {}: the root must come first and once", path));

  Node* node = core_->tree.root();
  if (!is_root) {
    Node* parent = core_->tree.find(parent_path(path));
    if (parent == nullptr) return reject(fmt::format("node {} comes before its parent", path));
    if (name_of(path).empty()) return reject(fmt::format("node {} has no name", path));
    if (core_->tree.find_child(parent, name_of(path)) != nullptr) return reject(fmt::format("node {} twice", path));
    node = core_->tree.insert(parent, name_of(path));
  }
  const uint8_t kind = in.u8();
  const bool null = (kind & snapshot::kNullData) != 0;
  const uint8_t high = (kind & snapshot::kHighKinds) != 0 ? snapshot::kLowKinds + 1 : 0;
  const auto lifetime = static_cast<Lifetime>((kind & snapshot::kLowKinds) + high);
  const uint64_t acl = in.varint();
  node->czxid = Zxid(in.fixed<uint64_t>());
  node->mzxid = Zxid(in.fixed<uint64_t>());
  node->pzxid = Zxid(in.fixed<uint64_t>());
  node->ctime_ms = in.zigzag();
  node->mtime_ms = in.zigzag();
  node->owner = in.zigzag();
  node->creates = static_cast<int64_t>(in.varint());
  const int64_t version = in.zigzag();
  const int64_t aversion = in.zigzag();
  const BytesView data = in.bytes();
  node->version = static_cast<int32_t>(version);
  node->aversion = static_cast<int32_t>(aversion);
  if (!in.done() || node->version != version || node->aversion != aversion || node->creates < 0)
    return reject(fmt::format("node {} is malformed", path));
  if (null && !data.empty()) return reject(fmt::format("node {} has null data of {} bytes", path, data.size()));
  if (kind > (snapshot::kHighKinds | snapshot::kNullData | snapshot::kLowKinds))
    return reject(fmt::format("node {} has the unknown kind {}", path, kind));
  node->set_lifetime(lifetime);
  const auto acl_here = acl_ids_.find(acl);
  if (acl_here == acl_ids_.end()) return reject(fmt::format("node {} has the unknown ACL {}", path, acl));
  if (node->lifetime() == Lifetime::ephemeral && core_->sessions.find(SessionId(node->owner)) == nullptr)
    return reject(fmt::format("node {} belongs to session {:#x}, which is not open", path, node->owner));
  node->acl = acl_here->second;
  core_->acls.add_use(node->acl);
  core_->tree.set_data(node, data, null);
  core_->list(*node, path);
  ++nodes_seen_;
  last_path_ = std::move(path);
  return {};
}

Result<> SnapshotLoader::take_lock(Decoder& in) {
  const std::string path = in.string();
  if (!in.ok()) return reject("malformed lock");
  auto lock = decode_lock(in.rest());
  if (!lock) return reject(fmt::format("of {}: {}", path, lock.error().message));
  if (core_->tree.find(path) == nullptr || path.empty())
    return reject(fmt::format("lock of {}, which is no node", path));
  if (core_->locks.find(path) != nullptr) return reject(fmt::format("lock of {} twice", path));
  for (const LockPlace& place : lock->places()) {
    if (!place.lost && core_->sessions.find(place.holder.session) == nullptr)
      return reject(
          fmt::format("lock of {} is held by session {:#x}, which is not open", path, place.holder.session.value));
  }
  core_->locks.restore(path, std::move(*lock));
  return {};
}

Result<> SnapshotLoader::take_calls(Decoder& in) {
  const SessionId id(in.fixed<int64_t>());
  CallMarks marks;
  marks.highest = in.varint();
  marks.answered_below = in.varint();
  const size_t count = in.count(11);
  const auto malformed = [&] { return reject(fmt::format("the calls of session {:#x} are malformed", id.value)); };
  if (!in.ok() || marks.highest == 0 || marks.answered_below > marks.highest) return malformed();
  if (core_->sessions.find(id) == nullptr)
    return reject(fmt::format("calls of session {:#x}, which is not open", id.value));
  if (core_->calls.find(id) != nullptr) return reject(fmt::format("calls of session {:#x} twice", id.value));
  core_->calls.restore(id, marks);
  uint64_t least = std::max<uint64_t>(1, marks.answered_below);  // of the numbers that may come next
  for (size_t i = 0; i < count; ++i) {
    const uint64_t number = in.varint();
    const Zxid zxid(in.fixed<uint64_t>());
    auto outcome = decode_outcome(in.bytes());
    if (!in.ok() || !outcome || number < least || number > marks.highest) return malformed();
    core_->calls.restore_reply(id, number, {zxid, std::move(*outcome)});
    least = number + 1;
  }
  // What was done last is always kept: whoever did it cannot have said in it that he has its reply.
  if (!in.done() || core_->calls.reply(id, marks.highest) == nullptr) return malformed();
  return {};
}

Result<> SnapshotLoader::take_secret(Decoder& in) {
  if (!core_->secret.empty()) return reject("a second secret");
  core_->secret = in.string();
  if (!in.done() || core_->secret.size() != kCellSecretBytes) return reject("malformed secret");
  return {};
}

Result<> SnapshotLoader::take_membership(Decoder& in) {
  if (!core_->membership.empty()) return reject("a second membership");
  core_->membership = in.string();
  if (!in.done() || core_->membership.empty()) return reject("malformed membership");
  return {};
}

Result<> SnapshotLoader::take_end(Decoder& in) {
  const uint64_t nodes = in.varint();
  if (!in.done() || nodes != nodes_seen_ || nodes != nodes_expected_)
    return reject(fmt::format("{} nodes of {}", nodes_seen_, nodes_expected_));
  if (core_->sessions.size() != sessions_expected_)
    return reject(fmt::format("{} sessions of {}", core_->sessions.size(), sessions_expected_));
  if (acls_held_.size() != acls_expected_)
    return reject(fmt::format("{} ACLs of {}", acls_held_.size(), acls_expected_));
  ended_ = true;
  return {};
}

Result<> SnapshotLoader::finish() {
  if (!failure_.empty()) return fail(ErrorKind::corrupt, failure_);
  CONCLAVE_ASSERT(!finished_);
  if (!ended_) return reject(fmt::format("it stops after {} nodes, before its end", nodes_seen_));
  // Only now: the digest of a node covers how many children it has.
  for (const Node* node = core_->tree.root(); node != nullptr; node = Tree::next_in_order(node))
    core_->enter(*node, path_hash(Tree::path_of(node)));
  for (const uint32_t id : acls_held_) core_->acls.release(id);  // from here on only nodes hold them
  core_->last_zxid = zxid_;
  core_->last_time_ms = time_ms_;
  if (core_->digest() != digest_expected_)
    return reject(fmt::format("its digest is {:016x}, its contents give {:016x}", digest_expected_, core_->digest()));
  finished_ = true;
  return {};
}

}  // namespace conclave::state
