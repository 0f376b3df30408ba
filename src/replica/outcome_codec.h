// Encoding of answers that travel back to the replica holding the client (wire/peer carries them as opaque bytes).
// Pure.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "state/txn/outcome.h"

namespace conclave::replica {

Bytes encode(const state::Outcome& outcome);
Result<state::Outcome> decode_outcome(BytesView in);

}  // namespace conclave::replica
