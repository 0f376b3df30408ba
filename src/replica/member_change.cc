#include "replica/member_change.h"

#include <algorithm>
#include <string>
#include <utility>

namespace conclave::replica {

using consensus::DiskId;
using consensus::Member;
using consensus::Membership;

namespace {

// The members to be, with the disks and addresses that are known.
CellMembers merged(const CellMembers& now, const WantedMembers& wanted) {
  CellMembers next{.membership = {}, .addresses = {}};
  for (Member member : wanted.members) {
    const Member* known = now.membership.find(member.id);
    if (known != nullptr && member.disk == DiskId()) member.disk = known->disk;
    next.membership.members.push_back(member);
    if (const auto address = wanted.addresses.find(member.id); address != wanted.addresses.end()) {
      next.addresses[member.id] = address->second;
    }
    if (const auto address = now.addresses.find(member.id); address != now.addresses.end()) {
      state::MemberAddress& to_be = next.addresses.emplace(member.id, address->second).first->second;
      if (!to_be.lock_service) to_be.lock_service = address->second.lock_service;
    }
  }
  return next;
}

// What members have said of themselves since, added to what is known. Disks of voters were known before they voted.
CellMembers with_what_they_said(CellMembers now, const Founding& met) {
  for (Member& member : now.membership.members) {
    if (!member.voter && member.disk == DiskId()) member.disk = met.disk_of(member.id);
    const auto address = now.addresses.find(member.id);
    if (address != now.addresses.end() && !address->second.lock_service) {
      address->second.lock_service = met.lock_service_of(member.id);
    }
  }
  return now;
}

}  // namespace

bool MemberChange::fulfilled(const CellMembers& now, const WantedMembers& wanted) {
  const CellMembers target = merged(now, wanted);
  return !now.membership.joint() && now.membership.members == target.membership.members &&
         now.addresses == target.addresses;
}

Result<> MemberChange::want(const CellMembers& now, WantedMembers wanted) {
  if (under_way(now.membership)) return fail(ErrorKind::already_exists, "a change of the membership is under way");
  const auto voters = static_cast<size_t>(std::ranges::count_if(wanted.members, &Member::voter));
  if (voters == 0) return fail(ErrorKind::invalid_argument, "nobody would vote");
  if (voters + now.membership.voters().size() > Membership::kVotersMax) {
    return fail(ErrorKind::invalid_argument, std::to_string(voters) + " voters are too many");
  }
  wanted_ = std::move(wanted);
  return {};
}

std::optional<CellMembers> MemberChange::next_step(const CellMembers& now, const Founding& met) {
  const auto with_addresses = [&](Membership next, MemberAddresses addresses) {
    addresses.insert(now.addresses.begin(), now.addresses.end());
    std::erase_if(addresses, [&](const auto& address) { return !next.concerns(address.first); });
    return CellMembers{std::move(next), std::move(addresses)};
  };
  if (now.membership.joint()) return with_addresses(consensus::settled(now.membership), {});
  const auto step_to = [&](CellMembers next) {
    return with_addresses(consensus::changed(now.membership, std::move(next.membership.members)),
                          std::move(next.addresses));
  };
  if (CellMembers told = with_what_they_said(now, met); told != now) return step_to(std::move(told));
  if (!wanted_) return std::nullopt;
  if (fulfilled(now, *wanted_)) {
    wanted_.reset();
    return std::nullopt;
  }
  CellMembers target = merged(now, *wanted_);
  CellMembers with_newcomers = now;
  bool waits = false;
  for (const Member& member : target.membership.members) {
    if (!now.membership.find(member.id)) {
      with_newcomers.membership.members.push_back({.id = member.id, .voter = false, .disk = member.disk});
      if (const auto address = target.addresses.find(member.id); address != target.addresses.end()) {
        with_newcomers.addresses[member.id] = address->second;
      }
    }
    waits = waits || (member.voter && !now.membership.is_voter(member.id) && member.disk == DiskId());
  }
  if (with_newcomers.membership.members.size() > now.membership.members.size()) {
    std::ranges::sort(with_newcomers.membership.members, {}, &Member::id);
    return step_to(std::move(with_newcomers));
  }
  if (waits) return std::nullopt;  // who is to vote has not been met
  return step_to(std::move(target));
}

std::vector<ReplicaId> MemberChange::newcomers(const Membership& now) const {
  std::vector<ReplicaId> ids;
  if (!wanted_) return ids;
  for (const Member& member : wanted_->members) {
    const Member* known = now.find(member.id);
    if (known == nullptr || (member.voter && !known->voter)) ids.push_back(member.id);
  }
  return ids;
}

}  // namespace conclave::replica
