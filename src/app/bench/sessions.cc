#include "app/bench/sessions.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "app/bench/progress.h"

namespace conclave::app::bench {
namespace {

constexpr uint64_t kStallNs = 20 * kSecondNs;  // no reply for so long fails the run
constexpr size_t kScratchSize = size_t{4} << 20;
// Connects under way at each server. More would overflow a short accept queue (50 in ZooKeeper), and the kernel sends a
// SYN that was dropped again only after a second.
constexpr size_t kConnectingPerServer = 40;

}  // namespace

Result<> Listener::on_data_changed(Connection* connection, BytesView path) {
  return connection->broken(ErrorKind::corrupt, fmt::format("an event of {}, which nobody watches", path));
}

Sessions::Sessions(const Options& options, Listener* listener)
    : options_(options), listener_(listener), scratch_(kScratchSize) {}

Sessions::~Sessions() {
  if (epoll_ >= 0) ::close(epoll_);
}

size_t Sessions::server_of(uint32_t number) const {
  return options_.pinned ? *options_.pinned : number % addresses_.size();
}

Result<> Sessions::open() {
  if (epoll_ >= 0) return {};
  auto addresses = resolve(options_.servers);
  if (!addresses) return std::unexpected(addresses.error());
  addresses_ = std::move(*addresses);
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  if (epoll_ < 0) return fail(ErrorKind::io, fmt::format("epoll_create1: {}", errno_text()));
  keep_alive_started_ns_ = refresh_clock();
  return {};
}

Result<> Sessions::connect(uint32_t count) {
  if (auto ok = open(); !ok) return ok;
  const size_t total = connections_.size() + count;
  if (auto ok = allow_open_files(total); !ok) return ok;
  last_answer_ns_ = refresh_clock();
  wants_write_.resize(total);
  Progress progress(options_.shows_progress());
  while (connections_.size() < total || connecting_ > 0) {
    while (connections_.size() < total && connecting_ < kConnectingPerServer * addresses_.size()) {
      const auto number = static_cast<uint32_t>(connections_.size());
      Connection* connection = &connections_.emplace_back(number, options_.size_bytes);
      if (auto ok = start(connection, server_of(number)); !ok) return ok;
    }
    if (auto ok = turn(now_ns_ + kTurnNs); !ok) return ok;
    if (auto ok = check_progress("connecting"); !ok) return ok;
    if (progress.due(now_ns_))
      progress.tick(now_ns_, fmt::format("{} of {} sessions opened", connections_.size() - connecting_, total));
  }
  return {};
}

Result<> Sessions::start(Connection* connection, size_t server) {
  const Address& address = addresses_[server];
  const auto fd = begin_connect(address);
  if (!fd) return std::unexpected(fd.error());
  connection->start(now_ns_, *fd, address.name, static_cast<int32_t>(options_.session_timeout_ms));
  ++connecting_;
  if (stamps_) bench::stamp_arrivals(*fd);
  watch_socket(connection, EPOLL_CTL_ADD, true);  // writable means connected, and then the connect request goes out
  return {};
}

size_t Sessions::abandon(Connection* connection) {
  if (connection->has_socket() && !connection->has_session()) --connecting_;
  return connection->abandon();  // closing the socket takes it out of the epoll
}

void Sessions::watch_socket(Connection* connection, int operation, bool wants_write) {
  wants_write_[connection->number()] = wants_write;
  epoll_event event{.events = EPOLLIN | (wants_write ? static_cast<uint32_t>(EPOLLOUT) : 0u),
                    .data = {.u32 = connection->number()}};
  epoll_ctl(epoll_, operation, connection->fd(), &event);
}

Result<> Sessions::turn(uint64_t deadline_ns) {
  if (auto ok = keep_alive(); !ok) return ok;
  std::array<epoll_event, 128> events;
  const uint64_t wait_ns = deadline_ns - std::min(deadline_ns, refresh_clock());
  const timespec timeout{.tv_sec = static_cast<time_t>(wait_ns / kSecondNs),
                         .tv_nsec = static_cast<long>(wait_ns % kSecondNs)};
  const int n = epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  if (n < 0 && errno != EINTR) return fail(ErrorKind::io, fmt::format("epoll_pwait2: {}", errno_text()));
  refresh_clock();
  for (int i = 0; i < n; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    if (auto ok = on_event(&connections_[event.data.u32], event.events); !ok) return ok;
  }
  return {};
}

Result<> Sessions::on_event(Connection* connection, uint32_t events) {
  // Unconnected, a socket is read only to learn why it failed.
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
    if (auto ok = read_from(connection); !ok) return ok;
  return flush(connection);
}

ssize_t Sessions::receive(int fd, size_t have) {
  char* const into = scratch_.data() + have;
  const size_t room = scratch_.size() - have;
  if (!stamps_) return ::recv(fd, into, room, MSG_DONTWAIT);
  arrived_ns_ = realtime_ns();
  return receive_stamped(fd, into, room, &arrived_ns_);
}

Result<> Sessions::read_from(Connection* connection) {
  Bytes& partial = connection->partial();
  size_t have = partial.size();
  std::memcpy(scratch_.data(), partial.data(), have);
  partial.clear();

  const ssize_t n = receive(connection->fd(), have);
  if (n == 0 && closing_ && connection->in_flight() == 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, connection->fd(), nullptr);  // the server hangs up once the session is closed
    return {};
  }
  if (n == 0) return tell_broken(connection, connection->broken(ErrorKind::closed, "the server closed it").error());
  if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    return tell_broken(connection, connection->broken(ErrorKind::io, errno_text()).error());
  if (n > 0) have += static_cast<size_t>(n);
  now_ns_ = monotonic_ns();
  return on_frames(connection, have);
}

