#include "state/lock/lock_table.h"

#include "base/assert.h"
#include "base/checksum.h"

namespace conclave::state {

uint64_t lock_digest(std::string_view path, const Lock& lock) {
  Bytes bytes;
  encode(lock, &bytes);
  return xxh3_64(bytes, xxh3_64(path));
}

const Lock* LockTable::find(std::string_view path) const {
  const auto it = locks_.find(path);
  return it == locks_.end() ? nullptr : &it->second;
}

template <class Change>
void LockTable::change(std::string_view path, Lock& lock, Change how) {
  digest_ -= lock_digest(path, lock);
  how(lock);
  digest_ += lock_digest(path, lock);
}

void LockTable::acquire(std::string_view path, LockHolder holder, LockMode mode, int64_t delay_ms, Zxid zxid) {
  auto it = locks_.find(path);
  if (it == locks_.end()) {
    it = locks_.try_emplace(std::string(path)).first;
    digest_ += lock_digest(path, it->second);
  }
  change(path, it->second, [&](Lock& lock) { lock.acquire(holder, mode, delay_ms, zxid); });
  add(held_, path, holder);
}

void LockTable::release(std::string_view path, LockHolder holder) {
  const auto it = locks_.find(path);
  CONCLAVE_ASSERT(it != locks_.end());
  const LockPlace* place = it->second.place_of(holder);
  CONCLAVE_ASSERT(place != nullptr);
  remove(place->lost ? lost_ : held_, path, holder);
  change(path, it->second, [&](Lock& lock) { lock.release(holder); });
}

void LockTable::lose(std::string_view path, LockHolder holder) {
  const auto it = locks_.find(path);
  CONCLAVE_ASSERT(it != locks_.end());
  change(path, it->second, [&](Lock& lock) { lock.lose(holder); });
  remove(held_, path, holder);
  add(lost_, path, holder);
}

void LockTable::forget(std::string_view path) {
  const auto it = locks_.find(path);
  if (it == locks_.end()) return;
  for (const LockPlace& place : it->second.places()) remove(place.lost ? lost_ : held_, path, place.holder);
  digest_ -= lock_digest(path, it->second);
  locks_.erase(it);
}

void LockTable::restore(std::string_view path, Lock lock) {
  for (const LockPlace& place : lock.places()) add(place.lost ? lost_ : held_, path, place.holder);
  digest_ += lock_digest(path, lock);
  const bool inserted = locks_.try_emplace(std::string(path), std::move(lock)).second;
  CONCLAVE_ASSERT(inserted);
}

void LockTable::clear() {
  locks_.clear();
  held_.clear();
  lost_.clear();
  digest_ = 0;
}

std::vector<LockClaim> LockTable::held_by(SessionId session) const {
  std::vector<LockClaim> out;
  if (const auto claims = held_.find(session); claims != held_.end()) list(session, claims->second, &out);
  return out;
}

std::vector<LockClaim> LockTable::lost() const {
  std::vector<LockClaim> out;
  for (const auto& [session, claims] : lost_) list(session, claims, &out);
  return out;
}

void LockTable::list(SessionId session, const Claims& claims, std::vector<LockClaim>* out) {
  for (const auto& [path, handle] : claims) out->push_back({.path = path, .holder = {session, handle}});
}

void LockTable::add(BySession& sessions, std::string_view path, LockHolder holder) {
  const bool inserted = sessions[holder.session].emplace(path, holder.handle).second;
  CONCLAVE_ASSERT(inserted);
}

void LockTable::remove(BySession& sessions, std::string_view path, LockHolder holder) {
  const auto claims = sessions.find(holder.session);
  CONCLAVE_ASSERT(claims != sessions.end());
  const size_t erased = claims->second.erase({std::string(path), holder.handle});
  CONCLAVE_ASSERT(erased == 1);
  if (claims->second.empty()) sessions.erase(claims);
}

}  // namespace conclave::state
