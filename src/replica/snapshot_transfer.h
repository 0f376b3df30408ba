// Sends our snapshots to peers that lag beyond our log, and receives theirs. The receiver pulls chunk by chunk by
// offset, so a broken connection or a restart resumes where it was. Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "env/world.h"
#include "replica/options.h"
#include "replica/snapshot_keeper.h"
#include "storage/snapshot_store.h"
#include "wire/peer/peer_message.h"

namespace conclave::replica {

class SnapshotTransfer {
 public:
  // `install` is called with a verified file that is ahead of what is applied here.
  using Install = std::move_only_function<void(const storage::SnapshotFile&)>;

  SnapshotTransfer(env::World& world, const Options& options, storage::SnapshotStore& store, SnapshotKeeper& keeper,
                   const Driver& driver, Install install);
  ~SnapshotTransfer();

  // --- sender
  void on_needed(ReplicaId to, Index at_least);
  void on_pull(ReplicaId from, const wire::peer::SnapshotPull& pull);
  // --- receiver
  void on_offer(ReplicaId from, const wire::peer::SnapshotOffer& offer);
  void on_chunk(ReplicaId from, wire::peer::SnapshotChunk chunk);
  void on_tick();
  bool receiving() const { return incoming_ != nullptr; }

 private:
  struct Incoming;

  void offer(ReplicaId to, Index at_least);
  void pull();
  void finish();

  env::World& world_;
  const Options& options_;
  storage::SnapshotStore& store_;
  SnapshotKeeper& keeper_;
  const Driver& driver_;
  Install install_;
  std::map<ReplicaId, Index> waiting_for_snapshot_;  // peers to offer the snapshot that is being taken
  std::unique_ptr<Incoming> incoming_;
  uint64_t incoming_number_ = 0;
};

}  // namespace conclave::replica
