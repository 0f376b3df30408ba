#include "replica/member_change.h"

#include <algorithm>
#include <string>
#include <utility>

namespace conclave::replica {

using consensus::Member;
using consensus::Membership;

Result<> MemberChange::want(const Membership& now, std::vector<Member> members) {
  if (under_way(now)) return fail(ErrorKind::already_exists, "a change of the membership is under way");
  const auto voters = static_cast<size_t>(std::ranges::count_if(members, &Member::voter));
  if (voters == 0) return fail(ErrorKind::invalid_argument, "nobody would vote");
  if (voters + now.voters().size() > Membership::kVotersMax) {
    return fail(ErrorKind::invalid_argument, std::to_string(voters) + " voters are too many");
  }
  wanted_ = std::move(members);
  return {};
}

std::optional<Membership> MemberChange::next_step(const Membership& now) {
  if (now.joint()) return consensus::settled(now);
  if (!wanted_) return std::nullopt;
  if (now.members == *wanted_) {
    wanted_.reset();
    return std::nullopt;
  }
  std::vector<Member> with_newcomers = now.members;
  for (const Member& member : *wanted_) {
    if (!now.find(member.id)) with_newcomers.push_back({.id = member.id, .voter = false, .disk = member.disk});
  }
  if (with_newcomers.size() == now.members.size()) return consensus::changed(now, *wanted_);
  std::ranges::sort(with_newcomers, {}, &Member::id);
  return consensus::changed(now, std::move(with_newcomers));
}

}  // namespace conclave::replica
