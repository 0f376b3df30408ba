// The one place that knows every engine. Everything above it sees consensus/api only. Pure.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/engine_number.h"
#include "base/result.h"
#include "consensus/api/engine.h"

namespace conclave::consensus {

enum class EngineKind : uint8_t { paxos, raft };

std::string_view to_string(EngineKind kind);
// How files and handshakes name it.
EngineNumber number_of(EngineKind kind);
// The kind a configuration file names. Error: invalid_argument, which lists what is known.
Result<EngineKind> parse_engine_kind(std::string_view name);

// Type and fields of a message between engines of this kind, in one line for people.
std::string describe(EngineKind kind, const Message& message);

// REQUIRES: config as consensus/api/engine.h says (members sorted, self among them).
std::unique_ptr<Engine> make_engine(EngineKind kind, Config config, Recovered recovered);

}  // namespace conclave::consensus
