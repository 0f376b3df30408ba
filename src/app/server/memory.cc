#include "app/server/memory.h"

#include <cstdlib>
#include <unistd.h>

namespace conclave::app {
namespace {

constexpr std::string_view kHugePages = "glibc.malloc.hugetlb";
constexpr std::string_view kTunables =
    "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=33554432:glibc.malloc.trim_threshold=268435456";

}  // namespace

std::optional<std::string> allocator_tunables(std::string_view present) {
  if (present.find(kHugePages) != std::string_view::npos) return std::nullopt;
  std::string tunables(kTunables);
  // What stands last counts: the operator's own settings stay.
  if (!present.empty()) tunables.append(":").append(present);
  return tunables;
}

void begin_with_huge_pages(char** argv) {
  const char* present = std::getenv("GLIBC_TUNABLES");
  const auto tunables = allocator_tunables(present == nullptr ? "" : present);
  if (!tunables || setenv("GLIBC_TUNABLES", tunables->c_str(), 1) != 0) return;
  execv("/proc/self/exe", argv);  // returns only if it failed
}

}  // namespace conclave::app
