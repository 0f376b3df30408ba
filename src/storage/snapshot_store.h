// Snapshots: checksummed files, each the exact state at one index, written in chunks while the replica serves. A file
// gets its final name only when it is complete and durable. docs/formats/snapshot.md gives every byte.
//
// Used from the loop thread; blocking work runs on the worker given, except in open() and load(), which run before the
// loop serves.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"
#include "base/result.h"
#include "consensus/api/ballot.h"
#include "env/executor.h"
#include "env/faults.h"
#include "env/files.h"

namespace conclave::storage {

struct SnapshotMeta {
  CellId cell;
  Index index;               // state after applying the log up to here
  consensus::Ballot ballot;  // of the entry at `index`
  Zxid zxid;
  int64_t taken_ms = 0;  // wall clock
  friend bool operator==(const SnapshotMeta&, const SnapshotMeta&) = default;
};

struct SnapshotFile {
  SnapshotMeta meta;
  std::string name;
  uint64_t size = 0;
};

// Writes one snapshot from chunks of state. Destroying it unfinished removes the partial file.
class SnapshotWriter {
 public:
  virtual ~SnapshotWriter() = default;
  // One chunk at a time: the next after `done`.
  virtual void append(Bytes chunk, std::move_only_function<void(Result<>)> done) = 0;
  // Seals, syncs, renames, syncs the directory.
  virtual void commit(std::move_only_function<void(Result<SnapshotFile>)> done) = 0;
};

// Receives the file of a peer, byte by byte as it is there. Destroying it unfinished keeps the partial file, so that a
// later receiver for the same meta and size resumes; after an error of the disk it is removed (B36).
class SnapshotReceiver {
 public:
  virtual ~SnapshotReceiver() = default;
  virtual uint64_t have() const = 0;  // bytes already here: where to go on
  virtual void append(uint64_t offset, Bytes bytes, std::move_only_function<void(Result<>)> done) = 0;
  // Verifies every checksum, then makes it a snapshot like our own. On `corrupt` the partial file is removed.
  virtual void commit(std::move_only_function<void(Result<SnapshotFile>)> done) = 0;
};

class SnapshotStore {
 public:
  // Opens `directory` ("snapshots" under the data directory), removes leftovers of unfinished writes (but for
  // resumable receptions) and lists what is there.
  static Result<std::unique_ptr<SnapshotStore>> open(env::Files& files, env::Worker& worker, env::Faults& faults,
                                                     std::string directory, CellId cell);
  virtual ~SnapshotStore() = default;

  // Complete files, newest first; not yet verified.
  virtual const std::vector<SnapshotFile>& list() const = 0;
  // Streams the chunks of state in a file through `feed`, verifying each. Blocking: at start and in tools.
  virtual Result<> load(const SnapshotFile& file, const std::function<Result<>(BytesView chunk)>& feed) = 0;
  // A file found corrupt: renamed aside, so that it is kept for the operator and never chosen again.
  virtual Result<> quarantine(const SnapshotFile& file) = 0;

  virtual Result<std::unique_ptr<SnapshotWriter>> begin(const SnapshotMeta& meta) = 0;
  // Partial files that have no receiver, but the one that this one resumes, are removed.
  virtual Result<std::unique_ptr<SnapshotReceiver>> receive(const SnapshotMeta& meta, uint64_t size) = 0;
  // Raw bytes of a file, for sending to a peer.
  virtual void read(const SnapshotFile& file, uint64_t offset, size_t size,
                    std::move_only_function<void(Result<Bytes>)> done) = 0;
  // Removes all but the newest `keep` files that were written, received or loaded whole by this process or verify now;
  // never removes the last valid one (B34).
  virtual void purge(size_t keep, std::move_only_function<void(Result<size_t>)> done) = 0;
};

}  // namespace conclave::storage
