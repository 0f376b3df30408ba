#include "app/bench/load.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fmt/format.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <system_error>
#include <time.h>
#include <unistd.h>

namespace conclave::app::bench {
namespace {

constexpr int32_t kSessionTimeoutMs = 30'000;
constexpr uint64_t kStallNs = 20'000'000'000;  // no reply for so long fails the run
constexpr size_t kScratchSize = size_t{4} << 20;
constexpr uint64_t kSecondNs = 1'000'000'000;

uint64_t monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * kSecondNs + static_cast<uint64_t>(t.tv_nsec);
}

std::string errno_text() {
  return std::generic_category().message(errno);
}

Result<int> open_socket(const Server& server) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  if (const int rc = getaddrinfo(server.host.c_str(), std::to_string(server.port).c_str(), &hints, &found); rc != 0)
    return fail(ErrorKind::not_found, fmt::format("{}: {}", server.host, gai_strerror(rc)));
  std::string reason = "no address";
  int fd = -1;
  for (const addrinfo* a = found; a != nullptr && fd < 0; a = a->ai_next) {
    fd = ::socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
    if (fd >= 0 && ::connect(fd, a->ai_addr, a->ai_addrlen) == 0) break;
    reason = errno_text();
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
  freeaddrinfo(found);
  if (fd < 0) return fail(ErrorKind::io, fmt::format("connect to {}:{}: {}", server.host, server.port, reason));
  const int one = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
  const timeval timeout{.tv_sec = 15, .tv_usec = 0};  // for the connect reply; later reads do not block
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
  return fd;
}

Result<> receive_exactly(int fd, char* into, size_t size) {
  for (size_t done = 0; done < size;) {
    const ssize_t n = ::recv(fd, into + done, size - done, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n == 0) return fail(ErrorKind::closed, "the server closed the connection");
    if (n < 0) return fail(ErrorKind::io, errno_text());
    done += static_cast<size_t>(n);
  }
  return {};
}

// Reads the answer to a connect request: (protocol, timeout, session id, password, read-only).
Result<> receive_session(int fd) {
  std::array<char, 512> reply;
  if (auto ok = receive_exactly(fd, reply.data(), 4); !ok) return ok;
  const auto size = load_big_endian<int32_t>(reply.data());
  if (size < 36 || size > static_cast<int32_t>(reply.size()))
    return fail(ErrorKind::corrupt, fmt::format("a connect reply of {} bytes", size));
  if (auto ok = receive_exactly(fd, reply.data(), static_cast<size_t>(size)); !ok) return ok;
  if (load_big_endian<int32_t>(reply.data() + 4) <= 0) return fail(ErrorKind::unavailable, "the session was refused");
  return {};
}

}  // namespace

Load::Load(Options options) : options_(std::move(options)), scratch_(kScratchSize), random_(options_.seed) {
  payload_.resize(options_.size_bytes);
  for (char& c : payload_) c = static_cast<char>(random_.u64());  // nothing that compresses
  run_name_ = fmt::format("{:x}", monotonic_ns());
}

Load::~Load() {
  if (epoll_ >= 0) ::close(epoll_);
}

Result<Measured> Load::run() {
  epoll_ = epoll_create1(EPOLL_CLOEXEC);
  for (const auto step :
       {&Load::connect_all, &Load::prepare, &Load::work, &Load::check_zxids_are_unique, &Load::close_all})
    if (auto ok = (this->*step)(); !ok) return std::unexpected(ok.error());
  return std::move(measured_);
}

