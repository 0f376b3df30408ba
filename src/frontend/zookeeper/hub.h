// What the connections of one server share. Loop thread only; outlives them all.
#pragma once

#include "base/bytes.h"
#include "env/clock.h"
#include "env/entropy.h"
#include "env/executor.h"
#include "frontend/zookeeper/local_sessions.h"
#include "frontend/zookeeper/refusal_log.h"
#include "frontend/zookeeper/settings.h"
#include "frontend/zookeeper/statistics.h"
#include "frontend/zookeeper/watch_manager.h"
#include "replica/gateway.h"

namespace conclave::frontend::zookeeper {

struct Hub {
  env::Clock& clock;
  env::Executor& executor;
  env::Entropy& entropy;
  replica::Gateway& gateway;
  const Settings settings;
  WatchManager watches{settings.limits.watches};
  ServerStatistics statistics{};
  LocalSessions local_sessions{};
  RefusalLog refusals{};
};

}  // namespace conclave::frontend::zookeeper
