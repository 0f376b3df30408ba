#include "os/network.h"

#include <cerrno>
#include <sys/epoll.h>
#include <utility>

#include "os/datagrams.h"
#include "os/error.h"
#include "os/listener.h"

namespace conclave::os {

// One attempt to connect: resolve, then try each address in turn, each with its share of the time that is left.
class Network::Connector final : private Watcher {
 public:
  Connector(Network& network, uint64_t id, env::Address address, Duration timeout, TcpOptions options, Connected done)
      : network_(network),
        loop_(network.loop_),
        id_(id),
        address_(std::move(address)),
        options_(options),
        done_(std::move(done)),
        deadline_(clock_.now() + timeout),
        error_{ErrorKind::timed_out, "connect " + to_string(address_) + ": timed out in name resolution"} {}

  ~Connector() override {
    *alive_ = false;
    abandon_socket();
    if (timer_ != 0) loop_.cancel(timer_);
  }

  void start() {
    candidates_ = resolve_literal(address_);
    if (!candidates_.empty()) {
      loop_.post([this, alive = alive_] {
        if (*alive) try_next();
      });
      return;
    }
    timer_ = loop_.schedule(deadline_ - clock_.now(), [this] {
      timer_ = 0;
      finish(std::unexpected(error_));
    });
    network_.resolver_->resolve(address_, [this, alive = alive_](Result<std::vector<SocketAddress>> found) {
      if (!*alive) return;
      if (!found) return finish(std::unexpected(found.error()));
      candidates_ = std::move(*found);
      try_next();
    });
  }

 private:
  void try_next() {
    for (; next_ < candidates_.size(); abandon_socket()) {
      const size_t left = candidates_.size() - next_;
      const SocketAddress& candidate = candidates_[next_++];
      fd_ = Fd(socket(candidate.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      if (!fd_) {
        error_ = errno_error(errno, "connect", to_string(address_));
        continue;
      }
      set_tcp_options(fd_.get(), options_);
      if (::connect(fd_.get(), candidate.get(), candidate.size) != 0 && errno != EINPROGRESS) {
        error_ = errno_error(errno, "connect", to_string(address_));
        continue;
      }
      loop_.watch(fd_.get(), EPOLLOUT, this);
      watched_ = true;
      if (timer_ != 0) loop_.cancel(timer_);
      timer_ = loop_.schedule((deadline_ - clock_.now()) / static_cast<int64_t>(left), [this] {
        timer_ = 0;
        error_ = Error{ErrorKind::timed_out, "connect " + to_string(address_) + ": timed out"};
        abandon_socket();
        try_next();
      });
      return;
    }
    finish(std::unexpected(error_));
  }

  void on_ready(uint32_t /*events*/) override {
    int code = 0;
    socklen_t size = sizeof(code);
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &code, &size) != 0) code = errno;
    if (code != 0) {
      error_ = errno_error(code, "connect", to_string(address_));
      abandon_socket();
      return try_next();
    }
    loop_.unwatch(fd_.get(), this);
    watched_ = false;
    finish(std::make_unique<TcpStream>(loop_, std::move(fd_), candidates_[next_ - 1].numeric()));
  }

  void abandon_socket() {
    if (std::exchange(watched_, false)) loop_.unwatch(fd_.get(), this);
    fd_.reset();
  }

  void finish(Result<std::unique_ptr<env::Stream>> result) {
    const auto self = std::move(network_.connectors_.extract(id_).mapped());  // dies at the end of this call
    Connected done = std::move(done_);
    done(std::move(result));
  }

  Network& network_;
  Loop& loop_;
  uint64_t id_;
  env::Address address_;
  TcpOptions options_;
  Connected done_;
  Clock clock_;
  Instant deadline_;
  Error error_;  // of the last address tried
  std::vector<SocketAddress> candidates_;
  size_t next_ = 0;
  Fd fd_;
  bool watched_ = false;
  env::TimerId timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

Network::Network(Loop& loop, std::unique_ptr<Resolver> resolver) : loop_(loop), resolver_(std::move(resolver)) {}

Network::~Network() {
  *alive_ = false;
  for (const auto& [id, look_up] : look_ups_) loop_.cancel(look_up.timer);
}

Result<std::unique_ptr<env::Listener>> Network::listen(const env::Address& address, Accept accept) {
  return listen(address, TcpOptions{}, std::move(accept));
}

Result<std::unique_ptr<env::Listener>> Network::listen(const env::Address& address, TcpOptions options, Accept accept) {
  auto fd = listen_on(address);
  if (!fd) return std::unexpected(fd.error());
  return std::make_unique<TcpListener>(loop_, std::move(*fd), options, std::move(accept));
}

void Network::connect(const env::Address& address, Duration timeout, TcpOptions options, Connected done) {
  const uint64_t id = next_connector_++;
  auto connector = std::make_unique<Connector>(*this, id, address, timeout, options, std::move(done));
  Connector& started = *connector;
  connectors_.emplace(id, std::move(connector));
  started.start();
}

void Network::resolve(const env::Address& address, Duration timeout, Resolved done) {
  const uint64_t id = next_look_up_++;
  const env::TimerId timer = loop_.schedule(timeout, [this, id, late = "resolve " + address.host + ": timed out"] {
    finish_look_up(id, fail(ErrorKind::timed_out, late));
  });
  look_ups_.emplace(id, LookUp{.done = std::move(done), .timer = timer});
  auto found = [this, id, alive = alive_](Result<std::vector<SocketAddress>> result) {
    if (!*alive) return;
    if (!result) return finish_look_up(id, std::unexpected(result.error()));
    std::vector<env::Address> addresses;
    for (const SocketAddress& one : *result) addresses.push_back(one.numeric());
    finish_look_up(id, std::move(addresses));
  };
  if (auto literal = resolve_literal(address); !literal.empty()) {
    loop_.post([found, literal = std::move(literal)]() mutable { found(std::move(literal)); });
  } else {
    resolver_->resolve(address, std::move(found));
  }
}

void Network::finish_look_up(uint64_t id, Result<std::vector<env::Address>> found) {
  auto look_up = look_ups_.extract(id);
  if (look_up.empty()) return;  // it timed out before
  loop_.cancel(look_up.mapped().timer);
  look_up.mapped().done(std::move(found));
}

Result<std::unique_ptr<env::DatagramSocket>> Network::open_datagrams(const env::Address& local, Receive receive) {
  auto fd = datagrams_on(local);
  if (!fd) return std::unexpected(fd.error());
  return std::make_unique<UdpSocket>(loop_, std::move(*fd), std::move(receive));
}

}  // namespace conclave::os
