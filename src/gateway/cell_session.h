// What a client's session at the gateway is made of: one session with the cell, of its own. ClientSession (of
// client_session.h) is the real one; tests put a fake behind it.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "base/task.h"
#include "base/time.h"
#include "client/chubby/lock_service.h"
#include "client/chubby/options.h"

namespace conclave::gateway {

class CellSession {
 public:
  // Drops it without a word: the cell ends it when its lease does, and its locks are lost abnormally (CH-39).
  virtual ~CellSession() = default;

  virtual chubby::LockService& service() = 0;
  // The cell does not end the session before this, by our clock, if it hears nothing more.
  virtual Instant lease_end() const = 0;
  // In order: its locks are free at once. Calls `done` when the cell knows, or does not answer for a while.
  virtual void end(Task done) = 0;
};

using OpenCellSession = std::function<std::unique_ptr<CellSession>(std::vector<chubby::Credential>)>;

}  // namespace conclave::gateway
