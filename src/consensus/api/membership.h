// Who takes part in a cell. Every membership that a cell ever had is an entry of its log, and nothing else is a source
// of it (B29); the first one comes with the founding of the cell.
//
// A change of voters takes two entries (joint consensus: RF-11; "In Search of an Understandable Consensus Algorithm",
// section 6). The first one is *joint*: it names the voters to be and, as outgoing, those that were, and while it is in
// force every decision needs a majority of each. The second one names the voters to be alone. From where on in the log
// a membership is in force differs by engine. Pure.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"

namespace conclave::consensus {

// Identity of what a replica remembers: drawn at random with its data directory, so that one which lost its disk and
// starts empty is another one, though it has the same number (B38). 0: not known.
using DiskId = StrongId<struct DiskIdTag, uint64_t>;

struct Member {
  ReplicaId id;
  bool voter = true;  // false: observer (learner)
  DiskId disk;        // 0: any
  friend bool operator==(const Member&, const Member&) = default;
};

struct Membership {
  static constexpr size_t kVotersMax = 64;  // of both configurations together

  uint64_t version = 0;             // 1: the founding one; 0: nothing is known
  std::vector<Member> members;      // sorted by id
  std::vector<ReplicaId> outgoing;  // sorted: the voters of the configuration that is being left. Empty: not joint
  friend bool operator==(const Membership&, const Membership&) = default;

  bool joint() const { return !outgoing.empty(); }
  // nullptr: not listed.
  const Member* find(ReplicaId id) const {
    const auto member = std::ranges::find(members, id, &Member::id);
    return member == members.end() ? nullptr : &*member;
  }
  // The voters to be, sorted.
  std::vector<ReplicaId> voters() const;
  // Of either configuration.
  bool is_voter(ReplicaId id) const {
    const Member* member = find(id);
    return (member && member->voter) || std::ranges::binary_search(outgoing, id);
  }
  // Listed, or a voter that is leaving.
  bool concerns(ReplicaId id) const { return find(id) || std::ranges::binary_search(outgoing, id); }
};

// What a change to `members` from `now` begins with: joint if the voters change. REQUIRES: members sorted,
// !now.joint().
Membership changed(const Membership& now, std::vector<Member> members);
// What a change of voters ends with. REQUIRES: joint.joint().
Membership settled(const Membership& joint);

// Why `next` cannot follow `now` in a log, in words; empty: it can. A voter to be must have been an observer before, so
// that it can be brought up to date first; the disk of a member never changes. A newcomer, which knows of none, takes
// the first one that its log has: that was checked by who proposed it.
std::string_view why_not(const Membership& now, const Membership& next);

// The payload of an entry of kind membership: the membership, then bytes that engines pass over.
Bytes encode_membership(const Membership& membership, BytesView extra = {});
struct MembershipPayload {
  Membership membership;
  BytesView extra;  // into what was decoded
};
// Error: corrupt.
Result<MembershipPayload> decode_membership(BytesView payload);

// For people: "version 4: 1 2 3, observers 4, leaving 1 2".
std::string to_string(const Membership& membership);

}  // namespace conclave::consensus
