#include "replica/recovery.h"

#include <algorithm>
#include <string>

#include "base/log.h"
#include "base/probe.h"
#include "replica/members.h"

namespace conclave::replica {

namespace {

// A voter that lost its disk can undo what it took part in choosing (B38).
constexpr const char* kStartingEmpty =
    "The other replicas hold the data, but a replica that starts empty has forgotten what it accepted: move its data "
    "directory away only while every other replica runs and is up to date, and one replica at a time";

// What was known to be committed here and is gone counts as damaged: this replica abstains until its peers have told it
// again (B34: it never starts as if it had held nothing).
Result<> note_missing_positions(consensus::Recovered& log, size_t missing_max) {
  std::vector<Index> missing;
  auto entry = log.entries.begin();
  auto damaged = log.damaged.begin();
  for (Index i = log.snapshot_index.next(); i <= log.hard_state.committed; i = i.next()) {
    while (entry != log.entries.end() && entry->index < i) ++entry;
    while (damaged != log.damaged.end() && *damaged < i) ++damaged;
    const bool held = entry != log.entries.end() && entry->index == i;
    const bool known_damaged = damaged != log.damaged.end() && *damaged == i;
    if (!held && !known_damaged) missing.push_back(i);
    if (missing.size() > missing_max) {
      return fail(ErrorKind::corrupt,
                  "the journal says that everything up to index " + to_string(log.hard_state.committed) +
                      " was committed, but neither it nor a usable snapshot holds index " + to_string(missing.front()) +
                      " and what follows: files are missing. Put them back. " + kStartingEmpty);
    }
  }
  log.damaged.insert(log.damaged.end(), missing.begin(), missing.end());
  std::ranges::sort(log.damaged);
  return {};
}

}  // namespace

Result<> load_snapshot(storage::SnapshotStore& snapshots, const storage::SnapshotFile& file, state::Service& service) {
  const auto loader = service.begin_load();
  auto loaded = snapshots.load(file, [&loader](BytesView chunk) { return loader->feed(chunk); });
  if (loaded) loaded = loader->finish();
  if (loaded) {
    if (auto membership = membership_of(service); !membership) loaded = std::unexpected(membership.error());
  }
  if (!loaded) return fail(loaded.error().kind, "snapshot " + file.name + ": " + loaded.error().message);
  return {};
}

Result<Recovered> recover(const env::World& world, const Options& options) {
  Recovered recovered;
  if (auto locked = world.files.lock(); !locked) return std::unexpected(locked.error());
  if (&world.journal_files != &world.files) {
    if (auto locked = world.journal_files.lock(); !locked) return std::unexpected(locked.error());
  }
  auto snapshots =
      storage::SnapshotStore::open(world.files, world.snapshot_worker, world.faults, "snapshots", options.cell);
  if (!snapshots) return std::unexpected(snapshots.error());
  recovered.snapshots = std::move(*snapshots);
  recovered.service = std::make_unique<state::Service>();

  const std::vector<storage::SnapshotFile> files = recovered.snapshots->list();
  // The journal reaches back to the second newest snapshot, or to the beginning when there are fewer (SnapshotKeeper).
  const Index journal_from = files.size() >= 2 ? files[1].meta.index : Index();
  bool loaded = files.empty();
  for (const storage::SnapshotFile& file : files) {
    if (file.meta.index < journal_from) break;
    const auto result = load_snapshot(*recovered.snapshots, file, *recovered.service);
    if (result) {
      recovered.log.snapshot_index = file.meta.index;
      recovered.log.snapshot_ballot = file.meta.ballot;
      loaded = true;
      break;
    }
    CONCLAVE_PROBE("replica.snapshot-put-aside");
    log::error("replica", "a snapshot is damaged and put aside",
               {{"file", file.name}, {"reason", result.error().message}});
    if (auto aside = recovered.snapshots->quarantine(file); !aside) return std::unexpected(aside.error());
  }
  if (!loaded) {
    if (files.size() >= 2) {
      return fail(ErrorKind::corrupt, "the two newest snapshots (" + files[0].name + ", " + files[1].name +
                                          ") are damaged and the journal does not reach back to an older one. " +
                                          kStartingEmpty);
    }
    recovered.service = std::make_unique<state::Service>();  // the journal still begins at the beginning
  }

  auto identity = storage::open_identity(world.journal_files, storage::kJournalDirectory, options.cell,
                                         options.consensus.self, world.entropy);
  if (!identity) return std::unexpected(identity.error());
  recovered.identity = *std::move(identity);

  auto opened = storage::Journal::open(world.journal_files, world.journal_worker, world.clock, world.faults,
                                       storage::kJournalDirectory,
                                       {.cell = options.cell,
                                        .replica = options.consensus.self,
                                        .engine = consensus::number_of(options.engine),
                                        .segment_bytes = options.journal_segment_bytes,
                                        .slow_sync = options.slow_sync},
                                       recovered.log.snapshot_index);
  if (!opened) return std::unexpected(opened.error());
  recovered.journal = std::move(opened->journal);
  const Index snapshot_index = recovered.log.snapshot_index;
  const consensus::Ballot snapshot_ballot = recovered.log.snapshot_ballot;
  recovered.log = std::move(opened->recovered);
  recovered.log.snapshot_index = snapshot_index;
  recovered.log.snapshot_ballot = snapshot_ballot;
  recovered.log.membership = membership_of(*recovered.service)->membership;
  if (auto complete = note_missing_positions(recovered.log, options.missing_positions_max); !complete) {
    return std::unexpected(complete.error());
  }
  log::info("replica", "recovered",
            {{"snapshot", to_string(snapshot_index)},
             {"entries", recovered.log.entries.size()},
             {"promised", to_string(recovered.log.hard_state.promised)},
             {"damaged", recovered.log.damaged.size()}});
  for (const Index index : recovered.log.damaged) {
    CONCLAVE_PROBE("replica.damaged-entry");
    log::warning("replica", "a journal entry is damaged; it will be repaired from the other replicas",
                 {{"index", to_string(index)}});
  }
  return recovered;
}

}  // namespace conclave::replica
