// Brings a cell from the membership that is in force to the one that is wanted, step by step, while this replica is the
// master: newcomers become observers first; when they are up to date the voters change, by a joint membership; and a
// joint one, whoever began it, is always followed by the plain one (section 6 of the Raft paper; ADR 15).
//
// Every step follows from the membership in force alone, so a step that is lost, refused or done by another master is
// no matter. What is wanted is forgotten with the mastership: whoever wanted it asks again. Loop thread only.
#pragma once

#include <optional>
#include <vector>

#include "base/result.h"
#include "consensus/api/membership.h"

namespace conclave::replica {

class MemberChange {
 public:
  // Wants these members, sorted by id. Errors: invalid_argument (nobody would vote, or too many), already_exists (a
  // change is under way).
  Result<> want(const consensus::Membership& now, std::vector<consensus::Member> members);
  // The step to propose now; nullopt: nothing is to be done.
  std::optional<consensus::Membership> next_step(const consensus::Membership& now);
  // Is there something wanted that is not in force, or a joint membership?
  bool under_way(const consensus::Membership& now) const { return wanted_.has_value() || now.joint(); }
  void forget() { wanted_.reset(); }

 private:
  std::optional<std::vector<consensus::Member>> wanted_;
};

}  // namespace conclave::replica
