#include "app/bench/sockets.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <system_error>
#include <time.h>
#include <unistd.h>

namespace conclave::app::bench {

namespace {

uint64_t nanoseconds(const timespec& t) {
  return static_cast<uint64_t>(t.tv_sec) * kSecondNs + static_cast<uint64_t>(t.tv_nsec);
}

uint64_t read_clock(clockid_t clock) {
  timespec t{};
  clock_gettime(clock, &t);
  return nanoseconds(t);
}

}  // namespace

uint64_t monotonic_ns() {
  return read_clock(CLOCK_MONOTONIC);
}

uint64_t realtime_ns() {
  return read_clock(CLOCK_REALTIME);
}

uint64_t own_cpu_ns() {
  return read_clock(CLOCK_PROCESS_CPUTIME_ID);
}

void stamp_arrivals(int fd) {
  const int one = 1;
  setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &one, sizeof(one));
}

ssize_t receive_stamped(int fd, char* into, size_t size, uint64_t* arrived_ns) {
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(timespec))> control;
  iovec buffer{.iov_base = into, .iov_len = size};
  msghdr message{.msg_iov = &buffer, .msg_iovlen = 1, .msg_control = control.data(), .msg_controllen = control.size()};
  const ssize_t n = ::recvmsg(fd, &message, MSG_DONTWAIT);
  if (n <= 0) return n;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header != nullptr && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPNS) {
    timespec stamp{};
    std::memcpy(&stamp, CMSG_DATA(header), sizeof(stamp));
    *arrived_ns = nanoseconds(stamp);
  }
  return n;
}

std::string errno_text() {
  return std::generic_category().message(errno);
}

Result<std::vector<Address>> resolve(const std::vector<Server>& servers) {
  std::vector<Address> addresses;
  for (const Server& server : servers) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (const int rc = getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found); rc != 0)
      return fail(ErrorKind::not_found, fmt::format("--servers: {}: {}", server.host, gai_strerror(rc)));
    Address address{.name = fmt::format("{}:{}", server.host, server.port), .size = found->ai_addrlen};
    std::memcpy(&address.socket_address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    addresses.push_back(std::move(address));
  }
  return addresses;
}

Result<int> begin_connect(const Address& address) {
  const int fd = ::socket(address.socket_address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return fail(ErrorKind::io, fmt::format("socket: {}", errno_text()));
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address.socket_address), address.size) != 0 &&
      errno != EINPROGRESS) {
    const std::string why = errno_text();
    ::close(fd);
    return fail(ErrorKind::closed, fmt::format("connect to {}: {}", address.name, why));
  }
  return fd;
}

Result<> allow_open_files(uint64_t connections) {
  const rlim_t wanted = connections + 64;
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  if (limit.rlim_cur >= wanted) return {};
  const rlim_t hard = limit.rlim_max;
  limit.rlim_cur = wanted;
  limit.rlim_max = std::max(hard, wanted);  // raising this one too is for root alone
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
  return fail(ErrorKind::limit,
              fmt::format("--connections {}: this process may open {} files at most (ulimit -Hn)", connections, hard));
}

}  // namespace conclave::app::bench
