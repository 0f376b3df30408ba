#include "app/server/process_figures.h"

#include <filesystem>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <system_error>
#include <unistd.h>

namespace conclave::app {

namespace fs = std::filesystem;

int64_t file_descriptors_open() {
  int64_t count = 0;
  std::error_code error;
  for (fs::directory_iterator at("/proc/self/fd", error), end; !error && at != end; at.increment(error)) ++count;
  return count;
}

int64_t file_descriptors_max() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return limit.rlim_cur == RLIM_INFINITY ? -1 : static_cast<int64_t>(limit.rlim_cur);
}

uint64_t directory_bytes(const std::string& directory) {
  uint64_t bytes = 0;
  std::error_code error;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error)) {
    std::error_code gone;  // the file may be removed meanwhile
    const uint64_t size = at->is_regular_file(gone) ? at->file_size(gone) : 0;
    if (!gone) bytes += size;
  }
  return bytes;
}

std::vector<std::string> environment_lines() {
  utsname name{};
  uname(&name);
  std::error_code error;
  return {
      std::string("host.name=") + name.nodename,      std::string("os.name=") + name.sysname,
      std::string("os.arch=") + name.machine,         std::string("os.version=") + name.release,
      "user.dir=" + fs::current_path(error).string(),
  };
}

}  // namespace conclave::app
