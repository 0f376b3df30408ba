// Faults as data: a run's schedule is a list of them, so that it can be printed, replayed, edited and shrunk. One line
// each:
//
//   at 12345ms power-cut replica=2 lasting=3200ms amount=4096 choice=77
//
// What a fault does not say (which replica, which halves of a partition, which bits) it draws from `choice` alone, when
// it strikes: taking one fault out of a schedule changes no other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"

namespace conclave::sim {

enum class FaultKind : uint8_t {
  // processes
  kill,           // kill -9; back after `lasting`
  power_cut,      // unsynced writes are lost, torn at `amount` bytes (0: lost whole); back after `lasting`
  power_cut_all,  // every replica at once
  crash_in_disk,  // dies within a disk call, `amount` calls from now, by a power cut
  pause,          // stands still for `lasting`
  slow,           // each turn of its loop takes up to `amount` microseconds more, for `lasting`
  transfer_lead,  // told to stop as by SIGTERM, which hands over the lead; back after `lasting`
  // network
  isolate,        // one replica cut from all others and from clients
  partition,      // two halves
  one_way_cut,    // one direction of one link
  bridge,         // two halves that one replica still sees
  ring,           // each replica sees only its two neighbours
  clog,           // a link delivers nothing, then everything
  slow_links,     // latencies of all links up to `amount` microseconds
  short_reads,    // what arrives at streams is read in pieces, `amount` in a million
  reset_clients,  // connections between clients and one replica are reset
  half_open,      // one replica has forgotten half of its connections; the other sides have not
  drop_frames,    // between replicas; `amount` in a million. More than TCP does
  duplicate_frames,
  reorder_frames,
  replay_frames,  // frames of the past are delivered again
  // clocks
  clock_rate,       // off by `amount` - 1,000,000 parts in a million, for `lasting`
  clock_jump,       // the monotonic clock jumps ahead by `lasting`, as after the suspension of a machine
  wall_clock_jump,  // the wall clock jumps by `amount` - 10^9 milliseconds
  // disks
  disk_stall,         // every call waits until `lasting` has passed
  disk_error,         // a write or sync fails with EIO, `amount` calls from now
  disk_full,          // no space for `lasting`
  bit_rot,            // a bit of a file at rest flips; `amount` not 0: of what was written last
  misdirected_write,  // a write lands at another place
  // code
  fault_points,  // fault points of the product fire, `amount` in a million, for `lasting`
  // clients
  client_crash,    // a client program dies and another takes its place after `lasting`
  client_isolate,  // a client sees no replica for `lasting`
  // the lock service
  crash_in_fail_over,  // the master is killed, and the next one when it reaches step `amount` of nine (CH-77)
  // the operator
  change_members,  // the master is told of other members: which ones follows from `choice`
  lose_disk,       // a replica dies, and its disk is empty when it is back after `lasting` (B38)
};

struct FaultType {
  FaultKind kind;
  std::string_view name;
};
// Every kind, in the order of the enum.
std::span<const FaultType> fault_types();
std::string_view name_of(FaultKind kind);

// Whom a fault strikes: a replica by number, or by its part at that moment.
struct Target {
  static constexpr uint8_t kAny = 0, kMaster = 254, kFollower = 255;
  uint8_t who = kAny;
  friend bool operator==(Target, Target) = default;
};

struct Fault {
  Duration at;
  FaultKind kind = FaultKind::kill;
  Target target;
  Duration lasting{0};
  uint64_t amount = 0;
  uint64_t choice = 0;
  friend bool operator==(const Fault&, const Fault&) = default;
};

std::string to_string(const Fault& fault);
// Error: invalid_argument, with what is wrong. `line` begins with "at".
Result<Fault> parse_fault(std::string_view line);

// "12345ms", "30us", "4s": exact. parse_duration takes that, minutes ("2min") and fractions ("1.5s").
std::string to_text(Duration duration);
Result<Duration> parse_duration(std::string_view text);

}  // namespace conclave::sim
