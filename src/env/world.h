// Everything outside a replica, in one bundle: implemented by os/ and by sim/world/.
#pragma once

#include "env/clock.h"
#include "env/entropy.h"
#include "env/executor.h"
#include "env/faults.h"
#include "env/files.h"
#include "env/network.h"
#include "env/peers.h"

namespace conclave::env {

// References only; the owner of the world outlives every user.
struct World {
  Clock& clock;
  Executor& executor;
  Worker& journal_worker;   // journal writes and syncs
  Worker& snapshot_worker;  // snapshot files, so that they never delay the journal
  Files& files;
  Files& journal_files;  // the journal's device; the same as `files` unless configured apart
  PeerNetwork& peers;
  Network& network;
  Entropy& entropy;
  Faults& faults;
};

}  // namespace conclave::env