Result<> Load::connect_all() {
  connections_.reserve(options_.connections);
  for (uint32_t i = 0; i < options_.connections; ++i) {
    const Server& server = options_.servers[i % options_.servers.size()];
    const auto fd = open_socket(server);
    if (!fd) return std::unexpected(fd.error());
    connections_.emplace_back(i, *fd, fmt::format("{}:{}", server.host, server.port), options_.size_bytes);
    Bytes hello;
    append_connect(&hello, kSessionTimeoutMs);
    if (::send(*fd, hello.data(), hello.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(hello.size()))
      return fail(ErrorKind::io, fmt::format("connection {}: {}", i, errno_text()));
  }
  wants_write_.assign(connections_.size(), false);
  for (Connection& connection : connections_) {
    if (auto ok = receive_session(connection.fd()); !ok)
      return fail(ok.error().kind,
                  fmt::format("connection {}: no session: {}", connection.number(), ok.error().message));
    epoll_event event{.events = EPOLLIN, .data = {.u32 = connection.number()}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, connection.fd(), &event);
  }
  for (uint32_t key = 0; key < options_.keys; ++key) {
    Connection& owner = connections_[key % connections_.size()];
    owner.keys().paths.push_back(fmt::format("{}/k{:05}/n{:07}", options_.base, owner.number(), key));
    owner.keys().versions.push_back(-1);
    owner.keys().stamps.push_back(key);
  }
  return {};
}

// Makes the parents, and for the workloads on existing nodes the nodes, whose versions it learns by one write each.
Result<> Load::prepare() {
  now_ns_ = last_answer_ns_ = monotonic_ns();
  connections_[0].create(now_ns_, options_.base, "", true);
  if (auto ok = flush(&connections_[0]); !ok) return ok;
  if (auto ok = drain("preparing"); !ok) return ok;

  size_t rounds = 0;
  for (Connection& connection : connections_) {
    if (options_.workload == Workload::create)
      connection.create(now_ns_, fmt::format("{}/c{}-{:05}", options_.base, run_name_, connection.number()), "");
    else
      connection.create(now_ns_, fmt::format("{}/k{:05}", options_.base, connection.number()), "", true);
    rounds = std::max(rounds, connection.keys().paths.size());
  }
  if (options_.workload == Workload::create) rounds = 0;
  for (size_t i = 0; i < rounds; ++i) {
    for (Connection& connection : connections_) {
      Connection::Keys& keys = connection.keys();
      if (i >= keys.paths.size()) continue;
      std::memcpy(payload_.data(), &keys.stamps[i], sizeof(uint64_t));
      connection.create(now_ns_, keys.paths[i], payload_, true);
      connection.set_data(now_ns_, static_cast<uint32_t>(i), payload_);
      if (auto ok = flush(&connection); !ok) return ok;
    }
    while (in_flight() > 4096)
      if (auto ok = turn(100); !ok) return ok;
  }
  for (Connection& connection : connections_)
    if (auto ok = flush(&connection); !ok) return ok;
  return drain("preparing");
}

Result<> Load::work() {
  phase_ = Phase::warm_up;
  uint64_t phase_end_ns = monotonic_ns() + static_cast<uint64_t>(options_.warmup_seconds * 1e9);
  if (options_.operations != 0) phase_end_ns = 0;
  uint64_t measure_start_ns = 0;
  CpuSample cpu_start;

  const auto begin_measuring = [&] {
    phase_ = Phase::measure;
    cpu_start = sample_cpu(options_.watch_pids);
    measure_start_ns = now_ns_ = monotonic_ns();
    phase_end_ns = measure_start_ns + static_cast<uint64_t>(options_.seconds * 1e9);
    if (options_.operations != 0) phase_end_ns = UINT64_MAX;
  };
  if (phase_end_ns == 0) begin_measuring();

  now_ns_ = last_answer_ns_ = monotonic_ns();
  for (Connection& connection : connections_) {
    for (uint32_t i = 0; i < options_.outstanding && issue(&connection); ++i) {
    }
    if (auto ok = flush(&connection); !ok) return ok;
  }
  while (phase_ != Phase::drain) {
    if (auto ok = turn(10); !ok) return ok;
    now_ns_ = monotonic_ns();
    if (now_ns_ - last_answer_ns_ > kStallNs) return fail(ErrorKind::timed_out, "no reply for 20 s");
    const bool done = options_.operations != 0 && issued_ == options_.operations && in_flight() == 0;
    if (now_ns_ < phase_end_ns && !done) continue;
    if (phase_ == Phase::warm_up) {
      begin_measuring();
      continue;
    }
    phase_ = Phase::drain;
    const CpuSample cpu_end = sample_cpu(options_.watch_pids);
    measured_.elapsed_s = static_cast<double>(now_ns_ - measure_start_ns) / 1e9;
    measured_.cpu = {.servers_s = cpu_end.servers_s - cpu_start.servers_s,
                     .generator_s = cpu_end.generator_s - cpu_start.generator_s,
                     .machine_s = cpu_end.machine_s - cpu_start.machine_s,
                     .kernel_threads_s = cpu_end.kernel_threads_s - cpu_start.kernel_threads_s,
                     .steal_s = cpu_end.steal_s - cpu_start.steal_s};
  }
  return drain("draining");
}

Result<> Load::close_all() {
  phase_ = Phase::close;
  now_ns_ = last_answer_ns_ = monotonic_ns();
  for (Connection& connection : connections_) {
    connection.close_session(now_ns_);
    if (auto ok = flush(&connection); !ok) return ok;
  }
  return drain("closing the sessions");
}

bool Load::issue(Connection* connection) {
  if (phase_ != Phase::warm_up && phase_ != Phase::measure) return false;
  if (options_.operations != 0 && issued_ >= options_.operations) return false;
  ++issued_;
  if (options_.workload == Workload::create) {
    const uint64_t number = created_++;
    std::memcpy(payload_.data(), &number, sizeof(number));
    connection->create(
        now_ns_, fmt::format("{}/c{}-{:05}/n{:09}", options_.base, run_name_, connection->number(), number), payload_);
    return true;
  }
  const Connection::Keys& keys = connection->keys();
  const auto key = static_cast<uint32_t>(random_.below(keys.paths.size()));
  const bool reads = options_.workload == Workload::read ||
                     (options_.workload == Workload::mixed &&
                      random_.chance(options_.mix_reads, uint64_t{options_.mix_reads} + options_.mix_writes));
  if (reads) {
    connection->get_data(now_ns_, key);
  } else {
    std::memcpy(payload_.data(), &keys.stamps[key], sizeof(uint64_t));
    connection->set_data(now_ns_, key, payload_);
  }
  return true;
}

Result<> Load::turn(int timeout_ms) {
  std::array<epoll_event, 128> events;
  const int n = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
  if (n < 0 && errno != EINTR) return fail(ErrorKind::io, fmt::format("epoll_wait: {}", errno_text()));
  for (int i = 0; i < n; ++i) {
    Connection* connection = &connections_[events[static_cast<size_t>(i)].data.u32];
    if ((events[static_cast<size_t>(i)].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
      if (auto ok = read_from(connection); !ok) return ok;
    if (auto ok = flush(connection); !ok) return ok;
  }
  return {};
}

Result<> Load::read_from(Connection* connection) {
  Bytes& partial = connection->partial();
  size_t have = partial.size();
  std::memcpy(scratch_.data(), partial.data(), have);
  partial.clear();

  const ssize_t n = ::recv(connection->fd(), scratch_.data() + have, scratch_.size() - have, MSG_DONTWAIT);
  if (n == 0 && phase_ == Phase::close && connection->in_flight() == 0) {
    epoll_ctl(epoll_, EPOLL_CTL_DEL, connection->fd(), nullptr);  // the server hangs up once the session is closed
    return {};
  }
  if (n == 0) return fail(ErrorKind::closed, fmt::format("connection {}: the server closed it", connection->number()));
  if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
    return fail(ErrorKind::io, fmt::format("connection {}: receive: {}", connection->number(), errno_text()));
  if (n > 0) have += static_cast<size_t>(n);

  now_ns_ = monotonic_ns();
  BytesView in(scratch_.data(), have);
  while (in.size() >= 4) {
    const auto size = load_big_endian<uint32_t>(in.data());
    if (size > kScratchSize - 4)
      return fail(ErrorKind::corrupt, fmt::format("connection {}: a frame of {} bytes", connection->number(), size));
    if (in.size() - 4 < size) break;
    auto answer = connection->on_frame(in.substr(4, size));
    if (!answer) return std::unexpected(answer.error());
    in.remove_prefix(4 + size);
    if (auto ok = on_answer(connection, *answer); !ok) return ok;
  }
  partial.assign(in);
  return {};
}

Result<> Load::on_answer(Connection* connection, const Answer& answer) {
  ++measured_.verified;
  last_answer_ns_ = now_ns_;
  const bool read = answer.request.opcode == Opcode::get_data;
  if (phase_ == Phase::measure) {
    measured_.latency_ns->record(now_ns_ - answer.request.sent_ns);
    ++measured_.operations;
    ++(read ? measured_.reads : measured_.writes);
  }
  if (!read && phase_ != Phase::prepare && phase_ != Phase::close) write_zxids_.push_back(answer.zxid);
  issue(connection);
  return {};
}

Result<> Load::flush(Connection* connection) {
  if (auto ok = connection->flush(); !ok) return ok;
  const bool wants = connection->has_unsent();
  if (wants == wants_write_[connection->number()]) return {};
  wants_write_[connection->number()] = wants;
  epoll_event event{.events = EPOLLIN | (wants ? static_cast<uint32_t>(EPOLLOUT) : 0u),
                    .data = {.u32 = connection->number()}};
  epoll_ctl(epoll_, EPOLL_CTL_MOD, connection->fd(), &event);
  return {};
}

Result<> Load::drain(const char* what) {
  while (in_flight() > 0) {
    if (auto ok = turn(100); !ok) return ok;
    if (monotonic_ns() - last_answer_ns_ > kStallNs)
      return fail(ErrorKind::timed_out, fmt::format("{}: no reply for 20 s, {} missing", what, in_flight()));
  }
  return {};
}

// A zxid names one write of the whole cell, whichever connection sent it.
Result<> Load::check_zxids_are_unique() {
  std::ranges::sort(write_zxids_);
  if (const auto twice = std::ranges::adjacent_find(write_zxids_); twice != write_zxids_.end())
    return fail(ErrorKind::corrupt, fmt::format("two acknowledged writes carry zxid {:#x}", *twice));
  return {};
}

size_t Load::in_flight() const {
  size_t n = 0;
  for (const Connection& connection : connections_) n += connection.in_flight();
  return n;
}

}  // namespace conclave::app::bench
