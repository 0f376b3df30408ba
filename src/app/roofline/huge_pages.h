// Memory in pages of 2 MiB, where the kernel gives them: a page fault costs as much as several writes, and a store that
// grows by a node a write has one fault for every few writes otherwise. Loop thread only, as all of a member's memory.
#pragma once

#include <memory_resource>

namespace conclave::app::roofline {

// For few large allocations, as those of a std::pmr::monotonic_buffer_resource. Aborts when there is no memory.
class HugePages final : public std::pmr::memory_resource {
 public:
  static constexpr size_t kPageBytes = 2 << 20;

 private:
  void* do_allocate(size_t bytes, size_t alignment) override;
  void do_deallocate(void* at, size_t bytes, size_t alignment) override;
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }
};

}  // namespace conclave::app::roofline
