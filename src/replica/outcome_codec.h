// Encoding of answers that travel back to the replica holding the client (wire/peer carries them as opaque bytes).
// Pure.
#pragma once

#include "base/bytes.h"
#include "base/result.h"
#include "replica/gateway.h"
#include "state/txn/outcome.h"

namespace conclave::replica {

Bytes encode(const state::Outcome& outcome);
Result<state::Outcome> decode_outcome(BytesView in);

Bytes encode(const ResumedSession& resumed);
Result<ResumedSession> decode_resumed_session(BytesView in);

}  // namespace conclave::replica
