#include "app/log/log_line.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>

namespace conclave::app {
namespace {

void append_escaped(std::string_view text, bool in_quotes, std::string* out) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (in_quotes && (c == '"' || c == '\\')) {
      *out += '\\';
      *out += c;
    } else if (c == '\n') {
      *out += "\\n";
    } else if (c == '\t') {
      *out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      *out += fmt::format("\\x{:02x}", byte);
    } else {
      *out += c;
    }
  }
}

bool needs_quotes(std::string_view value) {
  return value.empty() ||
         std::ranges::any_of(value, [](char c) { return c == ' ' || c == '"' || c == '=' || c == '\\'; });
}

}  // namespace

std::string format_utc(int64_t wall_ms) {
  using namespace std::chrono;
  const sys_time<milliseconds> time{milliseconds(wall_ms)};
  const auto day = floor<days>(time);
  const year_month_day date(day);
  const hh_mm_ss clock(time - day);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count(), clock.subseconds().count());
}

std::string format_log_line(int64_t wall_ms, log::Level level, std::string_view module, std::string_view message,
                            log::Fields fields) {
  std::string out = fmt::format("{} {} {}: ", format_utc(wall_ms), log::to_string(level), module);
  append_escaped(message, false, &out);
  for (const log::Field& field : fields) {
    out += ' ';
    out += field.key;
    out += '=';
    const bool quoted = needs_quotes(field.value);
    if (quoted) out += '"';
    append_escaped(field.value, quoted, &out);
    if (quoted) out += '"';
  }
  out += '\n';
  return out;
}

bool parse_level_name(std::string_view name, log::Level* level) {
  for (const log::Level candidate : {log::Level::debug, log::Level::info, log::Level::warning, log::Level::error}) {
    if (name == log::to_string(candidate)) {
      *level = candidate;
      return true;
    }
  }
  return false;
}

bool parse_log_level(std::string_view line, log::Level* level) {
  const size_t first = line.find(' ');
  if (first == std::string_view::npos || first == 0 || line[first - 1] != 'Z') return false;
  const size_t second = line.find(' ', first + 1);
  if (second == std::string_view::npos) return false;
  return parse_level_name(line.substr(first + 1, second - first - 1), level);
}

}  // namespace conclave::app
