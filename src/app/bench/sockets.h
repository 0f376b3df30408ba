// The few calls to the operating system that the generator makes: the clock, addresses, sockets. Nothing here blocks
// but resolve().
#pragma once

#include <cstdint>
#include <string>
#include <sys/socket.h>
#include <vector>

#include "app/bench/options.h"
#include "base/result.h"

namespace conclave::app::bench {

inline constexpr uint64_t kMillisecondNs = 1'000'000;
inline constexpr uint64_t kSecondNs = 1'000'000'000;

uint64_t monotonic_ns();
uint64_t realtime_ns();
uint64_t own_cpu_ns();  // CPU time of this process
// The words for errno.
std::string errno_text();

struct Address {
  std::string name;  // HOST:PORT, as the command line has it
  sockaddr_storage socket_address{};
  socklen_t size = 0;
};
Result<std::vector<Address>> resolve(const std::vector<Server>& servers);

// A socket whose connection is under way. An error when it was refused at once.
Result<int> begin_connect(const Address& address);

// Has the kernel note when data arrives on this socket.
void stamp_arrivals(int fd);
// recv() that does not block and says when the last of the data arrived: realtime_ns(), unchanged when there is no
// stamp.
ssize_t receive_stamped(int fd, char* into, size_t size, uint64_t* arrived_ns);

// Lets this process have so many connections and what else it opens.
Result<> allow_open_files(uint64_t connections);

}  // namespace conclave::app::bench
