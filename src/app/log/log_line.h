// One event of the log as one line of text:
//
//   2026-11-22T01:31:27.123Z info paxos: won the election ballot=5.2 promises=2/3 peer="host one:2888"
//
// UTC time in milliseconds, level, module, sentence, fields. A value is quoted when it is empty or holds a space, a
// quote or an equals sign; control characters are escaped, so an event is always one line whatever a client sent. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/log.h"

namespace conclave::app {

std::string format_utc(int64_t wall_ms);

// With the newline at the end.
std::string format_log_line(int64_t wall_ms, log::Level level, std::string_view module, std::string_view message,
                            log::Fields fields);

// Level of a line in this format; false if the line is not one.
bool parse_log_level(std::string_view line, log::Level* level);
// "debug", "info", "warning" or "error".
bool parse_level_name(std::string_view name, log::Level* level);

}  // namespace conclave::app
