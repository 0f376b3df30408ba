#include "os/socket.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "os/error.h"

namespace conclave::os {
namespace {

// As much as the kernel grants of it: what comes at once after a fail-over should find room.
constexpr int kDatagramBufferBytes = 1 << 20;

Result<std::vector<SocketAddress>> look_up(const env::Address& address, int flags) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const char* host = address.host.empty() ? nullptr : address.host.c_str();
  const int code = getaddrinfo(host, std::to_string(address.port).c_str(), &hints, &found);
  if (code != 0) {
    const std::string words = code == EAI_SYSTEM ? errno_words(errno) : gai_strerror(code);
    return fail(ErrorKind::not_found, "resolve " + address.host + ": " + words);
  }
  std::vector<SocketAddress> addresses;
  for (const addrinfo* it = found; it != nullptr; it = it->ai_next) {
    SocketAddress& one = addresses.emplace_back();
    one.size = it->ai_addrlen;
    std::copy_n(reinterpret_cast<const char*>(it->ai_addr), it->ai_addrlen, reinterpret_cast<char*>(&one.storage));
  }
  freeaddrinfo(found);
  return addresses;
}

void set_option(int fd, int level, int option, int value) {
  // An option that a kernel does not know makes a connection slower to tune or to die, never wrong.
  setsockopt(fd, level, option, &value, sizeof(value));
}

// A bound socket: of the first address that can be had. `doing` words the error.
Result<Fd> open_local(const env::Address& address, int type, std::string_view doing) {
  auto candidates = look_up(address, AI_PASSIVE);
  if (!candidates) {
    return std::unexpected(Error{candidates.error().kind, std::string(doing) + ": " + candidates.error().message});
  }
  // An empty host takes IPv6 and IPv4 with one socket, where the machine has IPv6.
  if (address.host.empty()) {
    const auto is_ipv6 = [](const SocketAddress& one) { return one.storage.ss_family == AF_INET6; };
    const auto first = std::find_if(candidates->begin(), candidates->end(), is_ipv6);
    if (first != candidates->end()) std::rotate(candidates->begin(), first, first + 1);
  }
  Error error{ErrorKind::not_found, std::string(doing) + " " + to_string(address) + ": no address"};
  for (const SocketAddress& candidate : *candidates) {
    const int family = candidate.storage.ss_family;
    Fd fd(socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd) {
      error = errno_error(errno, doing, to_string(address));
      continue;
    }
    // Of datagrams it would let a second socket take the port, and the datagrams with it.
    if (type == SOCK_STREAM) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1);
    if (family == AF_INET6)
      set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, address.host.empty() || address.host == "::" ? 0 : 1);
    if (bind(fd.get(), candidate.get(), candidate.size) == 0 &&
        (type != SOCK_STREAM || listen(fd.get(), SOMAXCONN) == 0)) {
      return fd;
    }
    error = errno_error(errno, doing, to_string(address));
  }
  return std::unexpected(error);
}

}  // namespace

env::Address SocketAddress::numeric() const {
  char host[NI_MAXHOST] = "?";
  getnameinfo(get(), size, host, sizeof(host), nullptr, 0, NI_NUMERICHOST);
  std::string name = host;
  // An IPv4 client of a dual-stack socket is shown as what it is.
  if (constexpr std::string_view kMapped = "::ffff:"; name.starts_with(kMapped) && name.contains('.')) {
    name.erase(0, kMapped.size());
  }
  const uint16_t port = storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6*>(&storage)->sin6_port
                                                      : reinterpret_cast<const sockaddr_in*>(&storage)->sin_port;
  return {.host = name, .port = ntohs(port)};
}

Result<std::vector<SocketAddress>> resolve(const env::Address& address, bool passive) {
  return look_up(address, passive ? AI_PASSIVE : 0);
}

std::vector<SocketAddress> resolve_literal(const env::Address& address) {
  auto found = look_up(address, AI_NUMERICHOST);
  return found ? std::move(*found) : std::vector<SocketAddress>();
}

Result<Fd> listen_on(const env::Address& address) {
  return open_local(address, SOCK_STREAM, "listen");
}

Result<Fd> datagrams_on(const env::Address& address) {
  auto fd = open_local(address, SOCK_DGRAM, "receive datagrams at");
  if (fd) set_option(fd->get(), SOL_SOCKET, SO_RCVBUF, kDatagramBufferBytes);
  return fd;
}

Families families_of(int fd) {
  int domain = 0;
  socklen_t size = sizeof(domain);
  getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
  if (domain != AF_INET6) return Families::ipv4;
  int only_ipv6 = 1;
  size = sizeof(only_ipv6);
  getsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &only_ipv6, &size);
  return only_ipv6 != 0 ? Families::ipv6 : Families::both;
}

SocketAddress as_ipv6(const SocketAddress& address) {
  if (address.storage.ss_family != AF_INET) return address;
  const auto& from = reinterpret_cast<const sockaddr_in&>(address.storage);
  SocketAddress mapped;
  auto& to = reinterpret_cast<sockaddr_in6&>(mapped.storage);
  to.sin6_family = AF_INET6;
  to.sin6_port = from.sin_port;
  to.sin6_addr.s6_addr[10] = to.sin6_addr.s6_addr[11] = 0xFF;
  std::memcpy(&to.sin6_addr.s6_addr[12], &from.sin_addr, sizeof(from.sin_addr));
  mapped.size = sizeof(to);
  return mapped;
}

env::Address local_address(int fd) {
  SocketAddress address;
  address.size = sizeof(address.storage);
  if (getsockname(fd, address.get(), &address.size) != 0) return {};
  return address.numeric();
}

void set_tcp_options(int fd, const TcpOptions& options) {
  set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  if (options.dead_after <= Duration{0}) return;
  const int seconds = static_cast<int>(std::max<int64_t>(1, options.dead_after.us / 1'000'000));
  set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, std::max(1, seconds / 3));
  set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, std::max(1, seconds / 3));
  set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
  set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, static_cast<int>(options.dead_after.ms()));
}

}  // namespace conclave::os
