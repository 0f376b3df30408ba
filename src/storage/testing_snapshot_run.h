// Scripted runs of one snapshot store, and what must hold wherever they are cut. Tests only.
#pragma once

#include <algorithm>
#include <cstddef>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <ostream>
#include <set>
#include <string>
#include <vector>

#include "base/checksum.h"
#include "storage/testing_crash_explorer.h"
#include "storage/testing_snapshots.h"

namespace conclave::storage::testing {

inline std::vector<Bytes> state_at(uint64_t index) {
  return {noise(index, 700), Bytes(2000, static_cast<char>('a' + index % 26)), noise(index + 1000, 2500)};
}
inline Bytes whole_state_at(uint64_t index) {
  Bytes out;
  for (const Bytes& chunk : state_at(index)) out += chunk;
  return out;
}

// Whatever a crash leaves: the store opens, what it lists is whole, what was acknowledged and not given up is listed,
// what was removed or put aside stays away, and the store goes on: writes, finishes a reception, purges.
class SnapshotRun final : public CrashSubject {
 public:
  using Script = std::function<void(SnapshotRun&)>;
  explicit SnapshotRun(Script script) : script_(std::move(script)) {
    alive_ = peer_.open() && peer_.write(kOffered, state_at(kOffered));
  }

  static constexpr uint64_t kOffered = 20;  // index of the snapshot that a peer has for us

  // --- for scripts. After the first error the process is dead, and nothing more happens.
  void write(uint64_t index) {
    if (alive_) note(s_.write(index, state_at(index)).has_value(), [&] { promised_.insert(index); });
  }
  // Receives from the peer, at most so many pieces.
  void receive(size_t pieces = SIZE_MAX) {
    if (!alive_) return;
    receiving_ = true;
    if (transfer(peer_, peer_.store->list().at(0), s_, pieces)) promised_.insert(kOffered);
  }
  void rot(uint64_t index) {
    if (!alive_) return;
    promised_.erase(index);
    rotten_.insert(index);
    s_.content(file_at(index))[300] ^= 1;
  }
  void quarantine(uint64_t index) {
    if (!alive_) return;
    note(s_.store->quarantine(file_at(index)).has_value(), [&] { gone_.insert(index); });
  }
  void purge(size_t keep) {
    if (!alive_) return;
    std::vector<uint64_t> before = s_.indexes();
    std::erase_if(before, [this](uint64_t index) { return rotten_.contains(index); });
    for (size_t i = keep; i < before.size(); ++i) promised_.erase(before[i]);
    note(s_.purge(keep).has_value(),
         [&] { gone_.insert(before.begin() + static_cast<std::ptrdiff_t>(keep), before.end()); });
  }
  void restart() {
    if (alive_) alive_ = s_.open().has_value();
  }
  bool finished() const { return finished_; }

  // --- CrashSubject
  void run(const CrashFiles& files) override {
    s_.files = files.memory;
    s_.seen = &files.seen();
    restart();
    script_(*this);
    finished_ = alive_;
  }
  uint64_t obligations() const override {
    return xxh3_64(fmt::format("{} | {} | {} | {} {}", fmt::join(promised_, " "), fmt::join(gone_, " "),
                               fmt::join(rotten_, " "), receiving_, relied_on_ ? recoveries_ : 0));
  }
  std::optional<std::string> judge(const std::shared_ptr<MemoryFiles>& files) override {
    TestStore after;
    after.files = files;
    if (const auto opened = after.open(); !opened) return "refuses to start: " + opened.error().message;
    for (const std::string& name : files->names("snapshots")) {
      if (name.ends_with(".partial")) return "an unfinished file stays: " + name;
    }
    if (relied_on_ && after.indexes() != *relied_on_) return "not what an earlier recovery listed";
    if (auto wrong = judge_list(after, promised_)) return wrong;
    return goes_on(&after);
  }
  void recover(const CrashFiles& files) override {
    TestStore again;
    again.files = files.memory;
    again.seen = &files.seen();
    if (!again.open()) return;
    ++recoveries_;
    relied_on_ = again.indexes();
  }
  void recovery_over() override { relied_on_.reset(); }

 private:
  static constexpr uint64_t kAfter = 30;  // index of the snapshot written after the recovery

