#include "os/loop.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>
#include <limits>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <utility>

#include "base/assert.h"

namespace conclave::os {
namespace {

constexpr int kEventsMax = 256;  // per turn
thread_local const Loop* loop_of_this_thread = nullptr;

// False if this kernel has no epoll_pwait2 (before 5.11); then timers are rounded up to milliseconds.
bool has_fine_timeouts = true;

int wait_for_events(int epoll, epoll_event* events, int timeout_us) {
  if (has_fine_timeouts && timeout_us > 0) {
    const timespec timeout{.tv_sec = timeout_us / 1'000'000, .tv_nsec = (timeout_us % 1'000'000) * 1000L};
    const int n = epoll_pwait2(epoll, events, kEventsMax, &timeout, nullptr);
    if (n >= 0 || errno != ENOSYS) return n;
    has_fine_timeouts = false;
  }
  const int timeout_ms = timeout_us <= 0 ? timeout_us : (timeout_us + 999) / 1000;
  return epoll_wait(epoll, events, kEventsMax, timeout_ms);
}

}  // namespace

Loop::Loop()
    : epoll_(epoll_create1(EPOLL_CLOEXEC)),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      read_buffer_(std::make_unique_for_overwrite<char[]>(kReadBufferBytes)) {
  CONCLAVE_ASSERT(static_cast<bool>(epoll_));
  CONCLAVE_ASSERT(static_cast<bool>(wake_));
  epoll_event event{.events = EPOLLIN, .data = {.ptr = nullptr}};
  const bool added = epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, wake_.get(), &event) == 0;
  CONCLAVE_ASSERT(added);
}

Loop::~Loop() {
  drop_all();
}

// Tasks may own objects whose destructors post, schedule or cancel; those calls must find an intact loop.
void Loop::drop_all() {
  for (int round = 0; round < 8; ++round) {
    std::vector<Task> tasks = timers_.take_all();
    std::vector<Task> posted = std::exchange(tasks_, {});
    std::vector<Task> remote;
    {
      const std::lock_guard lock(mutex_);
      remote.swap(remote_tasks_);
    }
    if (tasks.empty() && posted.empty() && remote.empty()) return;
  }
}

bool Loop::on_loop_thread() const {
  return loop_of_this_thread == this;
}

void Loop::post(Task task) {
  if (on_loop_thread()) {
    tasks_.push_back(std::move(task));
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    remote_tasks_.push_back(std::move(task));
  }
  if (!remote_.exchange(true)) wake();
}

env::TimerId Loop::schedule(Duration delay, Task task) {
  return timers_.add(clock_.now() + std::max(delay, Duration{0}), std::move(task));
}

void Loop::cancel(env::TimerId timer) {
  const Task dropped = timers_.cancel(timer);  // destroyed here, when the queue is consistent again
}

void Loop::stop() {
  stopping_ = true;
  wake();
}

void Loop::wake() {
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = write(wake_.get(), &one, sizeof(one));  // full means that a wake-up is pending
}

void Loop::run() {
  const Loop* outer = std::exchange(loop_of_this_thread, this);
  while (!stopping_) {
    wait();
    run_timers();
    run_tasks();
    run_flushes();
  }
  stopping_ = false;
  loop_of_this_thread = outer;
}

int Loop::timeout_us() {
  if (!tasks_.empty() || remote_ || stopping_ || !flushers_.empty()) return 0;
  const auto next = timers_.next();
  if (!next) return -1;
  const int64_t left = (*next - clock_.now()).us;
  return static_cast<int>(std::clamp<int64_t>(left, 0, std::numeric_limits<int>::max() - 1000));
}

void Loop::wait() {
  std::array<epoll_event, kEventsMax> events;
  const int count = wait_for_events(epoll_.get(), events.data(), timeout_us());
  if (count < 0) {
    const int code = errno;
    CONCLAVE_ASSERT(code == EINTR);
    return;
  }
  ready_.clear();
  ready_events_.clear();
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events[static_cast<size_t>(i)];
    ready_.push_back(static_cast<Watcher*>(event.data.ptr));
    ready_events_.push_back(event.events);
    if (event.data.ptr != nullptr) continue;
    uint64_t wake_ups = 0;
    [[maybe_unused]] const ssize_t n = read(wake_.get(), &wake_ups, sizeof(wake_ups));
  }
  for (size_t i = 0; i < ready_.size(); ++i) {
    if (ready_[i] != nullptr) ready_[i]->on_ready(ready_events_[i]);  // null: the wake-up, or unwatched meanwhile
  }
  ready_.clear();
}

void Loop::run_timers() {
  const Instant now = clock_.now();  // a timer set by a timer waits for the next turn
  for (auto when = timers_.next(); when && *when <= now; when = timers_.next()) {
    Task task = timers_.take();
    task();
  }
}

void Loop::run_tasks() {
  std::vector<Task> remote;
  if (remote_.exchange(false)) {
    const std::lock_guard lock(mutex_);
    remote.swap(remote_tasks_);
  }
  std::vector<Task> local;
  local.swap(tasks_);  // before any runs: what they post belongs to the next turn
  for (Task& task : remote) task();
  for (Task& task : local) task();
}

void Loop::run_flushes() {
  for (size_t i = 0; i < flushers_.size(); ++i) {  // a flush may add to the list, and forget() clears places in it
    Flusher* flusher = std::exchange(flushers_[i], nullptr);
    if (flusher == nullptr) continue;
    flusher->queued_ = false;
    flusher->flush();
  }
  flushers_.clear();
}

void Loop::watch(int fd, uint32_t epoll_events, Watcher* watcher) {
  epoll_event event{.events = epoll_events, .data = {.ptr = watcher}};
  const bool added = epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0;
  CONCLAVE_ASSERT(added);
}

void Loop::rewatch(int fd, uint32_t epoll_events, Watcher* watcher) {
  epoll_event event{.events = epoll_events, .data = {.ptr = watcher}};
  const bool changed = epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0;
  CONCLAVE_ASSERT(changed);
}

void Loop::unwatch(int fd, Watcher* watcher) {
  epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
  std::replace(ready_.begin(), ready_.end(), watcher, static_cast<Watcher*>(nullptr));
}

void Loop::flush_later(Flusher* flusher) {
  if (std::exchange(flusher->queued_, true)) return;
  flushers_.push_back(flusher);
}

void Loop::forget(Flusher* flusher) {
  if (!std::exchange(flusher->queued_, false)) return;
  std::replace(flushers_.begin(), flushers_.end(), flusher, static_cast<Flusher*>(nullptr));
}

}  // namespace conclave::os
