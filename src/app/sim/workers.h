// Runs jobs in child processes, one a core, so that a broken invariant or a hang of one run is a result like any other
// and no state leaks from run to run. A child takes jobs one after the other; one that dies or overstays is replaced.
// Not thread-safe; the program must have one thread when it makes the workers.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <sys/types.h>
#include <vector>

#include "base/bytes.h"
#include "base/time.h"

namespace conclave::app {

class Workers {
 public:
  // In the child: bytes of a job in, bytes of a result out.
  using Work = std::function<Bytes(BytesView job)>;

  Workers(size_t count, Work work, Duration time_max);
  ~Workers();  // ends the children
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;

  struct Done {
    uint64_t ticket = 0;
    std::optional<Bytes> result;  // nothing: the child died or was stopped
    bool overstayed = false;
    std::string why;  // of a child that died: its signal or exit code, and the last of its standard error
  };

  size_t idle() const;
  size_t busy() const { return children_.size() - idle(); }
  // REQUIRES: idle() > 0.
  void give(uint64_t ticket, BytesView job);
  // Waits for results, at most `patience`; may return none.
  std::vector<Done> wait(Duration patience);

 private:
  struct Child {
    pid_t pid = -1;
    int jobs = -1;     // written by us
    int results = -1;  // read by us
    int errors = -1;   // its standard error
    bool busy = false;
    uint64_t ticket = 0;
    int64_t began_us = 0;
    Bytes received;
    Bytes said;
  };
  void start(Child& child);
  void end(Child& child);
  [[noreturn]] void serve(int jobs, int results);
  std::optional<Done> look(Child& child);

  Work work_;
  Duration time_max_;
  std::vector<Child> children_;
};

}  // namespace conclave::app
