// Every disk that a power cut at any call may leave of journal and snapshots together, used as a replica uses them: a
// snapshot, then the release of the journal behind the second newest one, then the purge.

#include <algorithm>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <optional>
#include <set>
#include <string>

#include "base/checksum.h"
#include "storage/journal_recovery.h"
#include "storage/testing_journal_run.h"
#include "storage/testing_snapshot_run.h"

namespace conclave::storage::testing {
namespace {

// A journal and a snapshot store in one data directory.
struct DataDirectory {
  explicit DataDirectory(const CrashFiles& files) {
    snapshots.files = journal.files = files.memory;
    snapshots.seen = journal.seen = &files.seen();
  }
  explicit DataDirectory(const std::shared_ptr<MemoryFiles>& files) : DataDirectory(CrashFiles{.memory = files}) {}

  // Snapshots first: they say from where on the journal counts.
  Result<> open() {
    if (auto ok = snapshots.open(); !ok) return ok;
    return journal.open(newest());
  }
  Index newest(size_t nth = 0) const {
    const auto& list = snapshots.store->list();
    return nth < list.size() ? list[nth].meta.index : Index(0);
  }

  TestStore snapshots;
  TestJournal journal;
};

// Up to where the journal is released when a snapshot is taken. A replica does the first.
enum class Release { behind_second_newest, behind_newest, before_commit };

class ReplicaDisk final : public CrashSubject {
 public:
  static constexpr uint64_t kReceived = SnapshotRun::kOffered;

  explicit ReplicaDisk(Release release = Release::behind_second_newest) : release_(release) {
    prepared_ = peer_.open() && peer_.write(kReceived, state_at(kReceived));
  }

  // --- CrashSubject
  void run(const CrashFiles& files) override {
    d_.emplace(files);
    if (!prepared_ || !d_->open()) return;
    for (uint64_t index = 1; index <= 12; ++index) {
      persist({.hard_state = promise(index, index - 1), .entries = {entry(index, index, noise(index, 2200))}});
      if (!alive()) return;
      if (index % 4 == 0 && !take_snapshot(index)) return;
      if (index == 6 && !d_->open()) return;
    }
    // A laggard: the log goes on behind what a peer's snapshot covers.
    if (!transfer(peer_, peer_.store->list().at(0), d_->snapshots)) return;
    promised_.insert(kReceived);
    for (uint64_t index = kReceived + 1; index <= kReceived + 3; ++index) {
      persist({.hard_state = promise(index, index - 1), .entries = {entry(index, index, noise(index, 1500))}});
    }
    finished_ = alive() && take_snapshot(kReceived + 3);
  }
  uint64_t obligations() const override {
    return xxh3_64(fmt::format("{} {} {}", acknowledged(), fmt::join(promised_, " "), relied_on_ ? recoveries_ : 0));
  }
  std::optional<std::string> judge(const std::shared_ptr<MemoryFiles>& files) override {
    DataDirectory after(files);
    if (const auto ok = after.snapshots.open(); !ok) return "snapshots refuse to open: " + ok.error().message;
    if (auto wrong = judge_snapshots(after)) return wrong;
    if (auto wrong = judge_reach(after)) return wrong;
    if (const auto ok = after.journal.open(after.newest()); !ok) return "refuses to start: " + ok.error().message;
    if (!after.journal.recovered.damaged.empty()) return "takes a crash for damage";
    const ModelLog log = model_of(after.journal.recovered);
    if (!some_prefix_is(log, after.newest()))
      return fmt::format("snapshot {} and journal do not fit", after.newest().value);
    if (relied_on_ && (*relied_on_ != log || relied_on_snapshot_ != after.newest())) {
      return "not what an earlier recovery relied on";
    }
    return goes_on(&after, log);
  }
  void recover(const CrashFiles& files) override {
    DataDirectory again(files);
    if (!again.open()) return;
    ++recoveries_;
    relied_on_ = model_of(again.journal.recovered);
    relied_on_snapshot_ = again.newest();
  }
  void recovery_over() override { relied_on_.reset(); }

  bool finished() const { return finished_; }

 private:
  bool alive() const { return d_->journal.failures.empty(); }
  size_t acknowledged() const {
    return d_ && !d_->journal.acknowledged.empty() ? d_->journal.acknowledged.back() + 1 : 0;
  }
  void append(consensus::Persist persist) {
    ModelLog next = models_.back();
    next.apply(persist);
    models_.push_back(std::move(next));
    d_->journal.append(persist);
  }
  void persist(consensus::Persist persist) {
    append(std::move(persist));
    d_->journal.worker.run();
  }

