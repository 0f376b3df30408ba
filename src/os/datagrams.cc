#include "os/datagrams.h"

#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <utility>

namespace conclave::os {
namespace {

std::unexpected<Error> refuse(const env::Address& to, std::string_view why) {
  return fail(ErrorKind::invalid_argument, "send to " + to_string(to) + ": " + std::string(why));
}

}  // namespace

UdpSocket::UdpSocket(Loop& loop, Fd fd, env::Network::Receive receive)
    : loop_(loop),
      fd_(std::move(fd)),
      local_(local_address(fd_.get())),
      families_(families_of(fd_.get())),
      reception_(std::make_shared<Reception>(Reception{.receive = std::move(receive)})) {
  loop_.watch(fd_.get(), EPOLLIN, this);
}

UdpSocket::~UdpSocket() {
  reception_->open = false;
  loop_.unwatch(fd_.get(), this);
}

Result<SocketAddress> UdpSocket::reachable(const env::Address& to) const {
  if (to.port == 0) return refuse(to, "no port");
  const auto found = to.host.empty() ? std::vector<SocketAddress>() : resolve_literal(to);
  if (found.empty()) return refuse(to, "not a literal address");
  if (families_ == Families::both) return as_ipv6(found.front());
  const bool ipv6 = families_ == Families::ipv6;
  if (found.front().storage.ss_family != (ipv6 ? AF_INET6 : AF_INET)) {
    return refuse(to, "the socket at " + to_string(local_) + " has " + (ipv6 ? "IPv6" : "IPv4") + " only");
  }
  return found.front();
}

Result<> UdpSocket::send(const env::Address& to, BytesView bytes) {
  if (bytes.size() > kBytesMax) return refuse(to, std::to_string(bytes.size()) + " bytes are too many for a datagram");
  const auto target = reachable(to);
  if (!target) return std::unexpected(target.error());
  // Whatever stands in the way is a loss like those further on: no room, no route, a firewall.
  if (sendto(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL, target->get(), target->size) < 0) ++dropped_;
  return {};
}

void UdpSocket::on_ready(uint32_t /*events*/) {
  static_assert(kPerTurnMax * kBytesMax <= Loop::kReadBufferBytes);
  std::array<SocketAddress, kPerTurnMax> from;
  std::array<iovec, kPerTurnMax> parts;
  std::array<mmsghdr, kPerTurnMax> messages{};
  for (size_t i = 0; i < kPerTurnMax; ++i) {
    parts[i] = {.iov_base = loop_.read_buffer() + i * kBytesMax, .iov_len = kBytesMax};
    messages[i].msg_hdr.msg_name = from[i].get();
    messages[i].msg_hdr.msg_namelen = sizeof(from[i].storage);
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  // An error is that of an earlier datagram, or of none (its checksum was wrong): reading it is what takes it away.
  const int count = recvmmsg(fd_.get(), messages.data(), kPerTurnMax, MSG_DONTWAIT, nullptr);
  const auto reception = reception_;
  for (size_t i = 0; std::cmp_less(i, count) && reception->open; ++i) {
    const msghdr& header = messages[i].msg_hdr;
    if ((header.msg_flags & MSG_TRUNC) != 0) continue;  // larger than any that is ours
    from[i].size = header.msg_namelen;
    reception->receive(from[i].numeric(), BytesView(loop_.read_buffer() + i * kBytesMax, messages[i].msg_len));
  }
}

}  // namespace conclave::os
