// Sees what a replica's engine begins with and every step of it: what went in and what came out, before the driver
// performs it. For checking and tracing; it changes nothing. Loop thread only.
#pragma once

#include "consensus/api/engine.h"
#include "consensus/api/event.h"
#include "consensus/api/output.h"

namespace conclave::replica {

class EngineObserver {
 public:
  virtual ~EngineObserver() = default;
  virtual void on_recovered(const consensus::Recovered& log) = 0;
  virtual void on_step(const consensus::Event& event, const consensus::Output& output) = 0;
};

}  // namespace conclave::replica
