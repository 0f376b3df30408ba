#include "os/worker.h"

#include <pthread.h>
#include <utility>

namespace conclave::os {

Worker::Worker(Loop& loop, std::string name, size_t queue_max)
    : loop_(loop), queue_max_(queue_max), thread_([this] { run(); }) {
  pthread_setname_np(thread_.native_handle(), name.c_str());
}

Worker::~Worker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  work_ready_.notify_one();
  thread_.join();
}

void Worker::submit(Task work, Task done) {
  {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return queue_.size() < queue_max_; });
    queue_.push_back({.work = std::move(work), .done = std::move(done)});
  }
  work_ready_.notify_one();
}

void Worker::run() {
  for (;;) {
    Job job;
    {
      std::unique_lock lock(mutex_);
      work_ready_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
      if (queue_.empty()) return;
      job = std::move(queue_.front());
      queue_.pop_front();
    }
    room_.notify_one();
    job.work();
    job.work = Task();  // what it owns dies on this thread, before the loop hears that it is done
    loop_.post(std::move(job.done));
  }
}

}  // namespace conclave::os
