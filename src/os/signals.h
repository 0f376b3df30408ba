// Signals as tasks of the loop. At most one object exists in a process at a time.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "os/fd.h"
#include "os/loop.h"

namespace conclave::os {

class Signals final : private Watcher {
 public:
  using Handler = std::function<void(int signal)>;
  explicit Signals(Loop& loop);
  ~Signals() override;  // restores the default action of what it handled

  // Calls `handler` on the loop for each arrival of one of `signals`.
  void on(const std::vector<int>& signals, Handler handler);

 private:
  void on_ready(uint32_t events) override;

  Loop& loop_;
  Fd read_end_;
  Fd write_end_;
  std::map<int, Handler> handlers_;
};

}  // namespace conclave::os
