// Scripted runs of one journal, and what must hold wherever they are cut. Tests only.
#pragma once

#include <algorithm>
#include <fmt/format.h>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "storage/testing_crash_explorer.h"
#include "storage/testing_journal.h"

namespace conclave::storage::testing {

// A scripted run of one journal. Whatever a crash leaves must be recovered to the state after some persist, not before
// the last one acknowledged, without damage, and be of use.
class JournalRun final : public CrashSubject {
 public:
  using Script = std::function<void(JournalRun&)>;
  explicit JournalRun(Script script) : script_(std::move(script)) {}

  // --- for scripts. After the first error the process is dead, and nothing more happens.
  void append(consensus::Persist persist) {
    if (!alive()) return;
    ModelLog next = models_.back();
    next.apply(persist);
    models_.push_back(std::move(next));
    j_.append(persist);
  }
  void flush() { j_.worker.run(); }
  void append_and_wait(consensus::Persist persist) {
    append(std::move(persist));
    flush();
  }
  void release(Index index) {
    if (!alive()) return;
    released_ = index;
    j_.journal->release(index);
    flush();
  }
  void restart() {
    if (alive()) opened_ = j_.open(released_).has_value();
  }
  const TestJournal& journal() const { return j_; }
  bool finished() const { return finished_; }

  // --- CrashSubject
  void run(const CrashFiles& files) override {
    j_.files = files.memory;
    j_.seen = &files.seen();
    restart();
    script_(*this);
    finished_ = alive();
  }
  uint64_t obligations() const override {
    return xxh3_64(fmt::format("{} {} {}", acknowledged(), released_.value, relied_on_ ? recoveries_ : 0));
  }
  std::optional<std::string> judge(const std::shared_ptr<MemoryFiles>& files) override {
    TestJournal after;
    after.files = files;
    if (const auto opened = after.open(released_); !opened) return "refuses to start: " + opened.error().message;
    if (!after.recovered.damaged.empty()) return "takes a crash for damage";
    ModelLog model = model_of(after.recovered);
    if (!some_prefix_is(model)) {
      return fmt::format("not the state after any of the persists {} to {}: promised {}, {} entries", acknowledged(),
                         models_.size() - 1, to_string(model.hard_state.promised), model.entries.size());
    }
    if (relied_on_ && model != *relied_on_) return "not what an earlier recovery relied on";
    return goes_on(&after, std::move(model));
  }
  void recover(const CrashFiles& files) override {
    TestJournal again;
    again.files = files.memory;
    again.seen = &files.seen();
    if (!again.open(released_)) return;
    ++recoveries_;
    relied_on_ = model_of(again.recovered);
  }
  void recovery_over() override { relied_on_.reset(); }

 private:
  bool alive() const { return opened_ && j_.failures.empty(); }
  size_t acknowledged() const { return j_.acknowledged.empty() ? 0 : j_.acknowledged.back() + 1; }
  bool some_prefix_is(const ModelLog& log) const {
    for (size_t n = acknowledged(); n < models_.size(); ++n) {
      if (models_[n].hard_state != log.hard_state) continue;
      const auto& entries = models_[n].entries;
      if (std::ranges::equal(entries.upper_bound(released_), entries.end(), log.entries.begin(), log.entries.end())) {
        return true;
      }
    }
    return false;
  }

  // What is written after the recovery is there after the next power cut, and nothing of the torn write is.
  static std::optional<std::string> goes_on(TestJournal* after, ModelLog model) {
    for (uint64_t i = 100; i < 103; ++i) {
      const consensus::Persist persist{.hard_state = promise(500 + i), .entries = {entry(i, 500, "after")}};
      after->append_and_wait(persist);
      model.apply(persist);
    }
    if (after->acknowledged.size() != 3) return "takes no more persists";
    after->files->crash(MemoryFiles::Lost::everything_unsynced);
    if (const auto opened = after->open(); !opened) return "refuses the second start: " + opened.error().message;
    const Index from = model.entries.begin()->first;
    std::erase_if(after->recovered.entries, [&](const auto& e) { return e.index < from; });  // released ones
    if (model_of(after->recovered) != model) return "lost what was persisted after the recovery";
    return std::nullopt;
  }

