// What goes wrong on a disk, call by call: rules that a test or a nemesis gives to Disk::inject(). A rule looks at the
// calls that it names and strikes either once, at the nth of them, or each time by chance.
//
//   disk.inject({.on = {DiskOperation::sync}, .effect = DiskEffect::io_error, .prefix = "journal/", .nth = 3});
//   disk.inject({.on = {DiskOperation::write}, .effect = DiskEffect::misdirect, .per_million = 100});
//
// Pure decisions, from the seed; disk_calls.cc carries them out. One thread.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/random.h"
#include "base/time.h"

namespace conclave::sim {

enum class DiskOperation : uint8_t {
  open,
  create,
  read,
  write,
  resize,
  sync,
  rename,
  remove,
  make_directory,
  list,
  sync_directory,
};
std::string_view to_string(DiskOperation operation);

// A set of them.
class DiskOperations {
 public:
  constexpr DiskOperations() = default;
  constexpr DiskOperations(std::initializer_list<DiskOperation> operations) {
    for (const DiskOperation operation : operations) bits_ |= 1u << static_cast<unsigned>(operation);
  }
  constexpr void add(DiskOperation operation) { bits_ |= 1u << static_cast<unsigned>(operation); }
  constexpr bool contains(DiskOperation operation) const { return (bits_ >> static_cast<unsigned>(operation)) & 1u; }
  constexpr bool empty() const { return bits_ == 0; }
  // All of these are in `others`.
  constexpr bool within(DiskOperations others) const { return (bits_ & ~others.bits_) == 0; }

 private:
  uint32_t bits_ = 0;
};

// Those that change what is on the disk, or what a power cut leaves of it.
inline constexpr DiskOperations kChangingOperations = {
    DiskOperation::create, DiskOperation::write,  DiskOperation::resize,         DiskOperation::sync,
    DiskOperation::rename, DiskOperation::remove, DiskOperation::make_directory, DiskOperation::sync_directory};

enum class DiskEffect : uint8_t {
  io_error,   // EIO. A write may be done in part; a failed sync of a file leaves pages clean that were never written
              // (B36), of a directory nothing is lost
  no_space,   // ENOSPC, in the same ways
  lie,        // write, sync, sync_directory: success is reported and nothing is done
  misdirect,  // read, write: another place of the file, or of another file, is read or written instead
  stall,      // the call takes `time` longer
  kill,       // the process dies in the middle of the call, which is done, not done, or done in part
  power_cut,  // the whole machine does
};
std::string_view to_string(DiskEffect effect);

struct DiskFault {
  DiskOperations on;
  DiskEffect effect = DiskEffect::io_error;
  std::string prefix;  // of the file's name, as it was opened; empty: any file
  // Bytes [from, to) of the file; reads and writes that touch none of them are left alone.
  uint64_t from = 0;
  uint64_t to = ~uint64_t{0};
  uint64_t nth = 0;          // strikes at the nth matching call from now, once;
  uint32_t per_million = 0;  // or, if nth is 0, at each matching call with this chance
  Duration time{0};          // of a stall
};
using DiskFaultId = uint64_t;  // 0 is never given out

// One call, as rules see it.
struct DiskCall {
  DiskOperation operation = DiskOperation::read;
  std::string_view name;
  uint64_t offset = 0;  // of reads and writes
  uint64_t size = 0;
};

class DiskFaultPlan {
 public:
  explicit DiskFaultPlan(uint64_t seed) : random_(seed) {}

  DiskFaultId add(DiskFault fault);
  void remove(DiskFaultId id) { rules_.erase(id); }
  void clear() { rules_.clear(); }

  struct Verdict {
    Duration stall{0};
    std::optional<DiskEffect> effect;  // of the first rule that strikes, stalls aside
  };
  Verdict judge(const DiskCall& call) { return rules_.empty() ? Verdict{} : judge_by_rules(call); }

  Random& random() { return random_; }

 private:
  Verdict judge_by_rules(const DiskCall& call);
  bool strikes(DiskFault& rule);

  Random random_;
  std::map<DiskFaultId, DiskFault> rules_;
  DiskFaultId last_id_ = 0;
};

}  // namespace conclave::sim
