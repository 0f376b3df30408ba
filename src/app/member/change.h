// Carries out a planned change of members and tells how it goes. Pure but for the calls of MemberCell.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/member/cell.h"
#include "app/member/plan.h"
#include "base/result.h"

namespace conclave::app {

struct MemberVoice {
  std::function<void(std::string_view)> say;   // what is done, a line each
  std::function<void(std::string_view)> tell;  // how it goes, a line each
};

// The list of members that the cell has. Errors say in one line what to do.
Result<MemberConfig> read_members(MemberCell& cell);

// The steps one after the other, each from the list that the one before left. `before`: the list that the plan was made
// from; the cell refuses the change if it has another one by now. When the connection is lost during a step, waits
// until the list shows what the step wants. Error: one line that says what happened and what to do.
Result<> carry_out(const MemberPlan& plan, const MemberConfig& before, MemberCell& cell, const MemberVoice& voice);

}  // namespace conclave::app
