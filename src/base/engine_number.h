// Which algorithm is behind the log, as the journal and the handshake between replicas write it. Numbers are never
// used again for something else. What a build can run is known by consensus/factory alone. Pure.
#pragma once

#include <cstdint>
#include <string>

namespace conclave {

enum class EngineNumber : uint8_t {
  multi_paxos = 1,
  raft = 2,
  zab = 3,  // reserved
};

// The number as it is written. 0 stands where nothing was written yet: there was Multi-Paxos alone then. Numbers that
// this build does not know are kept as they are.
constexpr EngineNumber engine_number(uint8_t written) {
  return written == 0 ? EngineNumber::multi_paxos : static_cast<EngineNumber>(written);
}

// The algorithm's name for people; "engine 7" if this build does not know it.
inline std::string name_of(EngineNumber engine) {
  switch (engine) {
    case EngineNumber::multi_paxos:
      return "Multi-Paxos";
    case EngineNumber::raft:
      return "Raft";
    case EngineNumber::zab:
      return "Zab";
  }
  return "engine " + std::to_string(static_cast<unsigned>(engine));
}

}  // namespace conclave
