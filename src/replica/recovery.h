// What a replica finds on its disk when it starts: the state of the newest snapshot that verifies, and the journal
// after it. Runs before the loop; blocking.
#pragma once

#include <memory>

#include "consensus/api/engine.h"
#include "env/world.h"
#include "replica/options.h"
#include "state/service/service.h"
#include "storage/identity.h"
#include "storage/journal.h"
#include "storage/snapshot_store.h"

namespace conclave::replica {

struct Recovered {
  std::unique_ptr<state::Service> service;
  std::unique_ptr<storage::SnapshotStore> snapshots;
  std::unique_ptr<storage::Journal> journal;
  consensus::Recovered log;
  storage::Identity identity;
};

// Errors: what the journal and the snapshot store report, and `corrupt` when so many snapshots are damaged that the
// journal no longer reaches back to the next good one. A damaged snapshot that is not needed is put aside and named.
Result<Recovered> recover(const env::World& world, const Options& options);

// Loads one snapshot file into the service, replacing its state.
Result<> load_snapshot(storage::SnapshotStore& snapshots, const storage::SnapshotFile& file, state::Service& service);

}  // namespace conclave::replica
