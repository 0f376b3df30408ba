#include "app/bench/processes.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <sys/resource.h>
#include <unistd.h>

namespace conclave::app::bench {
namespace {

struct ProcessTicks {
  double used = 0;  // user and system
  int parent = 0;
};

ProcessTicks read_process(const std::string& pid) {
  std::ifstream file("/proc/" + pid + "/stat");
  const std::string text((std::istreambuf_iterator<char>(file)), {});
  const size_t name_end = text.rfind(')');  // the name may hold blanks
  if (name_end == std::string::npos) return {};
  std::istringstream fields(text.substr(name_end + 1));
  std::string skipped;
  ProcessTicks ticks;
  double user = 0, system = 0;
  fields >> skipped >> ticks.parent;  // fields 3 and 4 of proc(5)
  for (int i = 5; i <= 13; ++i) fields >> skipped;
  fields >> user >> system;
  ticks.used = user + system;
  return ticks;
}

// Threads of the kernel itself (children of kthreadd): they write back and commit what the servers write.
double kernel_thread_ticks() {
  double ticks = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.empty() || std::isdigit(static_cast<unsigned char>(name[0])) == 0) continue;
    const ProcessTicks process = read_process(name);
    if (process.parent == 2) ticks += process.used;
  }
  return ticks;
}

}  // namespace

CpuSample sample_cpu(const std::vector<int>& pids) {
  const auto ticks_per_s = static_cast<double>(sysconf(_SC_CLK_TCK));
  CpuSample sample;
  for (const int pid : pids) sample.each_server_s.push_back(read_process(std::to_string(pid)).used / ticks_per_s);
  sample.kernel_threads_s = kernel_thread_ticks() / ticks_per_s;

  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  for (const timeval& t : {usage.ru_utime, usage.ru_stime})
    sample.generator_s += static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) / 1e6;

  std::ifstream file("/proc/stat");
  std::string label;
  double user = 0, nice = 0, system = 0, idle = 0, iowait = 0, irq = 0, softirq = 0, steal = 0;
  file >> label >> user >> nice >> system >> idle >> iowait >> irq >> softirq >> steal;
  sample.machine_s = (user + nice + system) / ticks_per_s;  // interrupts are the load's own
  sample.steal_s = steal / ticks_per_s;
  return sample;
}

CpuUsed cpu_between(const CpuSample& before, const CpuSample& after) {
  CpuUsed used{.generator_s = after.generator_s - before.generator_s,
               .machine_s = after.machine_s - before.machine_s,
               .kernel_threads_s = after.kernel_threads_s - before.kernel_threads_s,
               .steal_s = after.steal_s - before.steal_s};
  for (size_t i = 0; i < before.each_server_s.size(); ++i)
    used.servers_s += std::max(0.0, after.each_server_s[i] - before.each_server_s[i]);
  return used;
}

std::vector<uint64_t> sample_resident_kib(const std::vector<int>& pids) {
  std::vector<uint64_t> resident;
  const auto page_kib = static_cast<uint64_t>(sysconf(_SC_PAGESIZE)) / 1024;
  for (const int pid : pids) {
    std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
    uint64_t total = 0, pages = 0;
    file >> total >> pages;
    resident.push_back(pages * page_kib);
  }
  return resident;
}

}  // namespace conclave::app::bench