  // The replica serves meanwhile: votes are persisted while the snapshot's writes are not yet synced.
  bool take_snapshot(uint64_t index) {
    auto writer = d_->snapshots.store->begin(meta_at(index));
    if (!writer) return false;
    bool committed = false;
    for (const Bytes& chunk : state_at(index)) {
      (*writer)->append(chunk, [](Result<>) {});
      d_->snapshots.worker.run();
      persist({.hard_state = promise(++votes_, index)});
    }
    if (release_ == Release::before_commit) release(Index(index));
    (*writer)->commit([&](Result<SnapshotFile> file) { committed = file.has_value(); });
    d_->snapshots.worker.run();
    if (!committed) return false;
    promised_.insert(index);
    if (d_->snapshots.store->list().size() < 2) return alive();
    release(d_->newest(release_ == Release::behind_newest ? 0 : 1));
    while (promised_.size() > 2) promised_.erase(promised_.begin());
    return alive() && d_->snapshots.purge(2);
  }

  void release(Index index) {
    d_->journal.journal->release(index);
    d_->journal.worker.run();
  }

  std::optional<std::string> judge_snapshots(DataDirectory& after) const {
    for (const SnapshotFile& file : after.snapshots.store->list()) {
      const auto state = after.snapshots.load(file);
      if (!state || *state != whole_state_at(file.meta.index.value)) return "a snapshot is listed and not whole";
    }
    for (const uint64_t index : promised_) {
      if (std::ranges::count(after.snapshots.indexes(), index) == 0) return fmt::format("snapshot {} is lost", index);
    }
    return std::nullopt;
  }
  // Were the newest snapshot damaged, the journal would have to reach back to the one before, or to the beginning. A
  // snapshot of a peer is the exception: it was taken because the journal does not reach that far.
  std::optional<std::string> judge_reach(DataDirectory& after) const {
    if (after.newest() == Index(0) || after.newest() >= Index(kReceived)) return std::nullopt;
    if (!after.journal.files->exists("journal").value()) return "the journal is lost";
    const auto recovered = recover_journal(*after.journal.files, "journal", after.newest(1));
    if (!recovered) return "the journal is not readable: " + recovered.error().message;
    ModelLog log{.hard_state = recovered->hard_state};
    for (const auto& e : recovered->entries) log.entries[e.index] = e;
    if (some_prefix_is(log, after.newest(1))) return std::nullopt;
    return fmt::format("the journal does not reach back to snapshot {}", after.newest(1).value);
  }
  bool some_prefix_is(const ModelLog& log, Index above) const {
    for (size_t n = acknowledged(); n < models_.size(); ++n) {
      const auto& entries = models_[n].entries;
      if (models_[n].hard_state == log.hard_state &&
          std::ranges::equal(entries.upper_bound(above), entries.end(), log.entries.begin(), log.entries.end())) {
        return true;
      }
    }
    return false;
  }

  static std::optional<std::string> goes_on(DataDirectory* after, ModelLog log) {
    const consensus::Persist persist{.hard_state = promise(500), .entries = {entry(50, 500, "after")}};
    after->journal.append_and_wait(persist);
    log.apply(persist);
    if (after->journal.acknowledged.size() != 1 || !after->snapshots.write(49, state_at(49))) return "does not go on";
    after->journal.files->crash(MemoryFiles::Lost::everything_unsynced);
    if (const auto ok = after->open(); !ok) return "refuses the second start: " + ok.error().message;
    if (after->newest() != Index(49) || after->journal.recovered.hard_state != log.hard_state ||
        after->journal.recovered.entries != log.above(Index(49))) {
      return "lost what was written after the recovery";
    }
    return std::nullopt;
  }

  const Release release_;
  TestStore peer_;
  bool prepared_ = false;
  std::optional<DataDirectory> d_;
  std::vector<ModelLog> models_ = {ModelLog{}};  // after each number of persists
  std::set<uint64_t> promised_;                  // snapshots acknowledged and not up for the purge
  uint64_t votes_ = 100;
  bool finished_ = false;
  std::optional<ModelLog> relied_on_;
  Index relied_on_snapshot_;
  uint64_t recoveries_ = 0;
};

TEST(DataDirectoryCrashStates, AreAllRecovered) {
  ReplicaDisk disk;
  const CrashReport report = explore_crashes(disk, "both");
  for (const std::string& violation : report.violations) ADD_FAILURE() << violation;
  EXPECT_TRUE(disk.finished());
  record(report);
}

// Tests of the test: a replica that lets go of the journal too early.
TEST(DataDirectoryCrashStates, AReleaseBehindTheNewestSnapshotIsFound) {
  ReplicaDisk disk(Release::behind_newest);
  const CrashReport report = explore_crashes(disk, "", {.judged_one_in = 1, .recovery_cut_one_in = 0});
  ASSERT_EQ(report.violations.size(), 1u);
  EXPECT_THAT(report.violations[0], ::testing::HasSubstr("the journal does not reach back to snapshot"));
}

TEST(DataDirectoryCrashStates, AReleaseBeforeTheSnapshotIsDurableIsFound) {
  ReplicaDisk disk(Release::before_commit);
  const CrashReport report = explore_crashes(disk, "", {.judged_one_in = 1, .recovery_cut_one_in = 0});
  ASSERT_EQ(report.violations.size(), 1u);
  EXPECT_THAT(report.violations[0], ::testing::HasSubstr("and journal do not fit"));
}

}  // namespace
}  // namespace conclave::storage::testing
