#include "app/roofline/huge_pages.h"

#include <cstdint>
#include <sys/mman.h>

#include "base/assert.h"

namespace conclave::app::roofline {
namespace {

size_t whole_pages(size_t bytes) {
  return (bytes + HugePages::kPageBytes - 1) / HugePages::kPageBytes * HugePages::kPageBytes;
}

}  // namespace

void* HugePages::do_allocate(size_t bytes, size_t alignment) {
  CONCLAVE_ASSERT(alignment <= kPageBytes);
  const size_t size = whole_pages(bytes);
  // One page more, to cut an aligned piece out of it.
  void* mapped = mmap(nullptr, size + kPageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CONCLAVE_ASSERT(mapped != MAP_FAILED);
  char* begin = static_cast<char*>(mapped);
  const size_t before = whole_pages(reinterpret_cast<uintptr_t>(begin)) - reinterpret_cast<uintptr_t>(begin);
  if (before > 0) munmap(begin, before);
  if (before < kPageBytes) munmap(begin + before + size, kPageBytes - before);
  madvise(begin + before, size, MADV_HUGEPAGE);  // where that is not to be had, small pages do
  return begin + before;
}

void HugePages::do_deallocate(void* at, size_t bytes, size_t /*alignment*/) {
  munmap(at, whole_pages(bytes));
}

}  // namespace conclave::app::roofline
