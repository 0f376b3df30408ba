// Mutual exclusion between processes: one exclusive lock of one file.
//
//   mutex.lock([&](Outcome<std::string> sequencer) { ... show it to every server that is asked to change something ...
//   });
//
// The sequencer is what protects: a process that was stopped for long finds its calls refused (CH-37, CH-38). Loop
// thread only. Destroying it frees the lock.
#pragma once

#include <string>
#include <utility>

#include "client/chubby/recipe_file.h"

namespace conclave::chubby {

class Mutex {
 public:
  // `lock_delay_ms`: how long others wait if this process is lost with the lock held (CH-39).
  Mutex(LockService& service, std::string name, uint32_t lock_delay_ms = 0)
      : file_(
            service, std::move(name),
            {.mode = {.read = true, .write = true}, .lock_delay_ms = lock_delay_ms, .creation = Creation::if_missing}) {
  }

  // Waits its turn, then tells the sequencer.
  void lock(Completion<std::string> done) {
    file_.with<std::string>(std::move(done), [this](HandleId handle, Completion<std::string> then) {
      call_ = file_.service().acquire(handle, LockMode::exclusive,
                                      [then = std::move(then)](Outcome<Acquired> acquired) mutable {
                                        if (!acquired) return then(std::unexpected(acquired.error()));
                                        then(std::move(acquired->sequencer));
                                      });
    });
  }
  // Gives up a lock() that waits: it fails with `cancelled`. False: none waits at the cell.
  bool cancel() { return file_.service().cancel(call_); }
  void unlock(Completion<void> done) {
    file_.with<void>(std::move(done), [this](HandleId handle, Completion<void> then) {
      file_.service().release(handle, std::move(then));
    });
  }

 private:
  RecipeFile file_;
  CallId call_;
};

}  // namespace conclave::chubby
