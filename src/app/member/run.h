// `conclave member`: what its commands do at a real cell. They print, and return the exit code: 0 done, 1 failed.
#pragma once

#include <functional>
#include <string>

#include "app/member/plan.h"
#include "app/member/session.h"

namespace conclave::app {

int list_members(const MemberOptions& options, bool json);

// `plan`: what to do, from the list of members that the cell has. `command` is named in front of errors.
int change_members(const MemberOptions& options, const std::string& command,
                   const std::function<Result<MemberPlan>(const MemberConfig&)>& plan);

}  // namespace conclave::app
