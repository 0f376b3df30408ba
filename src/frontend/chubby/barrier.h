// Read barriers for what the master answers without a log entry: that it was still the master after it was asked.
// All that is asked in one turn of the loop shares one. Loop thread only.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "env/clock.h"
#include "env/executor.h"
#include "replica/gateway.h"

namespace conclave::frontend::chubby {

class Barrier {
 public:
  // Called when it holds, with the time at which it was asked for: no other master began before that.
  using Confirmed = std::move_only_function<void(Instant asked)>;

  Barrier(const env::Clock& clock, env::Executor& executor, replica::Gateway& gateway)
      : clock_(clock), executor_(executor), gateway_(gateway) {}
  ~Barrier() { *alive_ = false; }
  Barrier(const Barrier&) = delete;
  Barrier& operator=(const Barrier&) = delete;

  // Never called from inside; not at all if *this dies before.
  void after(Confirmed then) {
    waiting_.push_back(std::move(then));
    if (std::exchange(posted_, true)) return;
    executor_.post([this, alive = alive_] {
      if (*alive) ask();
    });
  }

 private:
  static constexpr Duration kRetry = Duration::millis(20);

  void ask() {
    posted_ = false;
    const Instant asked = clock_.now();
    gateway_.sync([this, alive = alive_, asked, batch = std::exchange(waiting_, {})](replica::Reply reply) mutable {
      if (!*alive) return;
      if (reply.outcome.code == state::Code::ok) {
        for (Confirmed& then : batch) {
          then(asked);
          if (!*alive) return;
        }
        return;
      }
      // Not known. If we are master no more, we are about to be destroyed; otherwise ask again.
      waiting_.insert(waiting_.end(), std::make_move_iterator(batch.begin()), std::make_move_iterator(batch.end()));
      if (std::exchange(posted_, true)) return;
      executor_.schedule(kRetry, [this, alive] {
        if (*alive) ask();
      });
    });
  }

  const env::Clock& clock_;
  env::Executor& executor_;
  replica::Gateway& gateway_;
  std::vector<Confirmed> waiting_;
  bool posted_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::frontend::chubby
