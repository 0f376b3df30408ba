// Brings a cell from the membership that is in force to the one that is wanted, step by step, while this replica is the
// master: newcomers become observers first; those of whom it is not known yet what their disks are called get them;
// when they are up to date the voters change, by a joint membership; and a joint one, whoever began it, is always
// followed by the plain one (section 6 of the Raft paper; ADR 15).
//
// Every step follows from the membership in force and from what is wanted, so a step that is lost, refused or done by
// another master is no matter. What is wanted is forgotten with the mastership: whoever wanted it asks again. Loop
// thread only.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "consensus/api/membership.h"
#include "replica/founding.h"
#include "replica/members.h"

namespace conclave::replica {

// What a change is to lead to. A member that is listed keeps the disk that it has.
struct WantedMembers {
  std::vector<consensus::Member> members;  // sorted by id; disk 0: whatever the member says
  MemberAddresses addresses;               // of them; without: as it is
};

class MemberChange {
 public:
  // Is it so already?
  static bool fulfilled(const CellMembers& now, const WantedMembers& wanted);
  // Errors: invalid_argument (nobody would vote, or too many), already_exists (a change is under way).
  Result<> want(const CellMembers& now, WantedMembers wanted);
  // The step to propose now; nullopt: nothing is to be done, or nothing can be done yet.
  std::optional<CellMembers> next_step(const CellMembers& now, const Founding& met);
  // Is there something wanted that is not in force, or a joint membership?
  bool under_way(const consensus::Membership& now) const { return wanted_.has_value() || now.joint(); }
  bool wanted() const { return wanted_.has_value(); }
  void forget() { wanted_.reset(); }

  // Wanted voters that do not vote yet, and wanted observers that are not known yet.
  std::vector<ReplicaId> newcomers(const consensus::Membership& now) const;

 private:
  std::optional<WantedMembers> wanted_;
};

}  // namespace conclave::replica
