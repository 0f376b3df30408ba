// `conclave bench --roofline`: the null replicated log, the roof under which every coordination service on this machine
// must stay, driven by the ordinary load generator. The README of this folder says what it does and leaves out.
#pragma once

#include <string>
#include <vector>

namespace conclave::app::roofline {

// Exit codes: those of the load generator; 1 too if the members cannot start or one ended by itself; 2 bad arguments.
int run_roofline(const std::vector<std::string>& args);

}  // namespace conclave::app::roofline
