// The commands `config` and `reconfig` of the shell: who the members of the cell are. Pure but for the calls of Access
// and a file that the user names.
#pragma once

#include <string>
#include <string_view>

#include "app/shell/runner.h"

namespace conclave::app {

// The node that holds the list of members.
inline constexpr std::string_view kMemberConfigPath = "/zookeeper/config";

CommandResult run_config(const Command& command, Access& access, bool raw);
CommandResult run_reconfig(const Command& command, Access& access, bool raw);

// Why a change of members was refused and what to do about it, in one line.
std::string reconfig_error_text(client::ErrorCode code);

}  // namespace conclave::app
