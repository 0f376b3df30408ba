// Pieces that the codecs of requests and of transactions share. Private to state/txn. Pure.
// docs/formats/transaction.md gives every byte.
#pragma once

#include "base/codec.h"
#include "base/ids.h"
#include "state/txn/acl.h"
#include "state/txn/request.h"

namespace conclave::state::codec {

// First byte of every request and transaction; another one is refused by name. The second version has parts that the
// first one lacks, and is written only where there are any: equal values have equal bytes.
constexpr uint8_t kVersion = 1;
constexpr uint8_t kVersionWithParts = 2;

// The parts of a request of the second version: bits of a byte that is not 0.
enum RequestPart : uint8_t { kGuard = 1, kCall = 2, kAllRequestParts = 3 };

// Tags of the alternatives of a body. Numbers are part of the format: never reuse one.
enum class Tag : uint8_t {
  epoch_start = 1,
  create = 2,
  remove = 3,
  set_data = 4,
  set_acl = 5,
  check = 6,
  create_session = 7,
  close_session = 8,
  multi = 9,         // requests only
  reap = 10,         // requests only
  create_null = 11,  // create and set_data without data; the layouts lack the field
  set_data_null = 12,
  resume_session = 13,
  expire_session = 14,       // requests only
  close_session_locks = 15,  // transactions only: close_session of a session that held locks
  acquire_lock = 16,
  release_lock = 17,
  end_lock_delay = 18,     // requests only
  create_inheriting = 19,  // requests only: create and create_null without an ACL of their own
  create_null_inheriting = 20,
  epoch_start_secret = 21,  // epoch_start that brings a secret
  reap_unopened = 22,       // requests only
  create_caching_session = 23,
  reconfig = 24,  // requests only
};

void put(Encoder& out, const Acl& acl);
void get(Decoder& in, Acl* acl);

inline void put(Encoder& out, Tag tag) {
  out.u8(static_cast<uint8_t>(tag));
}
inline void put(Encoder& out, SessionId id) {
  out.fixed(id.value);
}
inline SessionId get_session(Decoder& in) {
  return SessionId(in.fixed<int64_t>());
}
// REQUIRES: numbered.
void put(Encoder& out, const CallNumber& call);
// Faults the decoder on the number 0: what is not numbered has no such part.
CallNumber get_call(Decoder& in);
// An epoch start, with its tag: without a secret it has no body.
void put_epoch_start(Encoder& out, BytesView secret);
// Faults the decoder on an empty one.
Bytes get_secret(Decoder& in);
// Faults the decoder on a number that is no NodeKind.
NodeKind get_kind(Decoder& in);
// A boolean is 0 or 1; anything else is a fault, so that equal values have equal bytes.
bool get_bool(Decoder& in);
// A zigzag number that must fit 32 bits.
int32_t get_i32(Decoder& in);

}  // namespace conclave::state::codec
