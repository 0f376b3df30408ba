#include "state/lock/lock.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/assert.h"
#include "base/codec.h"

namespace conclave::state {
namespace {

constexpr size_t kPlaceBytesMin = 8 + 1 + 1 + 1 + 1;

bool compatible(LockMode a, LockMode b) {
  return a == LockMode::shared && b == LockMode::shared;
}

}  // namespace

LockVerdict Lock::may_acquire(LockHolder holder, LockMode mode) const {
  bool delayed = false;
  for (const LockPlace& place : places_) {
    if (place.holder == holder && !place.lost) {
      return place.mode == mode ? LockVerdict::held_already : LockVerdict::other_mode;
    }
  }
  for (const LockPlace& place : places_) {
    // A lost holder is in its own way as well: whoever it was, what it guarded may still be written to.
    const bool in_the_way = place.holder == holder || !compatible(place.mode, mode);
    if (in_the_way && !place.lost) return LockVerdict::conflict;
    delayed |= in_the_way;
  }
  return delayed ? LockVerdict::delayed : LockVerdict::granted;
}

void Lock::acquire(LockHolder holder, LockMode mode, int64_t delay_ms, Zxid zxid) {
  CONCLAVE_ASSERT(may_acquire(holder, mode) == LockVerdict::granted);
  if (!is_held()) {
    CONCLAVE_ASSERT(zxid > generation_);
    generation_ = zxid;
  }
  const auto after = std::ranges::upper_bound(places_, holder, {}, &LockPlace::holder);
  places_.insert(after, {.holder = holder, .mode = mode, .delay_ms = delay_ms});
}

void Lock::release(LockHolder holder) {
  const auto place = find(holder);
  CONCLAVE_ASSERT(place != places_.end());
  places_.erase(place);
}

void Lock::lose(LockHolder holder) {
  const auto place = find(holder);
  CONCLAVE_ASSERT(place != places_.end() && !place->lost);
  place->lost = true;
}

const LockPlace* Lock::place_of(LockHolder holder) const {
  const auto place = const_cast<Lock*>(this)->find(holder);
  return place == places_.end() ? nullptr : &*place;
}

std::vector<LockPlace>::iterator Lock::find(LockHolder holder) {
  const auto place = std::ranges::lower_bound(places_, holder, {}, &LockPlace::holder);
  return place != places_.end() && place->holder == holder ? place : places_.end();
}

bool Lock::is_held() const {
  return std::ranges::any_of(places_, [](const LockPlace& place) { return !place.lost; });
}

bool Lock::confirms(LockMode mode, Zxid generation) const {
  // Holders that are not lost have one mode (K1).
  return generation == generation_ &&
         std::ranges::any_of(places_, [&](const LockPlace& place) { return !place.lost && place.mode == mode; });
}

void encode(const Lock& lock, Bytes* out) {
  Encoder encoder(out);
  encoder.fixed(lock.generation_.value);
  encoder.varint(lock.places_.size());
  for (const LockPlace& place : lock.places_) {
    encoder.fixed(place.holder.session.value);
    encoder.varint(place.holder.handle);
    encoder.u8(static_cast<uint8_t>(place.mode));
    encoder.zigzag(place.delay_ms);
    encoder.boolean(place.lost);
  }
}

Result<Lock> decode_lock(BytesView in) {
  Decoder decoder(in);
  Lock lock;
  lock.generation_ = Zxid(decoder.fixed<uint64_t>());
  for (size_t left = decoder.count(kPlaceBytesMin); left > 0 && decoder.ok(); --left) {
    LockPlace place;
    place.holder.session = SessionId(decoder.fixed<int64_t>());
    place.holder.handle = decoder.varint();
    const uint8_t mode = decoder.u8();
    if (mode > static_cast<uint8_t>(LockMode::exclusive)) decoder.fault();
    place.mode = static_cast<LockMode>(mode);
    place.delay_ms = decoder.zigzag();
    place.lost = decoder.boolean();
    lock.places_.push_back(place);
  }
  if (!decoder.done() || !lock.well_formed()) {
    return fail(ErrorKind::corrupt, fmt::format("lock: {} bytes are not one whole lock", in.size()));
  }
  return lock;
}

bool Lock::well_formed() const {
  const bool has_writer =
      std::ranges::any_of(places_, [](const LockPlace& place) { return place.mode == LockMode::exclusive; });
  const bool sorted = std::ranges::adjacent_find(places_, [](const LockPlace& a, const LockPlace& b) {
                        return a.holder >= b.holder;
                      }) == places_.end();
  const bool delays = std::ranges::all_of(places_, [](const LockPlace& place) { return place.delay_ms >= 0; });
  return (!has_writer || places_.size() == 1) && sorted && delays && (places_.empty() || generation_ != Zxid());
}

}  // namespace conclave::state