Result<> Sessions::on_frames(Connection* connection, size_t have) {
  BytesView in(scratch_.data(), have);
  while (in.size() >= 4) {
    const auto size = load_big_endian<uint32_t>(in.data());
    if (size > kScratchSize - 4)
      return connection->broken(ErrorKind::corrupt, fmt::format("a frame of {} bytes", size));
    if (in.size() - 4 < size) break;
    const auto answer = connection->on_frame(in.substr(4, size));
    if (!answer && answer.error().kind == ErrorKind::closed) return tell_broken(connection, answer.error());
    if (!answer) return std::unexpected(answer.error());
    in.remove_prefix(4 + size);
    ++verified_;
    last_answer_ns_ = now_ns_;
    if (auto ok = deliver(connection, *answer); !ok) return ok;
    if (!connection->has_socket()) return {};
  }
  connection->partial().assign(in);
  return {};
}

Result<> Sessions::deliver(Connection* connection, const Answer& answer) {
  switch (answer.kind) {
    case Answer::Kind::session:
      --connecting_;
      return listener_->on_session(connection);
    case Answer::Kind::reply:
      return closing_ ? Result<>() : listener_->on_answer(connection, answer);
    case Answer::Kind::data_changed:
      return listener_->on_data_changed(connection, answer.path);
    case Answer::Kind::ping:
      return {};
  }
  return {};
}

Result<> Sessions::tell_broken(Connection* connection, const Error& why) {
  return listener_->on_broken(connection, why);
}

Result<> Sessions::flush(Connection* connection) {
  if (!connection->has_socket()) return {};
  if (auto ok = connection->flush(); !ok) return tell_broken(connection, ok.error());
  const bool wants = connection->has_unsent();
  if (wants != wants_write_[connection->number()]) watch_socket(connection, EPOLL_CTL_MOD, wants);
  return {};
}

Result<> Sessions::flush_all() {
  for (Connection& connection : connections_)
    if (auto ok = flush(&connection); !ok) return ok;
  return {};
}

// Each connection is visited once in a third of the time-out, one after another and evenly, as the clients of a real
// cell ping at times of their own. One that was silent lately pings, so that no silence is much longer than that third.
Result<> Sessions::keep_alive() {
  if (connections_.empty() || closing_) return {};
  const int32_t granted_ms = granted_timeout_ms();  // 0 while the first has no session
  const uint64_t timeout_ms = granted_ms > 0 ? static_cast<uint64_t>(granted_ms) : options_.session_timeout_ms;
  const uint64_t period_ns = timeout_ms * kMillisecondNs / 3;
  const auto due = static_cast<uint64_t>(static_cast<double>(now_ns_ - keep_alive_started_ns_) /
                                         static_cast<double>(period_ns) * static_cast<double>(connections_.size()));
  visits_ = std::min(visits_, due);
  visits_ = std::max(visits_, due - std::min(due, connections_.size()));  // whoever is late visits each once
  for (; visits_ < due; ++visits_) {
    Connection* connection = &connections_[visits_ % connections_.size()];
    const uint64_t silent_ns = now_ns_ - std::min(now_ns_, connection->last_request_ns());
    if (!connection->has_session() || connection->in_flight() > 0 || silent_ns < period_ns / 8) continue;
    if (connection->pings_in_flight() > 0) {
      const auto why = connection->broken(ErrorKind::timed_out, "a ping was not answered");
      if (auto ok = tell_broken(connection, why.error()); !ok) return ok;
      continue;
    }
    connection->ping(now_ns_);
    if (auto ok = flush(connection); !ok) return ok;
  }
  return {};
}

Result<> Sessions::check_progress(std::string_view what) const {
  if (now_ns_ - std::min(now_ns_, last_answer_ns_) <= kStallNs) return {};
  return fail(ErrorKind::timed_out,
              fmt::format("{}: no reply for {} s, {} missing", what, kStallNs / kSecondNs, in_flight() + connecting_));
}

Result<> Sessions::drain(std::string_view what) {
  last_answer_ns_ = refresh_clock();
  while (in_flight() > 0) {
    if (auto ok = turn(now_ns_ + kTurnNs); !ok) return ok;
    if (auto ok = check_progress(what); !ok) return ok;
  }
  return {};
}

Result<> Sessions::close_all() {
  closing_ = true;
  last_answer_ns_ = refresh_clock();
  size_t unanswered = 0;
  for (Connection& connection : connections_) {
    if (!connection.has_session()) continue;
    connection.close_session(now_ns_);
    if (auto ok = flush(&connection); !ok) return ok;
    if (++unanswered % kInFlightMax != 0) continue;
    if (auto ok = drain("closing the sessions"); !ok) return ok;
  }
  return drain("closing the sessions");
}

size_t Sessions::in_flight() const {
  size_t n = 0;
  for (const Connection& connection : connections_) n += connection.in_flight();
  return n;
}

}  // namespace conclave::app::bench