  void note(bool done, const std::function<void()>& acknowledged) {
    alive_ = done;
    if (done) acknowledged();
  }
  SnapshotFile file_at(uint64_t index) const {
    return *std::ranges::find(s_.store->list(), Index(index), [](const SnapshotFile& file) { return file.meta.index; });
  }

  std::optional<std::string> judge_list(TestStore& store, const std::set<uint64_t>& promised) const {
    std::set<uint64_t> listed;
    for (const SnapshotFile& file : store.store->list()) {
      const uint64_t index = file.meta.index.value;
      if (gone_.contains(index)) return fmt::format("snapshot {} came back", index);
      const auto state = store.load(file);
      if (rotten_.contains(index)) {
        if (state || state.error().kind != ErrorKind::corrupt) return fmt::format("snapshot {} must be corrupt", index);
        continue;
      }
      if (!state) return fmt::format("snapshot {} is listed and not whole: {}", index, state.error().message);
      if (*state != whole_state_at(index)) return fmt::format("snapshot {} holds another state", index);
      listed.insert(index);
    }
    for (const uint64_t index : promised) {
      if (!listed.contains(index)) return fmt::format("snapshot {} is lost", index);
    }
    return std::nullopt;
  }

  std::optional<std::string> goes_on(TestStore* after) {
    std::set<uint64_t> promised = promised_;
    if (receiving_ && !promised.contains(kOffered)) {
      // What was received may have suffered; then it is thrown away, and the next try begins anew (B43).
      const SnapshotFile offered = peer_.store->list().at(0);
      if (!transfer(peer_, offered, *after) && !transfer(peer_, offered, *after)) return "cannot receive any more";
      promised.insert(kOffered);
    }
    if (!after->write(kAfter, state_at(kAfter))) return "cannot write any more";
    promised.insert(kAfter);
    after->files->crash(MemoryFiles::Lost::everything_unsynced);
    if (const auto opened = after->open(); !opened) return "refuses the second start: " + opened.error().message;
    if (auto wrong = judge_list(*after, promised)) return "after the second start: " + *wrong;
    if (!after->purge(1)) return "cannot purge any more";
    after->files->crash(MemoryFiles::Lost::everything_unsynced);
    if (!after->open() || after->indexes() != std::vector<uint64_t>{kAfter}) return "the purge does not last";
    return judge_list(*after, {kAfter});
  }

  const Script script_;
  TestStore s_, peer_;
  std::set<uint64_t> promised_;  // acknowledged, and neither purged nor rotten
  std::set<uint64_t> gone_;      // purged or put aside, acknowledged
  std::set<uint64_t> rotten_;
  bool receiving_ = false;
  bool alive_ = true;
  bool finished_ = false;
  std::optional<std::vector<uint64_t>> relied_on_;
  uint64_t recoveries_ = 0;
};

inline void writes(SnapshotRun& run) {
  run.write(1);
  run.write(2);
  run.restart();
  run.write(3);
}

inline void purges(SnapshotRun& run) {
  for (uint64_t index = 1; index <= 4; ++index) run.write(index);
  run.purge(3);
  run.restart();
  run.write(5);
  run.purge(1);  // removes three at once: a file system may reorder that
}

inline void a_reception_that_resumes(SnapshotRun& run) {  // B43
  run.write(1);
  run.receive(2);
  run.restart();
  run.receive(3);
  run.receive();
  run.purge(1);
}

inline void a_reception_that_is_overtaken(SnapshotRun& run) {
  run.receive(2);
  run.write(21);
  run.restart();
}

inline void quarantine(SnapshotRun& run) {  // B34
  for (uint64_t index = 1; index <= 3; ++index) run.write(index);
  run.rot(3);
  run.restart();
  run.quarantine(3);
  run.rot(2);
  run.restart();
  run.purge(1);  // puts 2 aside, keeps 1
  run.write(4);
}

struct SnapshotScript {
  const char* name;
  void (*script)(SnapshotRun&);
};
inline std::ostream& operator<<(std::ostream& out, const SnapshotScript& named) {
  return out << named.name;
}

inline constexpr SnapshotScript kSnapshotScripts[] = {{"Writes", writes},
                                                      {"Purges", purges},
                                                      {"AReceptionThatResumes", a_reception_that_resumes},
                                                      {"AReceptionThatIsOvertaken", a_reception_that_is_overtaken},
                                                      {"Quarantine", quarantine}};

}  // namespace conclave::storage::testing
