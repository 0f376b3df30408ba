// What processes of this machine use, as /proc tells it. One that is gone counts as zero.
#pragma once

#include <cstdint>
#include <vector>

namespace conclave::app::bench {

struct CpuSample {
  std::vector<double> each_server_s;  // user and system time of each watched process
  double generator_s = 0;             // of this process
  double machine_s = 0;               // of every process and kernel thread on this machine
  double kernel_threads_s = 0;        // of those, kernel threads
  double steal_s = 0;
};
CpuSample sample_cpu(const std::vector<int>& pids);

// Between two samples.
struct CpuUsed {
  double servers_s = 0;
  double generator_s = 0;
  double machine_s = 0;
  double kernel_threads_s = 0;
  double steal_s = 0;

  // What neither the generator nor the watched servers nor the kernel's own threads used, with the host's share.
  double foreign_s() const { return machine_s - servers_s - generator_s - kernel_threads_s + steal_s; }
};
// A process that ended in between counts as idle, not as having given time back.
CpuUsed cpu_between(const CpuSample& before, const CpuSample& after);

// Resident memory of each process in KiB.
std::vector<uint64_t> sample_resident_kib(const std::vector<int>& pids);

}  // namespace conclave::app::bench
