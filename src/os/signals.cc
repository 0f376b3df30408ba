#include "os/signals.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <sys/epoll.h>
#include <utility>

#include "base/assert.h"

namespace conclave::os {
namespace {

std::atomic<int> signal_pipe{-1};

// Async-signal-safe: a signal handler may do little but write.
void tell_loop(int signal) {
  const int saved = errno;
  const auto byte = static_cast<unsigned char>(signal);
  [[maybe_unused]] const ssize_t n = write(signal_pipe.load(), &byte, 1);
  errno = saved;
}

void set_action(int signal, void (*action)(int)) {
  struct sigaction how{};
  how.sa_handler = action;
  how.sa_flags = SA_RESTART;
  sigemptyset(&how.sa_mask);
  const bool set = sigaction(signal, &how, nullptr) == 0;
  CONCLAVE_ASSERT(set);
}

}  // namespace

Signals::Signals(Loop& loop) : loop_(loop) {
  int ends[2] = {-1, -1};
  const bool made = pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0;
  CONCLAVE_ASSERT(made);
  read_end_ = Fd(ends[0]);
  write_end_ = Fd(ends[1]);
  const bool alone = signal_pipe.exchange(write_end_.get()) < 0;
  CONCLAVE_ASSERT(alone);
  loop_.watch(read_end_.get(), EPOLLIN, this);
}

Signals::~Signals() {
  for (const auto& [signal, handler] : handlers_) set_action(signal, SIG_DFL);
  signal_pipe = -1;
  loop_.unwatch(read_end_.get(), this);
}

void Signals::on(const std::vector<int>& signals, Handler handler) {
  for (const int signal : signals) {
    handlers_[signal] = handler;
    set_action(signal, tell_loop);
  }
}

void Signals::on_ready(uint32_t /*events*/) {
  unsigned char signals[64];
  const ssize_t n = read(read_end_.get(), signals, sizeof(signals));
  for (ssize_t i = 0; i < n; ++i) {
    const auto it = handlers_.find(signals[i]);
    if (it != handlers_.end()) Handler(it->second)(signals[i]);
  }
}

}  // namespace conclave::os
