// What a snapshot store shares with the writers and receivers it handed out: the outside world and the list of files.
// Loop thread only, but for the const members, which tasks on the worker use too.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "env/executor.h"
#include "env/faults.h"
#include "env/files.h"
#include "storage/snapshot_store.h"

namespace conclave::storage {

struct SnapshotState {
  env::Files& files;
  env::Worker& worker;
  env::Faults& faults;
  const std::string directory;
  const CellId cell;

  std::vector<SnapshotFile> list;   // newest first
  std::set<std::string> valid;      // names of files known to be whole: written, received, loaded or verified here
  std::set<std::string> receiving;  // names of partial files with a receiver
  std::set<std::string> deserted;   // of those that are about to be removed

  std::string path(const std::string& name) const { return directory + "/" + name; }
  // Puts a whole file on the list, in its place.
  void add(const SnapshotFile& file);
  void remove(const std::string& name);
};

// Reads the whole file and compares it with what its name says. Blocking.
Result<> verify_snapshot(const SnapshotState& state, const std::string& path, const SnapshotMeta& meta,
                         const std::function<Result<>(BytesView)>& feed = {});

// How many bytes of a snapshot may be written before they are synced: a big sync would delay those of the journal.
inline constexpr uint64_t kSnapshotSyncBytes = 8 << 20;

std::unique_ptr<SnapshotWriter> make_snapshot_writer(std::shared_ptr<SnapshotState> state, const SnapshotMeta& meta);
// REQUIRES: the partial file of `have` bytes is there if have > 0.
std::unique_ptr<SnapshotReceiver> make_snapshot_receiver(std::shared_ptr<SnapshotState> state, const SnapshotMeta& meta,
                                                         uint64_t size, uint64_t have);

}  // namespace conclave::storage