  const Script script_;
  TestJournal j_;
  std::vector<ModelLog> models_ = {ModelLog{}};  // after each number of persists
  Index released_;
  bool opened_ = true;
  bool finished_ = false;
  std::optional<ModelLog> relied_on_;
  uint64_t recoveries_ = 0;
};

inline void votes(JournalRun& run) {
  run.append_and_wait({.hard_state = promise(1)});
  run.append_and_wait({.hard_state = promise(2)});
  run.append_and_wait({.hard_state = promise(3, 1), .entries = {entry(1, 3, "chosen")}});
  run.append_and_wait({.hard_state = promise(4, 1)});
}

inline void groups_and_changed_ballots(JournalRun& run) {
  for (uint64_t round = 1; round <= 3; ++round) {
    run.append({.hard_state = promise(round), .entries = {entry(1, round, noise(round, 1200))}});
    // These wait for the sync of the first and share the next one.
    run.append({.entries = {entry(2, round, noise(round, 700)), entry(3, round, "")}});
    run.append({.hard_state = promise(round + 10)});
    run.append({.entries = {entry(2, round + 10, noise(round, 900))}});
    run.flush();
  }
}

inline void truncation_over_segments(JournalRun& run) {  // B31
  for (uint64_t i = 1; i <= 12; ++i) run.append_and_wait({.entries = {entry(i, 1, noise(i, 3000))}});
  run.append_and_wait({.hard_state = promise(2), .truncate_from = Index(3), .entries = {entry(3, 2, noise(3, 2000))}});
  run.append({.entries = {entry(4, 2, "four")}});
  run.append({.truncate_from = Index(2), .entries = {entry(2, 3, "two")}});
  run.flush();
}

inline void rolls_releases_and_recycling(JournalRun& run) {
  uint64_t last = 0;
  for (uint64_t round = 1; round <= 3; ++round) {
    for (int i = 0; i < 4; ++i) {
      run.append({.hard_state = promise(round, last), .entries = {entry(last + 1, round, noise(last, 900))}});
      run.append({.entries = {entry(last + 2, round, noise(last, 2500)), entry(last + 3, round, "")}});
      last += 3;
      run.flush();
    }
    run.release(Index(last - 5));
  }
}

inline void restarts(JournalRun& run) {
  for (uint64_t i = 1; i <= 6; ++i) run.append_and_wait({.entries = {entry(i, 1, noise(i, 3500))}});
  run.restart();
  run.append_and_wait({.hard_state = promise(2), .entries = {entry(7, 2, noise(7, 1500))}});
  run.restart();  // the segment of the start before holds one batch more than it began with
  run.restart();  // and this one nothing more
  run.append({.truncate_from = Index(7), .entries = {entry(7, 3, "x")}});
  run.append({.entries = {entry(8, 3, noise(8, 2000))}});
  run.flush();
  run.release(Index(5));
  run.restart();
}

inline void a_batch_longer_than_a_segment(JournalRun& run) {
  run.append_and_wait({.entries = {entry(1, 1, "small")}});
  run.append_and_wait({.hard_state = promise(2), .entries = {entry(2, 2, noise(2, 13'000))}});
  run.append_and_wait({.entries = {entry(3, 2, "small")}});
}

struct JournalScript {
  const char* name;
  void (*script)(JournalRun&);
};
inline std::ostream& operator<<(std::ostream& out, const JournalScript& named) {
  return out << named.name;
}

inline constexpr JournalScript kJournalScripts[] = {{"Votes", votes},
                                                    {"GroupsAndChangedBallots", groups_and_changed_ballots},
                                                    {"TruncationOverSegments", truncation_over_segments},
                                                    {"RollsReleasesAndRecycling", rolls_releases_and_recycling},
                                                    {"Restarts", restarts},
                                                    {"ABatchLongerThanASegment", a_batch_longer_than_a_segment}};

}  // namespace conclave::storage::testing
