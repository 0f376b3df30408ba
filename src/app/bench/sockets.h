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

// Lets this process have so many connections and what else it opens.
Result<> allow_open_files(uint64_t connections);

}  // namespace conclave::app::bench
