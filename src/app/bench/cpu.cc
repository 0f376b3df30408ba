#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

#include "app/bench/load.h"

namespace conclave::app::bench {
namespace {

double process_cpu_ticks(int pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t name_end = text.rfind(')');  // the name may hold blanks
  if (name_end == std::string::npos) return 0;
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  for (int i = 3; i <= 13; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;  // fields 14 and 15 of proc(5)
  return user + system;
}

}  // namespace

CpuSample sample_cpu(const std::vector<int>& pids) {
  const auto ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
  CpuSample sample;
  for (const int pid : pids) sample.servers_s += process_cpu_ticks(pid) / ticks_per_s;

  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  for (const timeval& t : {usage.ru_utime, usage.ru_stime})
    sample.generator_s += static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;

  std::ifstream file("/proc/stat");
  std::string label;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  file >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  sample.machine_s = (user + nice + system + irq + softirq) / ticks_per_s;
  sample.steal_s = steal / ticks_per_s;
  return sample;
}

}  // namespace conclave::app::bench
