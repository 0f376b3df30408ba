#include "app/sim/workers.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"

namespace conclave::app {
namespace {

constexpr size_t kSaidMax = 4000;  // of a child's standard error

int64_t now_us() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

void write_all(int fd, BytesView bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return;  // the other side is gone, which its end tells
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

// False at the end of the file.
bool read_exactly(int fd, char* to, size_t size) {
  while (size > 0) {
    const ssize_t n = ::read(fd, to, size);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    to += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

void send_frame(int fd, BytesView bytes) {
  const auto size = static_cast<uint32_t>(bytes.size());
  Bytes frame(reinterpret_cast<const char*>(&size), sizeof(size));
  frame.append(bytes);
  write_all(fd, frame);
}

void close_fd(int& fd) {
  if (fd >= 0) ::close(fd);
  fd = -1;
}

// Appends what is there; false at the end of the file.
bool read_some(int fd, Bytes* to) {
  char buffer[16384];
  const ssize_t n = ::read(fd, buffer, sizeof(buffer));
  if (n < 0) return errno == EINTR || errno == EAGAIN;
  to->append(buffer, static_cast<size_t>(n));
  return n > 0;
}

}  // namespace

Workers::Workers(size_t count, Work work, Duration time_max) : work_(std::move(work)), time_max_(time_max) {
  children_.resize(count);
  for (Child& child : children_) start(child);
}

Workers::~Workers() {
  for (Child& child : children_) end(child);
}

void Workers::start(Child& child) {
  int jobs[2], results[2], errors[2];
  CONCLAVE_ASSERT(::pipe2(jobs, O_CLOEXEC) == 0);
  CONCLAVE_ASSERT(::pipe2(results, O_CLOEXEC) == 0);
  CONCLAVE_ASSERT(::pipe2(errors, O_CLOEXEC) == 0);
  const pid_t pid = ::fork();
  CONCLAVE_ASSERT(pid >= 0);
  if (pid == 0) {
    for (const Child& other : children_) {  // or they would not see their end
      for (const int fd : {other.jobs, other.results, other.errors}) {
        if (fd >= 0) ::close(fd);
      }
    }
    for (const int fd : {jobs[1], results[0], errors[0]}) ::close(fd);
    ::dup2(errors[1], STDERR_FILENO);
    ::signal(SIGINT, SIG_IGN);  // the parent decides when to end
    serve(jobs[0], results[1]);
  }
  for (const int fd : {jobs[0], results[1], errors[1]}) ::close(fd);
  child = {.pid = pid, .jobs = jobs[1], .results = results[0], .errors = errors[0]};
}

void Workers::serve(int jobs, int results) {
  for (;;) {
    uint32_t size = 0;
    if (!read_exactly(jobs, reinterpret_cast<char*>(&size), sizeof(size))) ::_exit(0);
    Bytes job(size, '\0');
    if (!read_exactly(jobs, job.data(), size)) ::_exit(0);
    send_frame(results, work_(job));
  }
}

void Workers::end(Child& child) {
  if (child.pid < 0) return;
  ::kill(child.pid, SIGKILL);
  ::waitpid(child.pid, nullptr, 0);
  for (int* fd : {&child.jobs, &child.results, &child.errors}) close_fd(*fd);
  child = {};
}

size_t Workers::idle() const {
  return static_cast<size_t>(std::ranges::count(children_, false, &Child::busy));
}

void Workers::give(uint64_t ticket, BytesView job) {
  const auto child = std::ranges::find(children_, false, &Child::busy);
  CONCLAVE_ASSERT(child != children_.end());
  child->busy = true;
  child->ticket = ticket;
  child->began_us = now_us();
  send_frame(child->jobs, job);
}

std::vector<Workers::Done> Workers::wait(Duration patience) {
  std::vector<pollfd> watched;
  for (const Child& child : children_) {
    watched.push_back({.fd = child.results, .events = POLLIN, .revents = 0});
    watched.push_back({.fd = child.errors, .events = POLLIN, .revents = 0});
  }
  if (::poll(watched.data(), watched.size(), static_cast<int>(patience.ms())) < 0) return {};
  std::vector<Done> done;
  for (size_t i = 0; i < children_.size(); ++i) {
    Child& child = children_[i];
    // A dying child closes one pipe before the other; one that has ended is not watched any more.
    if (watched[2 * i + 1].revents != 0 && !read_some(child.errors, &child.said)) close_fd(child.errors);
    if (child.said.size() > 2 * kSaidMax) child.said.erase(0, child.said.size() - kSaidMax);
    const bool ended = (watched[2 * i].revents != 0) && !read_some(child.results, &child.received);
    if (auto finished = look(child)) {
      done.push_back(std::move(*finished));
    } else if (ended || (child.busy && now_us() - child.began_us > time_max_.us)) {
      Done lost{.ticket = child.ticket, .result = {}, .overstayed = !ended, .why = {}};
      ::kill(child.pid, SIGKILL);
      while (child.errors >= 0 && read_some(child.errors, &child.said)) {
      }
      int status = 0;
      ::waitpid(child.pid, &status, 0);
      child.pid = -1;
      if (ended && WIFSIGNALED(status))
        lost.why = fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)));
      if (ended && WIFEXITED(status)) lost.why = fmt::format("exit code {}", WEXITSTATUS(status));
      if (child.said.size() > kSaidMax) child.said.erase(0, child.said.size() - kSaidMax);
      lost.why += "\n" + child.said;
      for (int* fd : {&child.jobs, &child.results, &child.errors}) close_fd(*fd);
      const bool was_busy = child.busy;
      child = {};
      start(child);
      if (was_busy) done.push_back(std::move(lost));
    }
  }
  return done;
}

std::optional<Workers::Done> Workers::look(Child& child) {
  uint32_t size = 0;
  if (!child.busy || child.received.size() < sizeof(size)) return std::nullopt;
  std::memcpy(&size, child.received.data(), sizeof(size));
  if (child.received.size() < sizeof(size) + size) return std::nullopt;
  Done done{.ticket = child.ticket, .result = child.received.substr(sizeof(size), size)};
  child.received.clear();
  child.said.clear();
  child.busy = false;
  return done;
}

}  // namespace conclave::app
