// A message between the engines of two replicas. The header is the engine's own encoding; entries travel beside it so
// that their payloads are shared, not copied. wire/peer frames it.
#pragma once

#include <vector>

#include "base/bytes.h"
#include "consensus/api/entry.h"

namespace conclave::consensus {

struct Message {
  uint8_t type = 0;  // the engine's enum
  Bytes header;      // the engine's encoding
  std::vector<Entry> entries;
};

struct Envelope {
  ReplicaId to;
  Message message;
};

}  // namespace conclave::consensus
