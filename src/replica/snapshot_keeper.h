// Takes snapshots of our own state while the replica serves: a chunk at a time, each on its own turn of the loop; tells
// the engine and the journal when one is durable, and purges old ones. Loop thread only.
//
// The journal is kept back to the oldest snapshot but one, so that a damaged newest snapshot costs nothing but time.
#pragma once

#include <functional>
#include <memory>

#include "env/world.h"
#include "replica/driver.h"
#include "replica/options.h"
#include "state/service/service.h"
#include "storage/snapshot_store.h"

namespace conclave::replica {

class SnapshotKeeper {
 public:
  SnapshotKeeper(env::World& world, const Options& options, state::Service& service, storage::SnapshotStore& store,
                 Driver& driver);
  ~SnapshotKeeper();

  // After each applied entry.
  void on_applied(size_t payload_bytes);
  // Starts a snapshot when one is due. Call it at the end of a turn.
  void maybe_begin();
  // Starts one now unless one is being taken; `done` (may be empty) is called when a snapshot that covers what is
  // applied now is durable or has failed.
  void begin_now(std::move_only_function<void()> done);
  // The state is about to be replaced: gives up a snapshot under way.
  void abandon();
  // A snapshot came from elsewhere (start, peer).
  void adopted(const storage::SnapshotFile& file);
  // Gives back what the snapshots that are there make needless: older ones, and the journal behind them.
  void trim();

  Index newest() const { return newest_; }
  bool busy() const { return job_ != nullptr; }
  uint64_t entries_since() const { return entries_since_; }  // applied since the newest one was begun
  // The last attempt failed, and the next one has to wait.
  bool waits_after_failure() const { return world_.clock.now() < retry_at_; }

 private:
  struct Job;

  void step();
  void committed(Result<storage::SnapshotFile> file);

  env::World& world_;
  const Options& options_;
  state::Service& service_;
  storage::SnapshotStore& store_;
  Driver& driver_;

  uint64_t entries_since_ = 0;
  uint64_t bytes_since_ = 0;
  Index newest_;
  Instant retry_at_{0};  // after a failure
  std::unique_ptr<Job> job_;
  uint64_t job_number_ = 0;  // completions of an abandoned job find another number and do nothing
};

}  // namespace conclave::replica
