#include "client/blocking/loop_thread.h"

#include <future>
#include <pthread.h>
#include <signal.h>
#include <utility>

#include "base/assert.h"
#include "client/blocking/loop_handle.h"

namespace conclave::blocking {
namespace {

// Says that a task was run, or that it was destroyed without.
struct Ran {
  Ran() = default;
  Ran(Ran&& other) noexcept : promise(std::move(other.promise)), open(std::exchange(other.open, false)) {}
  Ran& operator=(Ran&&) = delete;
  ~Ran() { say(false); }
  void say(bool ran) {
    if (std::exchange(open, false)) promise.set_value(ran);
  }
  std::promise<bool> promise;
  bool open = true;
};

}  // namespace

void LoopHandle::start() {
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);  // the new thread inherits it
  thread_ = std::thread([this] {
    pthread_setname_np(pthread_self(), "conclave");
    world_->loop.run();
  });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  thread_id_ = thread_.get_id();
}

void LoopHandle::end() {
  const bool in_a_callback = on_loop_thread();
  CONCLAVE_ASSERT(!in_a_callback);
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
    world_->loop.post([this] { world_->loop.stop(); });
  }
  thread_.join();
  world_.reset();
}

void LoopHandle::post(Task task) {
  const std::lock_guard lock(mutex_);
  if (!ended_) world_->loop.post(std::move(task));
}

bool LoopHandle::run(const std::function<void()>& task) {
  if (on_loop_thread()) {
    task();
    return true;
  }
  Ran ran;
  std::future<bool> result = ran.promise.get_future();
  post([&task, ran = std::move(ran)]() mutable {
    task();
    ran.say(true);
  });
  return result.get();
}

LoopThread::LoopThread() : handle_(std::make_shared<LoopHandle>()) {
  handle_->start();
}

LoopThread::~LoopThread() {
  handle_->end();
}

void LoopThread::post(Task task) {
  handle_->post(std::move(task));
}

}  // namespace conclave::blocking
