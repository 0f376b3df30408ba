// A snapshot store on files in memory, and a transfer between two of them. Tests only.
#pragma once

#include <gtest/gtest.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "storage/snapshot_store.h"
#include "storage/testing_files.h"
#include "storage/testing_journal.h"

namespace conclave::storage::testing {

inline constexpr CellId kCell(0xCE11);

inline SnapshotMeta meta_at(uint64_t index) {
  return {.cell = kCell,
          .index = Index(index),
          .ballot = {3, ReplicaId(2)},
          .zxid = Zxid(index * 10),
          .taken_ms = 1'700'000'000'000};
}

class TestStore {
 public:
  std::shared_ptr<MemoryFiles> files = std::make_shared<MemoryFiles>();
  env::Files* seen = nullptr;  // a decorator of `files` that the store sees instead
  InlineWorker worker;
  env::Faults no_faults;
  env::Faults* faults = &no_faults;
  std::unique_ptr<SnapshotStore> store;

  Result<> open() {
    store.reset();
    worker.drop_all();
    auto opened = SnapshotStore::open(seen ? *seen : *files, worker, *faults, "snapshots", kCell);
    if (!opened) return std::unexpected(opened.error());
    store = std::move(*opened);
    return {};
  }

  // Writes a snapshot of these chunks. The first error, or the file.
  Result<SnapshotFile> write(uint64_t index, const std::vector<Bytes>& chunks) {
    auto writer = store->begin(meta_at(index));
    if (!writer) return std::unexpected(writer.error());
    std::optional<Error> error;
    for (const Bytes& chunk : chunks) {
      (*writer)->append(chunk, [&](Result<> ok) {
        if (!ok && !error) error = ok.error();
      });
      worker.run();
    }
    if (error) {
      writer->reset();
      worker.run();
      return std::unexpected(*error);
    }
    Result<SnapshotFile> out = fail(ErrorKind::closed, "commit never completed");
    (*writer)->commit([&](Result<SnapshotFile> file) { out = std::move(file); });
    worker.run();
    writer->reset();
    worker.run();
    return out;
  }

  Result<Bytes> load(const SnapshotFile& file) {
    Bytes out;
    auto ok = store->load(file, [&](BytesView chunk) -> Result<> {
      out.append(chunk);
      return {};
    });
    if (!ok) return std::unexpected(ok.error());
    return out;
  }

  // REQUIRES: the file loads. Throws otherwise, which fails the test.
  Bytes load_whole(const SnapshotFile& file) { return load(file).value(); }

  Result<size_t> purge(size_t keep) {
    Result<size_t> out = fail(ErrorKind::closed, "purge never completed");
    store->purge(keep, [&](Result<size_t> n) { out = std::move(n); });
    worker.run();
    return out;
  }

  std::vector<uint64_t> indexes() const {
    std::vector<uint64_t> out;
    for (const SnapshotFile& file : store->list()) out.push_back(file.meta.index.value);
    return out;
  }
  Bytes& content(const SnapshotFile& file) { return files->content("snapshots/" + file.name); }
};

inline const std::vector<Bytes> kChunks = {"first chunk, first chunk, first chunk, first chunk", noise(3, 700), "",
                                           Bytes(5000, 'z')};
inline const Bytes kWhole = kChunks[0] + kChunks[1] + kChunks[2] + kChunks[3];

// Sends `file` of `from` to `to` in pieces, stopping after `pieces`.
inline Result<SnapshotFile> transfer(TestStore& from, const SnapshotFile& file, TestStore& to, size_t pieces = SIZE_MAX,
                                     size_t piece = 300) {
  auto receiver = to.store->receive(file.meta, file.size);
  if (!receiver) return std::unexpected(receiver.error());
  Result<SnapshotFile> out = fail(ErrorKind::closed, "stopped");
  while ((*receiver)->have() < file.size && pieces-- > 0) {
    const uint64_t offset = (*receiver)->have();
    std::optional<Error> error;
    from.store->read(file, offset, piece, [&](Result<Bytes> bytes) {
      ASSERT_TRUE(bytes);
      (*receiver)->append(offset, std::move(*bytes), [&](Result<> ok) {
        if (!ok) error = ok.error();
      });
      to.worker.run();
    });
    from.worker.run();
    if (error) return std::unexpected(*error);
  }
  if ((*receiver)->have() < file.size) return out;
  (*receiver)->commit([&](Result<SnapshotFile> received) { out = std::move(received); });
  to.worker.run();
  return out;
}

}  // namespace conclave::storage::testing
