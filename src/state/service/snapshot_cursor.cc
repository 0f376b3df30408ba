#include "state/service/snapshot_cursor.h"

#include <algorithm>

#include "base/assert.h"
#include "state/service/snapshot_format.h"
#include "state/tree/tree.h"

namespace conclave::state {

using snapshot::Record;

void snapshot::put_record(Record type, BytesView body, Bytes* out) {
  Encoder encoder(out);
  encoder.u8(static_cast<uint8_t>(type));
  encoder.bytes(body);
}

CopyOnUpdateCursor::CopyOnUpdateCursor(Core* core)
    : core_(core),
      turn_(core->tree.root()),
      nodes_total_(core->tree.node_count()),
      zxid_(core->last_zxid),
      time_ms_(core->last_time_ms),
      digest_(core->digest()),
      acls_(core->acls.all()),
      locks_(core->locks.all()),
      calls_(core->calls.all()),
      secret_(core->secret),
      membership_(core->membership) {
  CONCLAVE_ASSERT(core->cursor == nullptr);
  // Generation 0 is that of nodes no snapshot has seen.
  core->snapshot_generation = std::max<uint32_t>(1, (core->snapshot_generation + 1) & kMarkMask);
  mark_ = core->snapshot_generation;
  core->cursor = this;
  for (const auto& [id, record] : core->sessions.all())
    sessions_.push_back({id, record.timeout_ms, record.password, record.owner, record.caching});
}

CopyOnUpdateCursor::~CopyOnUpdateCursor() {
  if (core_ != nullptr) core_->cursor = nullptr;
}

void CopyOnUpdateCursor::before_change(Node* node) {
  if (!due(node)) return;
  if (node->parent != nullptr) before_change(node->parent);
  emit(node);
}

void CopyOnUpdateCursor::before_erase(Node* node) {
  if (turn_ == node) turn_ = Tree::next_in_order(node);
}

void CopyOnUpdateCursor::emit_preamble() {
  pending_.append(snapshot::kMagic);
  Bytes body;
  Encoder out(&body);
  out.fixed(zxid_.value);
  out.zigzag(time_ms_);
  out.varint(nodes_total_);
  out.varint(sessions_.size());
  out.varint(acls_.size());
  out.fixed(digest_);
  put_record(Record::header, body, &pending_);
  for (const auto& [id, acl] : acls_) {
    body.clear();
    out.varint(id);
    out.varint(acl->size());
    for (const AclEntry& entry : *acl) {
      out.varint(entry.permissions);
      out.bytes(entry.scheme);
      out.bytes(entry.id);
    }
    put_record(Record::acl, body, &pending_);
  }
  for (const Session& session : sessions_) {
    body.clear();
    out.fixed(session.id.value);
    out.zigzag(session.timeout_ms);
    out.bytes(session.password);
    out.u8(session.owner.value);
    if (session.caching) out.boolean(true);
    put_record(Record::session, body, &pending_);
  }
  acls_ = {};
  sessions_ = {};
}

void CopyOnUpdateCursor::emit_locks() {
  Bytes body;
  Encoder out(&body);
  for (const auto& [path, lock] : locks_) {
    body.clear();
    out.bytes(path);
    encode(lock, &body);
    put_record(Record::lock, body, &pending_);
  }
  locks_ = {};
}

void CopyOnUpdateCursor::emit_calls() {
  Bytes body;
  Bytes outcome;
  Encoder out(&body);
  for (const auto& [session, calls] : calls_) {
    body.clear();
    out.fixed(session.value);
    out.varint(calls.marks.highest);
    out.varint(calls.marks.answered_below);
    out.varint(calls.replies.size());
    for (const auto& [number, entry] : calls.replies) {
      outcome.clear();
      encode(entry.reply->outcome, &outcome);
      out.varint(number);
      out.fixed(entry.reply->zxid.value);
      out.bytes(outcome);
    }
    put_record(Record::calls, body, &pending_);
  }
  calls_ = {};
}

void CopyOnUpdateCursor::emit_bytes(Record record, const Bytes& bytes) {
  if (bytes.empty()) return;
  Bytes body;
  Encoder(&body).bytes(bytes);
  put_record(record, body, &pending_);
}

void CopyOnUpdateCursor::emit(Node* node) {
  if (stage_ == Stage::preamble) {
    emit_preamble();
    stage_ = Stage::nodes;
  }
  node->snapshot_mark = mark_ & kMarkMask;
  ++nodes_emitted_;
  std::string path = Tree::path_of(node);
  const auto split = std::mismatch(path.begin(), path.end(), last_path_.begin(), last_path_.end());
  const auto shared = static_cast<size_t>(split.first - path.begin());
  Bytes body;
  body.reserve(96 + path.size() - shared + node->data_size);
  Encoder out(&body);
  out.varint(shared);
  out.bytes(std::string_view(path).substr(shared));
  const auto lifetime = static_cast<uint8_t>(node->lifetime());
  out.u8(static_cast<uint8_t>((lifetime & snapshot::kLowKinds) |
                              (lifetime > snapshot::kLowKinds ? snapshot::kHighKinds : 0) |
                              (node->data_is_null() ? snapshot::kNullData : 0)));
  out.varint(node->acl);
  out.fixed(node->czxid.value);
  out.fixed(node->mzxid.value);
  out.fixed(node->pzxid.value);
  out.zigzag(node->ctime_ms);
  out.zigzag(node->mtime_ms);
  out.zigzag(node->owner);
  out.varint(static_cast<uint64_t>(node->creates));
  out.zigzag(node->version);
  out.zigzag(node->aversion);
  out.bytes(node->data());
  put_record(Record::node, body, &pending_);
  last_path_ = std::move(path);
}

bool CopyOnUpdateCursor::next(size_t size_hint, Bytes* out) {
  CONCLAVE_ASSERT(core_ != nullptr);
  if (stage_ == Stage::preamble) {
    emit_preamble();
    stage_ = Stage::nodes;
  }
  while (stage_ == Stage::nodes && pending_.size() - fetched_ < size_hint) {
    if (turn_ == nullptr) {
      stage_ = Stage::end;
      break;
    }
    if (due(turn_)) emit(turn_);
    turn_ = Tree::next_in_order(turn_);
  }
  if (stage_ == Stage::end) {
    CONCLAVE_ASSERT(nodes_emitted_ == nodes_total_);
    emit_locks();
    emit_calls();
    emit_bytes(Record::secret, secret_);
    emit_bytes(Record::membership, membership_);
    Bytes body;
    Encoder(&body).varint(nodes_emitted_);
    put_record(Record::end, body, &pending_);
    stage_ = Stage::done;
  }
  const size_t take = std::min(std::max<size_t>(size_hint, 1), pending_.size() - fetched_);
  out->append(pending_, fetched_, take);
  fetched_ += take;
  if (fetched_ == pending_.size()) {
    pending_.clear();
    fetched_ = 0;
  }
  return stage_ != Stage::done || !pending_.empty();
}

}  // namespace conclave::state
