#include "consensus/factory/factory.h"

#include "base/assert.h"
#include "consensus/paxos/engine.h"
#include "consensus/paxos/messages.h"
#include "consensus/raft/engine.h"
#include "consensus/raft/messages.h"

namespace conclave::consensus {

std::string_view to_string(EngineKind kind) {
  switch (kind) {
    case EngineKind::paxos:
      return "paxos";
    case EngineKind::raft:
      return "raft";
  }
  return "unknown";
}

EngineNumber number_of(EngineKind kind) {
  switch (kind) {
    case EngineKind::paxos:
      return EngineNumber::multi_paxos;
    case EngineKind::raft:
      return EngineNumber::raft;
  }
  assertion_failed("an engine of this kind has a number", __FILE__, __LINE__);
}

Result<EngineKind> parse_engine_kind(std::string_view name) {
  for (const EngineKind kind : {EngineKind::paxos, EngineKind::raft}) {
    if (name == to_string(kind)) return kind;
  }
  return fail(ErrorKind::invalid_argument, "unknown engine \"" + std::string(name) + "\"; known: paxos, raft");
}

std::string describe(EngineKind kind, const Message& message) {
  switch (kind) {
    case EngineKind::paxos:
      return paxos::describe(message);
    case EngineKind::raft:
      return raft::describe(message);
  }
  return "unknown";
}

std::unique_ptr<Engine> make_engine(EngineKind kind, Config config, Recovered recovered) {
  switch (kind) {
    case EngineKind::paxos:
      return paxos::make_engine(std::move(config), std::move(recovered));
    case EngineKind::raft:
      return raft::make_engine(std::move(config), std::move(recovered));
  }
  assertion_failed("an engine of this kind exists", __FILE__, __LINE__);
}

}  // namespace conclave::consensus
