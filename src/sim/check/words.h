// How checkers name things in their messages. Pure.
#pragma once

#include <string>
#include <string_view>

#include "sim/check/history.h"

namespace conclave::sim::check {

std::string_view name_of(Action action);
std::string_view name_of(EventKind kind);
std::string name_of(Code code);
// "0x100000005", as ZooKeeper's tools print it.
std::string name_of(Zxid zxid);
std::string name_of(const NodeStat& stat);
// "operation 12 (client 3, set /a, invoked at 1.520 s)".
std::string name_of(const History& history, size_t operation);
// "12.345 s"
std::string name_of(Instant at);

}  // namespace conclave::sim::check
