// The log facade: one structured line per event that an operator can act on. Modules say what happened in a sentence
// and add key=value fields; the sink (app/ chooses it) adds time and format. Without a sink lines are dropped, so pure
// modules and the simulator stay silent by default.
//
//   log::info("paxos", "won the election", {{"ballot", to_string(ballot)}, {"promises", "2/3"}});
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace conclave::log {

enum class Level { debug, info, warning, error };

std::string_view to_string(Level level);

struct Field {
  std::string_view key;
  std::string value;

  Field(std::string_view k, std::string v) : key(k), value(std::move(v)) {}
  Field(std::string_view k, const char* v) : key(k), value(v) {}
  Field(std::string_view k, std::string_view v) : key(k), value(v) {}
  template <class T>
    requires std::is_arithmetic_v<T>
  Field(std::string_view k, T v) : key(k), value(std::to_string(v)) {}
};
using Fields = std::initializer_list<Field>;

using Sink = std::function<void(Level, std::string_view module, std::string_view message, Fields)>;

// Installs the sink and the lowest level that reaches it. Call once at start, before threads; an empty sink silences.
void set_sink(Sink sink, Level lowest = Level::info);
bool enabled(Level level);
void write(Level level, std::string_view module, std::string_view message, Fields fields = {});

inline void debug(std::string_view module, std::string_view message, Fields fields = {}) {
  if (enabled(Level::debug)) write(Level::debug, module, message, fields);
}
inline void info(std::string_view module, std::string_view message, Fields fields = {}) {
  write(Level::info, module, message, fields);
}
inline void warning(std::string_view module, std::string_view message, Fields fields = {}) {
  write(Level::warning, module, message, fields);
}
inline void error(std::string_view module, std::string_view message, Fields fields = {}) {
  write(Level::error, module, message, fields);
}

}  // namespace conclave::log
