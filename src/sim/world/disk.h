// One host's disk. It outlives crashes: files of the page cache survive a killed process, and a power cut loses what
// was not synced, file data and directory entries each on their own (B30: a file synced in a directory that was not).
//
// After a power cut a file holds its synced content plus a seeded choice of the later writes (`survive_percent` each;
// with `torn_writes`, sector by sector), and a directory its synced entries plus a seeded prefix of the later changes,
// as a journalling file system replays them. The default loses everything unsynced.
//
// A disk can also fail in every way that disks do: inject() for calls, the other faults for what is stored. All are
// recorded in the trace. One thread.
//
// One thing is not done to it: that the very last write before a crash is misdirected. Nothing on a disk tells that
// from a crash before the write, and a replica that forgets a promise unawares is none that a majority may count. So a
// misdirected write stays lost once a later write has been synced, and is put in its place if the process ends before.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/random.h"
#include "base/result.h"
#include "base/task.h"
#include "base/time.h"
#include "sim/world/disk_faults.h"
#include "sim/world/inode.h"
#include "sim/world/scheduler.h"
#include "sim/world/trace.h"

namespace conclave::sim {

enum class Crash {
  kill,       // kill -9: the page cache survives, connections are reset
  power_cut,  // what was not synced is lost, connections are left half-open
};

struct DiskOptions {
  uint64_t capacity_bytes = uint64_t{16} << 30;
  Duration read_time = Duration::micros(30);  // per call
  Duration write_time = Duration::micros(15);
  Duration sync_time_min = Duration::micros(100);
  Duration sync_time_max = Duration::micros(400);
  uint32_t survive_percent = 0;  // chance of an unsynced change to survive a power cut
  bool torn_writes = false;      // a surviving write may survive in part, by sectors
  uint64_t sector_bytes = 512;   // or 4096
};

// What was durable at one moment. Cheap to keep: it shares pages with the disk.
class DiskImage {
 public:
  DiskImage() = default;

 private:
  friend class Disk;
  explicit DiskImage(std::shared_ptr<const Inode> root) : root_(std::move(root)) {}
  std::shared_ptr<const Inode> root_;
};

struct FileInfo {
  std::string name;  // as env::Files calls it: "name" or "directory/name"
  uint64_t size = 0;
};

class Disk {
 public:
  // `host` is for the trace.
  Disk(Scheduler& scheduler, Trace& trace, uint32_t host, uint64_t seed, DiskOptions options);

  // Settable at any time: a full disk is one of a small capacity, a slow one takes more time.
  DiskOptions& options() { return options_; }
  const std::shared_ptr<Inode>& root() const { return root_; }
  uint64_t used_bytes() const { return root_->used_bytes(); }
  uint64_t free_bytes() const;
  // How often files were synced so far, over all lives; for measuring. Syncs of directories are not counted.
  uint64_t file_syncs() const { return file_syncs_; }

  // --- faults of calls
  DiskFaultId inject(DiskFault fault) { return plan_.add(std::move(fault)); }
  void remove_fault(DiskFaultId id) { plan_.remove(id); }
  void clear_faults() { plan_.clear(); }
  // No worker begins or ends a job until release(). Reads before the loop of a process starts are not held up.
  void stall();
  void release();
  bool stalled() const { return stalled_; }

  // --- faults of what is stored; a running process sees them in its next read
  std::vector<FileInfo> files() const;  // sorted by name
  // Flips the bits of `mask`; false if there is no such byte.
  bool corrupt(std::string_view name, uint64_t offset, uint8_t mask);
  // Flips the bits of `mask` in the newest write, `place` bytes into it, counted round. False if there is no such
  // write, or this was done to it already: nobody need tell two such bits from a write that a crash cut short.
  bool corrupt_last_write(uint64_t place, uint8_t mask);
  // REQUIRES of wipe and restore: no process runs on the host; an open file would go on as if it had been removed.
  void wipe();
  DiskImage image() const { return DiskImage(root_->durable_copy()); }
  void restore(const DiskImage& image);
  // The process is gone, or its machine's power.
  void process_ended(Crash how);

  // --- for Files, File, Worker and Host
  // Whether the file may grow to `size`.
  bool has_room(const Inode& inode, uint64_t size);
  // Calls under the fault plan. `name` is for errors and rules; room and rights are the caller's business.
  Result<> write(const std::shared_ptr<Inode>& inode, std::string_view name, uint64_t offset, BytesView bytes);
  Result<Bytes> read(const Inode& inode, std::string_view name, uint64_t offset, size_t size);
  Result<> sync(Inode& inode, std::string_view name, DiskOperation which);
  // Any other call: `effect` does it, if the plan lets it.
  template <class F>
  Result<> perform(DiskOperation which, std::string_view name, F&& effect) {
    const auto struck = begin({.operation = which, .name = name});
    if (!struck || (is_crash(*struck) && plan_.random().chance(1, 2))) effect();
    return struck ? end(*struck, which, name) : Result<>();
  }
  // Runs `task` as an event of its own after the next release().
  void when_released(Task task) { waiting_.push_back(std::move(task)); }
  // How a process dies in the middle of a call.
  void on_crash(std::function<void(Crash)> crash) { crash_ = std::move(crash); }
  // Virtual time that the calls since the last take_time() would have taken.
  Duration take_time();

  // The lock of the data directory: which life of the host holds it; 0 is none.
  uint64_t lock_holder = 0;

 private:
  struct Place {
    Inode* inode = nullptr;  // null: nowhere
    uint64_t offset = 0;
    uint64_t size = 0;
  };
  // A misdirected write, as long as nothing later in its directory bears witness to it.
  struct Unwitnessed {
    std::shared_ptr<Inode> inode;
    std::string directory;
    uint64_t offset = 0;
    Bytes bytes;
    const Inode* later = nullptr;  // has been written since, and not synced
  };
  // No byte: it was corrupted.
  struct Written {
    std::weak_ptr<Inode> inode;
    uint64_t offset = 0;
    uint64_t size = 0;
  };
  static bool is_crash(DiskEffect effect) { return effect == DiskEffect::kill || effect == DiskEffect::power_cut; }
  // Spends the time of the call and says what strikes it.
  std::optional<DiskEffect> begin(const DiskCall& call);
  // The error of a call that was struck; if it is a crash, the crash.
  Result<> end(DiskEffect effect, DiskOperation which, std::string_view name);
  void write_after_misdirected(const std::shared_ptr<Inode>& file, std::string_view name, uint64_t offset,
                               uint64_t size);
  Place elsewhere(const Inode& inode, uint64_t offset, uint64_t size);
  Inode* find(std::string_view name) const;
  void power_cut();
  void record(std::string_view what, uint64_t a = 0, uint64_t b = 0);

  Scheduler& scheduler_;
  Trace& trace_;
  uint32_t host_;
  DiskOptions options_;
  Random random_;
  DiskFaultPlan plan_;
  std::shared_ptr<Inode> root_;
  std::function<void(Crash)> crash_;
  Duration time_{0};
  uint64_t file_syncs_ = 0;
  bool stalled_ = false;
  std::optional<Unwitnessed> unwitnessed_;
  Written last_write_;
  std::vector<Task> waiting_;
};

}  // namespace conclave::sim
