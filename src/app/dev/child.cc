#include "app/dev/child.h"

#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utility>

namespace conclave::app {
namespace {

Error system_error(const char* doing) {
  return {ErrorKind::io, fmt::format("{}: {}", doing, strerror(errno))};
}

// In the child, between fork and exec: nothing but system calls.
[[noreturn]] void become(char* const* argv, int pipe_fd, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  setpgid(0, 0);
  dup2(pipe_fd, STDOUT_FILENO);
  dup2(pipe_fd, STDERR_FILENO);
  const int null = open("/dev/null", O_RDONLY);
  if (null >= 0) dup2(null, STDIN_FILENO);
  execv("/proc/self/exe", argv);
  _exit(127);
}

}  // namespace

class Child::PipeWatcher final : public os::Watcher {
 public:
  explicit PipeWatcher(Child& child) : child_(child) {}
  void on_ready(uint32_t) override { child_.read_pipe(); }

 private:
  Child& child_;
};

class Child::ExitWatcher final : public os::Watcher {
 public:
  explicit ExitWatcher(Child& child) : child_(child) {}
  void on_ready(uint32_t) override { child_.reap(); }

 private:
  Child& child_;
};

Result<std::unique_ptr<Child>> Child::start(os::Loop& loop, std::vector<std::string> arguments, Callbacks callbacks) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(system_error("cannot make a pipe"));
  os::Fd read_end(ends[0]);
  os::Fd write_end(ends[1]);
  fcntl(read_end.get(), F_SETFL, O_NONBLOCK);

  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return std::unexpected(system_error("cannot start a process"));
  if (pid == 0) become(argv.data(), write_end.get(), parent);
  const int pidfd = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    const Error error = system_error("cannot watch a process");
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    return std::unexpected(error);
  }
  return std::unique_ptr<Child>(new Child(loop, pid, std::move(read_end), os::Fd(pidfd), std::move(callbacks)));
}

Child::Child(os::Loop& loop, pid_t pid, os::Fd pipe, os::Fd pidfd, Callbacks callbacks)
    : loop_(loop),
      pid_(pid),
      pipe_(std::move(pipe)),
      pidfd_(std::move(pidfd)),
      callbacks_(std::move(callbacks)),
      pipe_watcher_(std::make_unique<PipeWatcher>(*this)),
      exit_watcher_(std::make_unique<ExitWatcher>(*this)) {
  loop_.watch(pipe_.get(), EPOLLIN, pipe_watcher_.get());
  loop_.watch(pidfd_.get(), EPOLLIN, exit_watcher_.get());
}

Child::~Child() {
  if (pipe_watcher_ != nullptr) loop_.unwatch(pipe_.get(), pipe_watcher_.get());
  if (!running_) return;
  loop_.unwatch(pidfd_.get(), exit_watcher_.get());
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

void Child::signal(int number) {
  if (running_) kill(pid_, number);
}

void Child::read_pipe() {
  char buffer[16 << 10];
  for (;;) {
    const ssize_t n = ::read(pipe_.get(), buffer, sizeof buffer);
    if (n > 0) {
      for (const std::string& line : lines_.feed({buffer, static_cast<size_t>(n)})) callbacks_.on_line(line);
      continue;
    }
    if (n < 0 && errno == EINTR) continue;
    if (n < 0 && errno == EAGAIN) return;
    break;  // closed
  }
  if (const std::string rest = lines_.rest(); !rest.empty()) callbacks_.on_line(rest);
  loop_.unwatch(pipe_.get(), pipe_watcher_.get());
  pipe_watcher_.reset();
}

void Child::reap() {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return;
  running_ = false;
  loop_.unwatch(pidfd_.get(), exit_watcher_.get());
  if (pipe_watcher_ != nullptr) read_pipe();
  callbacks_.on_exit(WIFSIGNALED(status) ? fmt::format("signal {} ({})", WTERMSIG(status), strsignal(WTERMSIG(status)))
                                         : fmt::format("exit code {}", WEXITSTATUS(status)));
}

}  // namespace conclave::app
