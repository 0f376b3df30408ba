// Where the server's memory comes from. A page fault costs microseconds, on virtual machines several, and a tree of
// nodes is made of pages; so the C library's allocator is told to ask the kernel for huge ones (transparent huge pages,
// where /sys/kernel/mm/transparent_hugepage/enabled says "madvise" or "always"), and to keep what is freed for the next
// batch. Measured in docs/performance-log.md.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace conclave::app {

// The value that the environment variable GLIBC_TUNABLES is to have, `present` being what it has now; nullopt: it says
// something about huge pages already, and stays as it is.
std::optional<std::string> allocator_tunables(std::string_view present);

// The C library reads its tunables before main(). So the process begins once more, as itself with the same arguments,
// when they are not there yet; it is the same process to everybody else. If that cannot be done it goes on without.
// Call it before anything else.
void begin_with_huge_pages(char** argv);

}  // namespace conclave::app
