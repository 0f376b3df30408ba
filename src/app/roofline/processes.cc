#include "app/roofline/processes.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <utility>

#include "app/roofline/follower.h"
#include "app/roofline/master.h"
#include "os/error.h"
#include "os/fd.h"
#include "os/world.h"

namespace conclave::app::roofline {
namespace {

// Below this, freed memory stays with a member: messages come in the same sizes again, and a page given back to the
// kernel is a page fault at the next one.
constexpr int kKeptBytes = 256 << 20;
constexpr int kStartMsMax = 30'000;  // three logs are written in this time

// What a child tells its parent, once: ports, or a sentence.
void tell(os::Fd* pipe, const std::string& text) {
  [[maybe_unused]] const ssize_t n = ::write(pipe->get(), text.data(), text.size());  // the parent gave up
  pipe->reset();
}

// One member until a signal. Returns the exit code.
int run_member(const std::string& directory, uint32_t number, uint16_t master_port, os::Fd pipe) {
  mallopt(M_MMAP_THRESHOLD, kKeptBytes);
  mallopt(M_TRIM_THRESHOLD, kKeptBytes);
  auto world = os::World::create({.data_directory = directory});
  if (!world) return tell(&pipe, "-" + world.error().message), 1;
  int code = 0;
  const auto failed = [&](const Error& reason) {
    code = 1;
    const std::string text = fmt::format("member {} of the null log: {}", number, reason.message);
    pipe ? tell(&pipe, "-" + text) : fmt::print(stderr, "{}\n", text);
    (*world)->stop();
  };
  (*world)->on_signal({SIGINT, SIGTERM}, [&](int) { (*world)->stop(); });

  std::unique_ptr<Member> member;
  if (number == 0) {
    auto master = std::make_unique<Master>((*world)->env(), failed);
    const auto clients = master->open();
    const auto followers = master->open_to_followers();
    if (!clients || !followers) return tell(&pipe, "-" + (clients ? followers : clients).error().message), 1;
    member = std::move(master);
    tell(&pipe, fmt::format("{} {}", clients->port, followers->port));
  } else {
    auto follower = std::make_unique<Follower>((*world)->env(), number, failed);
    const auto clients = follower->open();
    if (!clients) return tell(&pipe, "-" + clients.error().message), 1;
    follower->join({.host = kHost, .port = master_port},
                   [&pipe, port = clients->port] { tell(&pipe, fmt::format("{}", port)); });
    member = std::move(follower);
  }
  (*world)->run();
  member.reset();
  return code;
}

// All that comes until the other end closes.
Result<std::string> read_all(int fd) {
  std::string text;
  for (;;) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    if (poll(&ready, 1, kStartMsMax) == 0) return fail(ErrorKind::timed_out, "a member does not get ready");
    char buffer[512];
    const ssize_t n = ::read(fd, buffer, sizeof(buffer));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os::errno_fail(errno, "read from", "a member");
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
  }
}

}  // namespace

Result<Processes> Processes::start(const std::string& directory) {
  Processes processes;
  uint16_t master_port = 0;
  for (uint32_t number = 0; number < kMembers; ++number) {
    const auto ports = processes.add_member(directory, number, master_port);
    if (!ports) return std::unexpected(ports.error());
    processes.ports_.push_back(ports->front());
    if (number == 0) master_port = ports->back();
  }
  return processes;
}

Result<std::vector<uint16_t>> Processes::add_member(const std::string& directory, uint32_t number,
                                                    uint16_t master_port) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return os::errno_fail(errno, "make", "a pipe");
  const os::Fd read_end(ends[0]);
  os::Fd write_end(ends[1]);
  std::fflush(nullptr);  // or the child prints it again
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return os::errno_fail(errno, "start", "a process");
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);  // it died before the line above
    _exit(run_member(directory, number, master_port, std::move(write_end)));
  }
  pids_.push_back(pid);
  write_end.reset();

  const auto text = read_all(read_end.get());
  if (!text) return std::unexpected(text.error());
  unsigned clients = 0, followers = 0;
  if (text->starts_with('-') || std::sscanf(text->c_str(), "%u %u", &clients, &followers) < 1)
    return fail(ErrorKind::unavailable, text->empty() ? "a member ended before it was ready" : text->substr(1));
  return std::vector{static_cast<uint16_t>(clients), static_cast<uint16_t>(followers)};
}

Processes::~Processes() {
  for (const pid_t pid : pids_) kill(pid, SIGKILL);  // there is nothing to save
  for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
}

std::string Processes::servers() const {
  std::vector<std::string> all;
  for (const uint16_t port : ports_) all.push_back(fmt::format("{}:{}", kHost, port));
  return fmt::format("{}", fmt::join(all, ","));
}

std::string Processes::pids() const {
  return fmt::format("{}", fmt::join(pids_, ","));
}

bool Processes::wait() const {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGCHLD}) sigaddset(&signals, signal);
  sigprocmask(SIG_BLOCK, &signals, nullptr);
  for (;;) {
    int signal = 0;
    const timespec now_and_then{.tv_sec = 1, .tv_nsec = 0};  // a child may have ended before the signals were blocked
    signal = sigtimedwait(&signals, nullptr, &now_and_then);
    if (signal == SIGINT || signal == SIGTERM) return true;
    siginfo_t info{};
    if (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) return false;
  }
}

}  // namespace conclave::app::roofline
