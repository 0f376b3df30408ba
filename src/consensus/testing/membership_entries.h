// Test only: memberships as they stand in a log, and as they are asked for.
#pragma once

#include <utility>

#include "consensus/api/entry.h"
#include "consensus/api/event.h"
#include "consensus/api/membership.h"

namespace conclave::consensus {

inline Entry at(uint64_t index, Ballot ballot, const Membership& membership) {
  return {.index = Index(index),
          .ballot = ballot,
          .kind = EntryKind::membership,
          .payload = Blob(encode_membership(membership))};
}
inline Propose change(const Membership& next, uint64_t cookie = 9) {
  return {.cookie = cookie, .kind = EntryKind::membership, .payloads = {Blob(encode_membership(next))}};
}

}  // namespace conclave::consensus
