// What a scenario does to the machines of its cell. Hosts are replicas by number ("master": whoever leads), clients by
// name, and * for all replicas.
//
//   (* is everybody whom it can be done to: start * starts those that do not run; a power cut also ends what a process
//   that ended by itself left to its machine)
//   kill HOSTS, power-cut HOSTS [survive=PERCENT] [torn=BYTES], start HOSTS, stop N, pause HOSTS, resume HOSTS
//   slow N TIME                 each turn of its loop takes up to so much longer
//   die N call=C [how=kill]     by a power cut, in the middle of its Cth call from now that changes the disk
//   cut A-B | A->B, heal [A-B | A->B], isolate A, clog A->B TIME, reset A-B, half-open A-B (A forgets, B does not)
//   latency TIME                of every message from now on
//   clock N ppm=RATE | jump=TIME | wall=TIME (back: wall=-TIME)
//   disk N ...                  disks.h
//   fault KIND ...              strikes now, as a line of a plan without its time
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sim/cluster/nemesis.h"
#include "sim/scenario/hosts.h"
#include "sim/scenario/stage.h"

namespace conclave::sim::scenario {

class Machines {
 public:
  Machines(Cell& cell, Hosts& hosts, int64_t seed);

  // Is the word the name of one of their commands?
  static bool knows(std::string_view word);
  // False: it is not for machines.
  Result<bool> perform(Command& command, Output& out);

 private:
  using Link = std::pair<uint32_t, uint32_t>;

  Result<> on_process(const std::string& what, Command& command);
  Result<> on_link(const std::string& what, Command& command);
  Result<> crash(const std::string& what, Host& host, Command& command);
  Result<> die(Command& command);
  Result<> clock(Command& command);
  Result<> heal(Command& command);
  Result<> fault(Command& command);
  // Of "A-B" both ways, of "A->B" one.
  Result<std::vector<Link>> links(const std::string& word) const;

  Cell& cell_;
  World& world_;
  Hosts& hosts_;
  FaultPoints points_;
  Nemesis nemesis_;
  std::map<uint32_t, DiskImage> saved_;  // of disks, by host
};

}  // namespace conclave::sim::scenario
