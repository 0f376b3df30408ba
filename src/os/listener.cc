#include "os/listener.h"

#include <cerrno>
#include <sys/epoll.h>
#include <utility>

#include "base/log.h"
#include "os/error.h"
#include "os/stream.h"

namespace conclave::os {
namespace {

constexpr int kAcceptsPerTurnMax = 64;

int accept_from_kernel(int fd, SocketAddress* from) {
  from->size = sizeof(from->storage);
  return accept4(fd, from->get(), &from->size, SOCK_NONBLOCK | SOCK_CLOEXEC);
}

}  // namespace

TcpListener::TcpListener(Loop& loop, Fd fd, TcpOptions options, env::Network::Accept accept)
    : TcpListener(loop, std::move(fd), options, std::move(accept), accept_from_kernel) {}

TcpListener::TcpListener(Loop& loop, Fd fd, TcpOptions options, env::Network::Accept accept, AcceptCall accept_call)
    : loop_(loop),
      fd_(std::move(fd)),
      options_(options),
      accept_(std::move(accept)),
      accept_call_(std::move(accept_call)),
      local_(local_address(fd_.get())) {
  loop_.watch(fd_.get(), EPOLLIN, this);
}

TcpListener::~TcpListener() {
  *alive_ = false;
  if (pause_timer_ != 0) {
    loop_.cancel(pause_timer_);
  } else {
    loop_.unwatch(fd_.get(), this);
  }
}

void TcpListener::on_ready(uint32_t /*events*/) {
  const auto alive = alive_;
  for (int i = 0; i < kAcceptsPerTurnMax; ++i) {
    SocketAddress from;
    Fd fd(accept_call_(fd_.get(), &from));
    if (!fd) {
      switch (const int code = errno) {
        case EAGAIN:
          return;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
          return pause(code);
        default:
          continue;  // that connection is gone, or the network under it; the next one may be fine
      }
    }
    pauses_ = 0;
    set_tcp_options(fd.get(), options_);
    accept_(std::make_unique<TcpStream>(loop_, std::move(fd), from.numeric()));
    if (!*alive) return;
  }
}

void TcpListener::pause(int code) {
  // The first of a row is logged, then one a minute.
  if (pauses_++ % 600 == 0) {
    log::warning("os", "cannot accept a connection; waiting a moment",
                 {{"listening", to_string(local_)}, {"reason", errno_words(code)}});
  }
  loop_.unwatch(fd_.get(), this);
  pause_timer_ = loop_.schedule(kPause, [this] {
    pause_timer_ = 0;
    loop_.watch(fd_.get(), EPOLLIN, this);
  });
}

}  // namespace conclave::os
