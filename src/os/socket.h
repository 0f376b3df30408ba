// Socket addresses and socket set-up. Pure calls on descriptors; errors are values.
#pragma once

#include <cstdint>
#include <sys/socket.h>
#include <vector>

#include "base/result.h"
#include "env/network.h"
#include "os/fd.h"

namespace conclave::os {

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
  env::Address numeric() const;
};

// Which addresses a socket can send to and receive from.
enum class Families : uint8_t { ipv4, ipv6, both };

// What a connection asks of TCP, besides no delay.
struct TcpOptions {
  // For long-lived connections whose death must show soon: keepalive, and TCP_USER_TIMEOUT of this length. 0: neither.
  Duration dead_after{0};
};

// Resolves a literal address at once; blocks in DNS for a name. An empty host means every local address.
Result<std::vector<SocketAddress>> resolve(const env::Address& address, bool passive);
// The literal address, or nothing if the host is a name.
std::vector<SocketAddress> resolve_literal(const env::Address& address);

// A bound, listening, non-blocking socket.
Result<Fd> listen_on(const env::Address& address);
// A bound, non-blocking socket for datagrams.
Result<Fd> datagrams_on(const env::Address& address);
Families families_of(int fd);
// In the form in which a socket of both families takes it.
SocketAddress as_ipv6(const SocketAddress& address);
env::Address local_address(int fd);
void set_tcp_options(int fd, const TcpOptions& options);

}  // namespace conclave::os
