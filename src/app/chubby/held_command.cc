#include "app/chubby/held_command.h"

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

namespace conclave::app {
namespace {

// Are we the ones whom the terminal's keys reach?
bool owns_terminal() {
  return isatty(STDIN_FILENO) != 0 && tcgetpgrp(STDIN_FILENO) == getpgrp();
}

// Hands the terminal over. From the background that is a reason to be stopped, unless the signal is ignored.
void give_terminal_to(pid_t group) {
  signal(SIGTTOU, SIG_IGN);
  tcsetpgrp(STDIN_FILENO, group);
  signal(SIGTTOU, SIG_DFL);
}

// In the child, between fork and exec: nothing but system calls.
[[noreturn]] void become(char* const* argv, char* const* envp, bool in_front, int failed_fd, pid_t parent) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(127);  // the parent died before the line above
  setpgid(0, 0);
  if (in_front) give_terminal_to(getpid());
  signal(SIGPIPE, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  execvpe(argv[0], argv, envp);
  const int error = errno;
  [[maybe_unused]] const ssize_t n = write(failed_fd, &error, sizeof error);
  _exit(127);
}

std::vector<char*> pointers(std::vector<std::string>& texts) {
  std::vector<char*> out;
  out.reserve(texts.size() + 1);
  for (std::string& text : texts) out.push_back(text.data());
  out.push_back(nullptr);
  return out;
}

std::vector<std::string> environment_with(const std::vector<std::pair<std::string, std::string>>& more) {
  std::vector<std::string> out;
  for (char** entry = environ; *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const bool replaced = std::ranges::any_of(more, [&](const auto& pair) {
      return text.starts_with(pair.first) && text.substr(pair.first.size()).starts_with('=');
    });
    if (!replaced) out.emplace_back(text);
  }
  for (const auto& [name, value] : more) out.push_back(fmt::format("{}={}", name, value));
  return out;
}

Error system_error(std::string_view doing, int code) {
  return {code == ENOENT ? ErrorKind::not_found : ErrorKind::io, fmt::format("{}: {}", doing, strerror(code))};
}

}  // namespace

class HeldCommand::ExitWatcher final : public os::Watcher {
 public:
  explicit ExitWatcher(HeldCommand& command) : command_(command) {}
  void on_ready(uint32_t) override { command_.reap(); }

 private:
  HeldCommand& command_;
};

Result<std::unique_ptr<HeldCommand>> HeldCommand::start(os::Loop& loop, Setup setup, OnExit on_exit) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return std::unexpected(system_error("cannot make a pipe", errno));
  const os::Fd read_end(ends[0]);
  os::Fd write_end(ends[1]);
  std::vector<std::string> environment = environment_with(setup.environment);
  const std::vector<char*> argv = pointers(setup.arguments);
  const std::vector<char*> envp = pointers(environment);
  const bool in_front = owns_terminal();

  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid < 0) return std::unexpected(system_error("cannot start a process", errno));
  if (pid == 0) become(argv.data(), envp.data(), in_front, write_end.get(), parent);
  setpgid(pid, pid);  // whoever of the two comes first
  write_end = os::Fd();
  int error = 0;
  ssize_t n = 0;
  do {  // until the program has been replaced, which closes the pipe
    n = read(read_end.get(), &error, sizeof error);
  } while (n < 0 && errno == EINTR);
  const int pidfd = n > 0 ? -1 : static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    if (n <= 0) error = errno;
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
    if (in_front) give_terminal_to(getpgrp());
    return std::unexpected(system_error(setup.arguments.front(), error));
  }
  auto command = std::unique_ptr<HeldCommand>(new HeldCommand(loop, pid, os::Fd(pidfd), std::move(on_exit)));
  command->in_front_ = in_front;
  return command;
}

HeldCommand::HeldCommand(os::Loop& loop, pid_t pid, os::Fd pidfd, OnExit on_exit)
    : loop_(loop),
      pid_(pid),
      in_front_(false),
      pidfd_(std::move(pidfd)),
      on_exit_(std::move(on_exit)),
      watcher_(std::make_unique<ExitWatcher>(*this)) {
  loop_.watch(pidfd_.get(), EPOLLIN, watcher_.get());
}

HeldCommand::~HeldCommand() {
  loop_.cancel(kill_timer_);
  if (!running_) return;
  loop_.unwatch(pidfd_.get(), watcher_.get());
  kill(-pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
  if (in_front_) give_terminal_to(getpgrp());
}

void HeldCommand::signal(int number) const {
  if (running_) kill(-pid_, number);
}

void HeldCommand::end(Duration patience) {
  signal(SIGTERM);
  signal(SIGCONT);  // a stopped one would not notice
  loop_.cancel(kill_timer_);
  kill_timer_ = loop_.schedule(patience, [this] { signal(SIGKILL); });
}

void HeldCommand::wake_if_stopped() const {
  siginfo_t info{};
  if (!running_ || waitid(P_PID, static_cast<id_t>(pid_), &info, WSTOPPED | WNOHANG) != 0 || info.si_pid != pid_)
    return;
  // But not if it was asked for by us.
  if (info.si_status == SIGTSTP || info.si_status == SIGTTIN || info.si_status == SIGTTOU) signal(SIGCONT);
}

void HeldCommand::reap() {
  int status = 0;
  if (waitpid(pid_, &status, WNOHANG) != pid_) return;
  running_ = false;
  loop_.cancel(kill_timer_);
  loop_.unwatch(pidfd_.get(), watcher_.get());
  if (in_front_) give_terminal_to(getpgrp());
  const OnExit on_exit = on_exit_;  // may destroy *this
  on_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

}  // namespace conclave::app
