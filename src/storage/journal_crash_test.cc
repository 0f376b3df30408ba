// Power cuts and failing disks at every operation of a scripted run (B01, B30, B31, B32, B36).

#include <gtest/gtest.h>

#include "storage/testing_journal.h"

namespace conclave::storage::testing {
namespace {

using Lost = MemoryFiles::Lost;

// A run with everything in it: grouped batches, a changed ballot, truncation, rolls, releases, recycling, a restart.
class Script {
 public:
  explicit Script(std::shared_ptr<MemoryFiles> files, env::Faults* faults = nullptr) {
    j_.files = std::move(files);
    if (faults) j_.faults = faults;
  }

  void run() {
    if (!j_.open(released_)) return;
    uint64_t last = 0;
    for (uint64_t round = 1; round <= 3; ++round) {
      for (int i = 0; i < 4; ++i) {
        append({.hard_state = promise(round, last), .entries = {entry(last + 1, round, noise(last, 900))}});
        append({.entries = {entry(last + 2, round, noise(last, 2500)), entry(last + 3, round, "")}});
        last += 3;
        j_.worker.run();
        if (!j_.failures.empty()) return;
      }
      append({.hard_state = promise(round + 100),
              .truncate_from = Index(last),
              .entries = {entry(last, round + 100, "t")}});
      j_.worker.run();
      if (!j_.failures.empty()) return;
      release(Index(last - 5));
      if (!j_.failures.empty()) return;
      if (round == 2 && !j_.open(released_)) return;
    }
    finished_ = true;
  }

  bool finished() const { return finished_; }
  const TestJournal& journal() const { return j_; }
  Index released() const { return released_; }

  // The recovered log must be one that some prefix of the persists made, not shorter than what was acknowledged.
  void check(const consensus::Recovered& recovered) const {
    EXPECT_TRUE(recovered.damaged.empty()) << "a crash is no damage";
    const size_t acknowledged = j_.acknowledged.empty() ? 0 : j_.acknowledged.back() + 1;
    ModelLog model;
    for (size_t n = 0; n <= persists_.size(); ++n) {
      if (n > 0) model.apply(persists_[n - 1]);
      if (n >= acknowledged && model.hard_state == recovered.hard_state && model.above(released_) == recovered.entries)
        return;
    }
    ADD_FAILURE() << "no prefix of at least " << acknowledged << " persists gives what was recovered: promised "
                  << to_string(recovered.hard_state.promised) << ", " << recovered.entries.size() << " entries";
  }

 private:
  void append(consensus::Persist persist) {
    persists_.push_back(persist);
    j_.append(persist);
  }
  void release(Index index) {
    released_ = index;
    j_.journal->release(index);
    j_.worker.run();
  }

