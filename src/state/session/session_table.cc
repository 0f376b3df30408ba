#include "state/session/session_table.h"

#include "base/assert.h"
#include "base/checksum.h"

namespace conclave::state {

uint64_t session_digest(SessionId id, const SessionRecord& record) {
  const uint64_t words[] = {static_cast<uint64_t>(id.value), static_cast<uint64_t>(record.timeout_ms),
                            record.owner.value};
  const uint64_t seed =
      xxh3_64({reinterpret_cast<const char*>(words), sizeof(words)}, /*seed=*/record.caching ? 0x5E5511 : 0x5E5510);
  return xxh3_64(record.password, seed);
}

void SessionTable::open(SessionId id, int64_t timeout_ms, BytesView password, ReplicaId owner, bool caching) {
  const auto [it, inserted] = sessions_.try_emplace(id);
  CONCLAVE_ASSERT(inserted);
  it->second.timeout_ms = timeout_ms;
  it->second.password = password;
  it->second.owner = owner;
  it->second.caching = caching;
  digest_ += session_digest(id, it->second);
}

void SessionTable::move(SessionId id, ReplicaId owner) {
  const auto it = sessions_.find(id);
  CONCLAVE_ASSERT(it != sessions_.end());
  digest_ -= session_digest(id, it->second);
  it->second.owner = owner;
  digest_ += session_digest(id, it->second);
}

void SessionTable::close(SessionId id) {
  const auto it = sessions_.find(id);
  CONCLAVE_ASSERT(it != sessions_.end());
  CONCLAVE_ASSERT(it->second.ephemerals.empty());
  digest_ -= session_digest(id, it->second);
  sessions_.erase(it);
}

const SessionRecord* SessionTable::find(SessionId id) const {
  const auto it = sessions_.find(id);
  return it == sessions_.end() ? nullptr : &it->second;
}

void SessionTable::add_ephemeral(SessionId id, std::string_view path) {
  const auto it = sessions_.find(id);
  CONCLAVE_ASSERT(it != sessions_.end());
  const bool inserted = it->second.ephemerals.emplace(path).second;
  CONCLAVE_ASSERT(inserted);
  ++ephemeral_count_;
}

void SessionTable::remove_ephemeral(SessionId id, std::string_view path) {
  const auto it = sessions_.find(id);
  CONCLAVE_ASSERT(it != sessions_.end());
  const auto found = it->second.ephemerals.find(path);
  CONCLAVE_ASSERT(found != it->second.ephemerals.end());
  it->second.ephemerals.erase(found);
  --ephemeral_count_;
}

void SessionTable::clear() {
  sessions_.clear();
  ephemeral_count_ = 0;
  digest_ = 0;
}

}  // namespace conclave::state
