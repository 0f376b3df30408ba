// The event loop of the real world: tasks, timers and sockets, one at a time, on the thread that calls run().
//
// One turn is: ready sockets, due timers, the tasks posted before the turn, then the flush of everything that was
// written meanwhile. So what a turn writes to one socket leaves in one system call, and a batch of requests that
// arrived together is answered together.
//
// post() and stop() are safe from any thread; all else belongs to the loop thread, or to the time before run().
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "base/bytes.h"
#include "base/timer_queue.h"
#include "env/executor.h"
#include "os/clock.h"
#include "os/fd.h"

namespace conclave::os {

// A socket that the loop looks after.
class Watcher {
 public:
  virtual ~Watcher() = default;
  virtual void on_ready(uint32_t epoll_events) = 0;
};

// Something that has unsent output.
class Flusher {
 public:
  virtual ~Flusher() = default;
  virtual void flush() = 0;

 private:
  friend class Loop;
  bool queued_ = false;
};

class Loop final : public env::Executor {
 public:
  static constexpr size_t kReadBufferBytes = 256 << 10;

  Loop();
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void post(Task task) override;
  env::TimerId schedule(Duration delay, Task task) override;
  void cancel(env::TimerId timer) override;

  // Runs turns until stop(). May be called again afterwards.
  void run();
  void stop();
  bool on_loop_thread() const;

  // Level-triggered: on_ready is called each turn while one of `epoll_events` holds. A watcher must be unwatched before
  // its descriptor is closed.
  void watch(int fd, uint32_t epoll_events, Watcher* watcher);
  void rewatch(int fd, uint32_t epoll_events, Watcher* watcher);
  void unwatch(int fd, Watcher* watcher);

  // Calls flusher->flush() once at the end of this turn.
  void flush_later(Flusher* flusher);
  void forget(Flusher* flusher);

  // One buffer for whoever reads right now: valid until control returns to the loop.
  char* read_buffer() { return read_buffer_.get(); }

 private:
  void wait();
  void run_timers();
  void run_tasks();
  void run_flushes();
  void wake();
  void drop_all();
  int timeout_us();

  Clock clock_;
  Fd epoll_;
  Fd wake_;
  std::unique_ptr<char[]> read_buffer_;
  TimerQueue timers_;
  std::vector<Task> tasks_;  // posted from the loop thread
  std::vector<Flusher*> flushers_;
  std::vector<Watcher*> ready_;  // what is left of the batch being dispatched
  std::vector<uint32_t> ready_events_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;
  std::vector<Task> remote_tasks_;   // guarded by mutex_; posted from other threads
  std::atomic<bool> remote_{false};  // there are some
};

}  // namespace conclave::os