  TestJournal j_;
  std::vector<consensus::Persist> persists_;
  Index released_;
  bool finished_ = false;
};

uint64_t operations_of_script() {
  Script script(std::make_shared<MemoryFiles>());
  script.run();
  EXPECT_TRUE(script.finished());
  return script.journal().files->operations();
}

void recover_and_go_on(const Script& script, const std::shared_ptr<MemoryFiles>& files) {
  TestJournal after;
  after.files = files;
  const auto opened = after.open(script.released());
  ASSERT_TRUE(opened) << opened.error().message;
  script.check(after.recovered);
  // What is written after the recovery is there after the next power cut, and nothing of the torn write is.
  ModelLog model = model_of(after.recovered);
  for (uint64_t i = 100; i < 103; ++i) {
    const consensus::Persist persist{.hard_state = promise(500 + i), .entries = {entry(i, 500, "after")}};
    after.append_and_wait(persist);
    model.apply(persist);
  }
  ASSERT_EQ(after.acknowledged.size(), 3u);
  files->crash(Lost::everything_unsynced);
  after.expect_after_restart(model, script.released());
}

TEST(JournalCrash, EverythingAcknowledgedSurvivesAPowerCutAtEveryOperation) {
  const uint64_t operations = operations_of_script();
  uint64_t states = 0;
  for (uint64_t at = 0; at <= operations; ++at) {
    for (uint64_t variant = 0; variant < 12; ++variant) {
      auto files = std::make_shared<MemoryFiles>();
      Script script(files);
      files->die_after(at);
      script.run();
      const Lost lost = variant == 0 ? Lost::everything_unsynced : variant == 1 ? Lost::nothing : Lost::by_chance;
      files->crash(lost, at * 100 + variant, variant % 2 == 0 ? 512 : 4096);
      SCOPED_TRACE(::testing::Message() << "after operation " << at << ", variant " << variant);
      recover_and_go_on(script, files);
      ++states;
      if (HasFailure()) return;
    }
  }
  RecordProperty("disk_states", std::to_string(states));
}

TEST(JournalCrash, TheRecoveryItselfMayBeCut) {
  const uint64_t operations = operations_of_script();
  for (uint64_t at = 7; at <= operations; at += 13) {
    for (uint64_t again = 0; again < 16; ++again) {
      auto files = std::make_shared<MemoryFiles>();
      Script script(files);
      files->die_after(at);
      script.run();
      files->crash(Lost::by_chance, at);
      TestJournal second;
      second.files = files;
      files->die_after(files->operations() + again);
      (void)second.open(script.released());
      files->crash(Lost::by_chance, at + again);
      SCOPED_TRACE(::testing::Message() << "after operation " << at << ", then " << again << " into the recovery");
      recover_and_go_on(script, files);
      if (HasFailure()) return;
    }
  }
}

// A killed process leaves everything in the page cache, where the next one reads it. What that one relies on must be
// durable, or a later power cut would take it back.
TEST(JournalCrash, WhatARestartReliesOnSurvivesALaterPowerCut) {
  const uint64_t operations = operations_of_script();
  for (uint64_t at = 0; at <= operations; ++at) {
    for (uint64_t seed = 0; seed < 4; ++seed) {
      auto files = std::make_shared<MemoryFiles>();
      Script script(files);
      files->die_after(at);
      script.run();
      files->clear_faults();  // killed: nothing is lost yet
      TestJournal second;
      second.files = files;
      SCOPED_TRACE(::testing::Message() << "killed after operation " << at << ", seed " << seed);
      ASSERT_TRUE(second.open(script.released()));
      script.check(second.recovered);
      const ModelLog relied_on = model_of(second.recovered);
      files->crash(seed == 0 ? Lost::everything_unsynced : Lost::by_chance, seed);
      TestJournal third;
      third.files = files;
      third.expect_after_restart(relied_on, script.released());
      if (HasFailure()) return;
    }
  }
}

// B32, B36: an error at any operation is a clean one: nothing acknowledged after it, and a restart finds all before it.
class JournalErrors : public ::testing::TestWithParam<ErrorKind> {};

TEST_P(JournalErrors, AtEveryOperationAreClean) {
  const uint64_t operations = operations_of_script();
  for (uint64_t at = 1; at <= operations; ++at) {
    auto files = std::make_shared<MemoryFiles>();
    Script script(files);
    files->fail_at(at, GetParam());
    script.run();
    SCOPED_TRACE(::testing::Message() << "operation " << at << ": " << files->operation(at));
    EXPECT_TRUE(files->failed());
    if (!script.finished()) {
      EXPECT_LE(script.journal().failures.size(), 1u);
      for (const Error& error : script.journal().failures) EXPECT_EQ(error.kind, GetParam());
    }
    files->clear_faults();
    files->crash(at % 2 == 0 ? Lost::by_chance : Lost::everything_unsynced, at);
    recover_and_go_on(script, files);
    if (HasFailure()) return;
  }
}
INSTANTIATE_TEST_SUITE_P(Kinds, JournalErrors, ::testing::Values(ErrorKind::io, ErrorKind::no_space),
                         [](const auto& p) { return p.param == ErrorKind::io ? "Eio" : "Enospc"; });

TEST(JournalCrash, HardStateAndEntriesAreOneBatch) {  // B01
  for (uint64_t seed = 0; seed < 200; ++seed) {
    TestJournal j;
    ASSERT_TRUE(j.open());
    j.append_and_wait({.hard_state = promise(1), .entries = {entry(1, 1, noise(1, 700))}});
    j.append({.hard_state = promise(2),
              .truncate_from = Index(1),
              .entries = {entry(1, 2, noise(2, 700)), entry(2, 2, "b")}});
    j.files->die_after(j.files->operations() + 1);  // written, not synced
    j.worker.run();
    j.files->crash(Lost::by_chance, seed);
    ASSERT_TRUE(j.open());
    if (j.recovered.hard_state == promise(1)) {
      EXPECT_EQ(j.recovered.entries, std::vector{entry(1, 1, noise(1, 700))});
    } else {
      EXPECT_EQ(j.recovered.hard_state, promise(2));
      EXPECT_EQ(j.recovered.entries, (std::vector{entry(1, 2, noise(2, 700)), entry(2, 2, "b")}));
    }
  }
}

TEST(JournalCrash, ANewSegmentIsUsedOnlyOnceItsNameIsDurable) {  // B30
  TestJournal j;
  ASSERT_TRUE(j.open());
  ModelLog model;
  for (uint64_t i = 1; i <= 60; ++i) {
    const consensus::Persist persist{.entries = {entry(i, 1, noise(i, 1000))}};
    j.append_and_wait(persist);
    model.apply(persist);
    auto copy = j.files;  // every state right after an acknowledgement
    copy->crash(Lost::everything_unsynced);
    j.expect_after_restart(model);
  }
  EXPECT_GT(j.segments().size(), 3u);
}

}  // namespace
}  // namespace conclave::storage::testing
