// A world for storage tests: files in memory that forget what was not synced when the power fails, and a worker that
// runs inline. Deterministic: what survives a power cut is everything, nothing, or decided by a seed within the model
// of testing_disk.h. A process kill (no power cut) keeps everything. A sync that fails loses what it was for, though
// reading goes on to show it: a later sync succeeds without it (B36; ext4 and XFS mark the pages clean).
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "env/clock.h"
#include "env/executor.h"
#include "env/faults.h"
#include "env/files.h"
#include "storage/testing_disk.h"

namespace conclave::storage::testing {

class MemoryFiles final : public env::Files {
 public:
  MemoryFiles() = default;
  explicit MemoryFiles(MemoryDisk disk) : disk_(std::move(disk)) {}

  // --- env::Files
  Result<std::unique_ptr<env::File>> open(std::string_view name, Open mode) override;
  Result<std::vector<std::string>> list(std::string_view directory) override;
  Result<bool> exists(std::string_view name) override;
  Result<> make_directory(std::string_view name) override;
  Result<> rename(std::string_view from, std::string_view to) override;
  Result<> remove(std::string_view name) override;
  Result<> sync_directory(std::string_view directory) override;
  Result<> lock() override { return {}; }
  Result<uint64_t> free_bytes() override { return free_bytes_; }

  // --- faults. Mutating operations (create, write, resize, sync, rename, remove, making and syncing of a directory)
  // are counted from 1.
  uint64_t operations() const { return operations_; }
  const std::string& operation(uint64_t number) const { return log_.at(number - 1); }
  // The operation with this number fails, without effect; if `all_after`, so does every later one: the process is dead.
  void fail_at(uint64_t number, ErrorKind kind, bool all_after = false);
  // As fail_at(all_after), but the operation itself takes effect (as far as the crash lets it).
  void die_after(uint64_t number);
  bool failed() const { return failed_; }
  void clear_faults();
  // Called before each operation that is not made to fail: the disk is as a crash at this point would find it.
  void before_operation(std::function<void()> hook) { hook_ = std::move(hook); }
  void set_free_bytes(uint64_t bytes) { free_bytes_ = bytes; }  // a resize beyond it fails with no_space
  // Reading this byte fails.
  void set_read_error(std::string name, uint64_t offset) { read_error_ = {std::move(name), offset}; }

  // --- crashes
  // Files opened before are those of the dead process and show nothing of what comes after.
  enum class Lost { everything_unsynced, nothing, by_chance };
  void crash(Lost lost, uint64_t seed = 0, uint64_t sector_bytes = 512);
  const MemoryDisk& disk() const { return disk_; }

  // --- direct access. Content counts as durable.
  Bytes& content(std::string_view name);
  std::vector<std::string> names(std::string_view directory) { return *list(directory); }
  uint64_t bytes_used() const;

 private:
  friend class MemoryFile;

  Result<> count(std::string what);

  MemoryDisk disk_;
  std::function<void()> hook_;
  uint64_t operations_ = 0;
  std::vector<std::string> log_;
  std::optional<uint64_t> fail_at_;
  ErrorKind fail_kind_ = ErrorKind::io;
  bool fail_all_after_ = false;
  bool failed_ = false;
  uint64_t free_bytes_ = uint64_t{1} << 40;
  std::optional<std::pair<std::string, uint64_t>> read_error_;
};

// Runs work when told to, and then its completion, like a loop with one worker.
class InlineWorker final : public env::Worker {
 public:
  void submit(Task work, Task done) override { jobs_.push_back({std::move(work), std::move(done)}); }
  // Runs jobs, and the jobs that their completions submit, until none is left.
  void run() {
    while (step()) {
    }
  }
  bool step();
  // Runs the work of the next job, not its completion.
  void work_only();
  size_t queued() const { return jobs_.size(); }
  void drop_all() { jobs_.clear(); }  // the process died

 private:
  struct Job {
    Task work, done;
    bool worked = false;
  };
  std::deque<Job> jobs_;
};

class ManualClock final : public env::Clock {
 public:
  Instant now() const override {
    now_ = now_ + step;
    return now_;
  }
  int64_t wall_ms() const override { return 0; }
  Duration step{0};  // passes at every call

 private:
  mutable Instant now_;
};

// Fires the named points by chance.
class ChanceFaults final : public env::Faults {
 public:
  ChanceFaults(uint64_t seed, std::vector<std::string> points, uint64_t one_in)
      : random_(seed), points_(std::move(points)), one_in_(one_in) {}
  bool fires(std::string_view point) override {
    for (const std::string& p : points_) {
      if (p == point) return random_.chance(1, one_in_);
    }
    return false;
  }

 private:
  Random random_;
  std::vector<std::string> points_;
  uint64_t one_in_;
};

}  // namespace conclave::storage::testing
