#include "base/log.h"

namespace conclave::log {
namespace {

Sink& sink() {
  static Sink instance;
  return instance;
}
Level lowest_level = Level::info;

}  // namespace

std::string_view to_string(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "unknown";
}

void set_sink(Sink new_sink, Level lowest) {
  sink() = std::move(new_sink);
  lowest_level = lowest;
}

bool enabled(Level level) {
  return sink() != nullptr && level >= lowest_level;
}

void write(Level level, std::string_view module, std::string_view message, Fields fields) {
  if (enabled(level)) sink()(level, module, message, fields);
}

}  // namespace conclave::log
