// A journal on files in memory, and what it should hold. Tests only.
#pragma once

#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "storage/journal.h"
#include "storage/testing_files.h"

namespace conclave::storage::testing {

inline consensus::Entry entry(uint64_t index, uint64_t round, std::string payload) {
  consensus::Entry out{.index = Index(index), .ballot = {round, ReplicaId(1)}};
  out.kind = payload.empty() ? consensus::EntryKind::noop : consensus::EntryKind::transaction;
  if (!payload.empty()) out.payload = Blob(std::move(payload));
  return out;
}

inline consensus::HardState promise(uint64_t round, uint64_t committed = 0) {
  return {.promised = {round, ReplicaId(2)}, .committed = Index(committed), .owed = Index(round / 2)};
}

inline Bytes noise(uint64_t seed, size_t size) {
  Random random(seed);
  Bytes out;
  while (out.size() < size) out.push_back(static_cast<char>(random.u64()));
  return out;
}

// What a log is after a sequence of persists.
struct ModelLog {
  consensus::HardState hard_state;
  std::map<Index, consensus::Entry> entries;

  void apply(const consensus::Persist& persist) {
    if (persist.hard_state) hard_state = *persist.hard_state;
    if (persist.truncate_from) entries.erase(entries.lower_bound(*persist.truncate_from), entries.end());
    for (const auto& e : persist.entries) entries[e.index] = e;
  }
  std::vector<consensus::Entry> above(Index index) const {
    std::vector<consensus::Entry> out;
    for (auto it = entries.upper_bound(index); it != entries.end(); ++it) out.push_back(it->second);
    return out;
  }
  friend bool operator==(const ModelLog&, const ModelLog&) = default;
};

inline ModelLog model_of(const consensus::Recovered& recovered) {
  ModelLog out{.hard_state = recovered.hard_state};
  for (const auto& e : recovered.entries) out.entries[e.index] = e;
  return out;
}

// One replica's journal: files, worker and the journal itself, which can be opened again.
class TestJournal {
 public:
  std::shared_ptr<MemoryFiles> files = std::make_shared<MemoryFiles>();
  env::Files* seen = nullptr;  // a decorator of `files` that the journal sees instead
  InlineWorker worker;
  ManualClock clock;
  env::Faults no_faults;
  env::Faults* faults = &no_faults;
  JournalOptions options{.cell = CellId(0xCE11), .replica = ReplicaId(1), .segment_bytes = 16 << 10};
  std::unique_ptr<Journal> journal;
  consensus::Recovered recovered;
  std::vector<Error> failures;
  size_t submitted = 0;
  std::vector<size_t> acknowledged;  // numbers of persists, in the order of their completions

  Result<> open(Index snapshot = Index(0)) {
    journal.reset();
    worker.drop_all();
    auto opened = Journal::open(seen ? *seen : *files, worker, clock, *faults, "journal", options, snapshot);
    if (!opened) return std::unexpected(opened.error());
    journal = std::move(opened->journal);
    recovered = std::move(opened->recovered);
    journal->on_failure([this](Error error) { failures.push_back(std::move(error)); });
    return {};
  }
  void append(const consensus::Persist& persist) {
    journal->append(persist, [this, number = submitted++] { acknowledged.push_back(number); });
  }
  void append_and_wait(const consensus::Persist& persist) {
    append(persist);
    worker.run();
  }
  // Opens again and expects exactly `model`.
  void expect_after_restart(const ModelLog& model, Index snapshot = Index(0)) {
    const auto ok = open(snapshot);
    ASSERT_TRUE(ok) << ok.error().message;
    EXPECT_EQ(recovered.hard_state, model.hard_state);
    EXPECT_EQ(recovered.entries, model.above(snapshot));
    EXPECT_TRUE(recovered.damaged.empty());
  }
  std::vector<std::string> segments() const {
    std::vector<std::string> out;
    for (const std::string& name : files->names("journal")) {
      if (name.starts_with("segment-")) out.push_back("journal/" + name);
    }
    return out;
  }
  size_t count_operations(std::string_view what, uint64_t from = 0) const {
    size_t n = 0;
    for (uint64_t i = from + 1; i <= files->operations(); ++i) n += files->operation(i).starts_with(what) ? 1 : 0;
    return n;
  }
};

}  // namespace conclave::storage::testing
