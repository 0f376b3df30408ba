#include "os/stream.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <sys/epoll.h>
#include <sys/uio.h>
#include <utility>

#include "os/error.h"

namespace conclave::os {
namespace {

constexpr size_t kJoinBelow = 4 << 10;   // smaller writes are copied behind their predecessor
constexpr size_t kJoinedMax = 16 << 10;  // until it is this long
constexpr size_t kPartsMax = 64;         // of one sendmsg
constexpr int kReadsPerTurnMax = 4;      // full buffers; then others get their turn

Error closed_by_peer() {
  return Error{ErrorKind::closed, "closed by the other side"};
}

}  // namespace

TcpStream::TcpStream(Loop& loop, Fd fd, env::Address peer) : loop_(loop), fd_(std::move(fd)), peer_(std::move(peer)) {}

TcpStream::~TcpStream() {
  *alive_ = false;
  loop_.forget(this);
  if (linger_ != 0) loop_.cancel(linger_);
  if (watched_) loop_.unwatch(fd_.get(), this);
}

void TcpStream::set_handler(env::StreamHandler* handler) {
  handler_ = handler;
  update_watch();
  if (state_ != State::closed || handler_ == nullptr || !lost_) return;
  loop_.post([this, alive = alive_] {  // it broke before anyone listened
    if (*alive && lost_) handler_->on_closed(*std::exchange(lost_, std::nullopt));
  });
}

void TcpStream::write(Bytes bytes) {
  if (state_ != State::open || bytes.empty()) return;
  unsent_ += bytes.size();
  // Joining must not move what is large already: only into spare room, or behind something small.
  const bool joins =
      bytes.size() < kJoinBelow && !queue_.empty() &&
      (queue_.back().size() < kJoinedMax || queue_.back().capacity() - queue_.back().size() >= bytes.size());
  if (joins) {
    Bytes& last = queue_.back();
    if (last.capacity() - last.size() < bytes.size()) last.reserve(kJoinedMax + kJoinBelow);  // grows once
    last += bytes;
  } else {
    queue_.push_back(std::move(bytes));
  }
  if (!blocked_) loop_.flush_later(this);
}

void TcpStream::pause_reading() {
  paused_ = true;
  update_watch();
}

void TcpStream::resume_reading() {
  paused_ = false;
  update_watch();
}

void TcpStream::close_after_writes() {
  if (state_ != State::open) return;
  state_ = State::closing;
  linger_ = loop_.schedule(kLinger, [this] {
    linger_ = 0;
    close(Error{ErrorKind::closed, "closed here; the other side did not follow"});
  });
  update_watch();
  loop_.flush_later(this);  // sends the FIN too, in a turn of its own
}

// One description of what the stream waits for, so that no path forgets a part of it.
void TcpStream::update_watch() {
  std::optional<uint32_t> wanted;
  if (state_ != State::closed && handler_ != nullptr) {
    const bool reads = !paused_ || state_ == State::closing;
    wanted = (reads ? uint32_t{EPOLLIN} : 0u) | (blocked_ ? uint32_t{EPOLLOUT} : 0u);
  } else if (state_ != State::closed && blocked_) {
    wanted = EPOLLOUT;
  }
  if (wanted == watched_) return;
  if (!wanted) {
    loop_.unwatch(fd_.get(), this);
  } else if (watched_) {
    loop_.rewatch(fd_.get(), *wanted, this);
  } else {
    loop_.watch(fd_.get(), *wanted, this);
  }
  watched_ = wanted;
}

void TcpStream::on_ready(uint32_t events) {
  const auto alive = alive_;
  if ((events & EPOLLOUT) != 0 && blocked_) {
    send_queued();
    if (!*alive || state_ == State::closed) return;
  }
  const bool reads = handler_ != nullptr && (!paused_ || state_ == State::closing);
  if (reads && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
    read_some();
  } else if ((events & (EPOLLHUP | EPOLLERR)) != 0) {
    // Not reading, but the connection is gone in both directions: this is reported in any case, or the loop would spin.
    int code = 0;
    socklen_t size = sizeof(code);
    getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &code, &size);
    broke(code != 0 ? errno_error(code, "connection to", to_string(peer_)) : closed_by_peer());
  }
}

void TcpStream::read_some() {
  const auto alive = alive_;
  for (int reads = 0; reads < kReadsPerTurnMax; ++reads) {
    const ssize_t n = recv(fd_.get(), loop_.read_buffer(), Loop::kReadBufferBytes, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return;
    if (n < 0) return broke(errno_error(errno, "read from", to_string(peer_)));
    if (n == 0) return broke(closed_by_peer());
    const auto size = static_cast<size_t>(n);
    if (state_ == State::open) handler_->on_data(BytesView(loop_.read_buffer(), size));
    if (!*alive || state_ == State::closed) return;
    if (size < Loop::kReadBufferBytes || (paused_ && state_ == State::open)) return;
  }
}

void TcpStream::flush() {
  if (state_ != State::closed && !blocked_) send_queued();
}

void TcpStream::send_queued() {
  blocked_ = false;
  while (!queue_empty()) {
    std::array<iovec, kPartsMax> parts;
    size_t count = 0, total = 0;
    for (auto it = queue_.begin(); it != queue_.end() && count < kPartsMax; ++it, ++count) {
      const size_t skip = count == 0 ? front_sent_ : 0;
      parts[count] = {.iov_base = it->data() + skip, .iov_len = it->size() - skip};
      total += parts[count].iov_len;
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    const ssize_t n = sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == ENOBUFS)) {
      blocked_ = true;
      break;
    }
    if (n < 0) return broke(errno_error(errno, "write to", to_string(peer_)));
    size_t sent = static_cast<size_t>(n);
    unsent_ -= sent;
    blocked_ = sent < total;  // a socket that took only a part is full: no need to ask it again
    while (sent > 0) {
      const size_t left = queue_.front().size() - front_sent_;
      if (sent < left) {
        front_sent_ += sent;
        break;
      }
      sent -= left;
      front_sent_ = 0;
      queue_.pop_front();
    }
    if (blocked_) break;
  }
  if (queue_empty() && state_ == State::closing && !fin_sent_) {
    fin_sent_ = true;
    shutdown(fd_.get(), SHUT_WR);  // fails only if the connection is gone, which reading will tell
  }
  update_watch();
}

void TcpStream::broke(Error reason) {
  if (state_ == State::closing && reason.kind == ErrorKind::closed) reason.message = "closed here";
  close(reason);
}

// May destroy *this.
void TcpStream::close(const Error& reason) {
  if (state_ == State::closed) return;
  state_ = State::closed;
  blocked_ = false;
  queue_.clear();
  unsent_ = 0;
  update_watch();
  loop_.forget(this);
  if (linger_ != 0) loop_.cancel(std::exchange(linger_, 0));
  fd_.reset();
  if (handler_ == nullptr) {
    lost_ = reason;
  } else {
    handler_->on_closed(reason);
  }
}

}  // namespace conclave::os
