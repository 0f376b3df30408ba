#include "consensus/api/membership.h"

#include <utility>

#include "base/assert.h"
#include "base/codec.h"

namespace conclave::consensus {
namespace {

constexpr uint8_t kFormat = 1;

bool increasing(const auto& range, auto id_of) {
  return std::ranges::adjacent_find(range, std::ranges::greater_equal(), id_of) == std::ranges::end(range);
}

}  // namespace

std::vector<ReplicaId> Membership::voters() const {
  std::vector<ReplicaId> out;
  for (const Member& member : members) {
    if (member.voter) out.push_back(member.id);
  }
  return out;
}

Membership changed(const Membership& now, std::vector<Member> members) {
  CONCLAVE_ASSERT(!now.joint());
  Membership next{.version = now.version + 1, .members = std::move(members), .outgoing = {}};
  std::vector<ReplicaId> before = now.voters();
  if (next.voters() != before) next.outgoing = std::move(before);
  return next;
}

Membership settled(const Membership& joint) {
  CONCLAVE_ASSERT(joint.joint());
  return {.version = joint.version + 1, .members = joint.members, .outgoing = {}};
}

std::string_view why_not(const Membership& now, const Membership& next) {
  if (now.version == 0) return "";
  if (next.version != now.version + 1) return "its version is not the next one";
  const std::vector<ReplicaId> before = now.voters();
  const std::vector<ReplicaId> after = next.voters();
  if (after.empty()) return "nobody would vote";
  if (after.size() + before.size() > Membership::kVotersMax) return "too many voters";
  if (now.joint()) return next == settled(now) ? "" : "a change of voters is under way";
  if (next.outgoing != (before == after ? std::vector<ReplicaId>() : before))
    return "it does not leave the voters that are";
  for (const Member& member : next.members) {
    const Member* known = now.find(member.id);
    if (!known && member.voter) return "a voter to be must be an observer first";
    if (known && known->disk != DiskId() && known->disk != member.disk) return "the disk of a member does not change";
  }
  return "";
}

Bytes encode_membership(const Membership& membership, BytesView extra) {
  Bytes body;
  Encoder out(&body);
  out.u8(kFormat);
  out.varint(membership.version);
  out.varint(membership.members.size());
  for (const Member& member : membership.members) {
    out.u8(member.id.value);
    out.boolean(member.voter);
    out.fixed(member.disk.value);
  }
  out.varint(membership.outgoing.size());
  for (const ReplicaId id : membership.outgoing) out.u8(id.value);
  Bytes payload;
  Encoder(&payload).bytes(body);
  payload.append(extra);
  return payload;
}

Result<MembershipPayload> decode_membership(BytesView payload) {
  Decoder whole(payload);
  Decoder in(whole.bytes());
  MembershipPayload out;
  if (in.u8() != kFormat) return fail(ErrorKind::corrupt, "membership: unknown format");
  Membership& membership = out.membership;
  membership.version = in.varint();
  constexpr size_t kMemberBytes = 10;
  for (size_t n = in.count(kMemberBytes); n > 0; --n) {
    Member member{.id = ReplicaId(in.u8()), .voter = in.boolean(), .disk = DiskId(in.fixed<uint64_t>())};
    membership.members.push_back(member);
  }
  for (size_t n = in.count(); n > 0; --n) membership.outgoing.emplace_back(in.u8());
  if (!in.done() || !whole.ok()) return fail(ErrorKind::corrupt, "membership: of the wrong length");
  const bool sorted = increasing(membership.members, &Member::id) && increasing(membership.outgoing, std::identity());
  const bool numbered = (membership.members.empty() || membership.members.front().id != ReplicaId()) &&
                        (membership.outgoing.empty() || membership.outgoing.front() != ReplicaId());
  if (!sorted || !numbered) return fail(ErrorKind::corrupt, "membership: members out of order");
  const size_t voters = membership.voters().size();
  if (membership.version == 0 || voters == 0 || voters + membership.outgoing.size() > Membership::kVotersMax) {
    return fail(ErrorKind::corrupt, "membership: cannot exist");
  }
  out.extra = whole.rest();
  return out;
}

std::string to_string(const Membership& membership) {
  std::string voters, observers, outgoing;
  for (const Member& member : membership.members) (member.voter ? voters : observers) += " " + to_string(member.id);
  for (const ReplicaId id : membership.outgoing) outgoing += " " + to_string(id);
  std::string out = "version " + std::to_string(membership.version) + ":" + voters;
  if (!observers.empty()) out += ", observers" + observers;
  if (!outgoing.empty()) out += ", leaving" + outgoing;
  return out;
}

}  // namespace conclave::consensus
