// The load: connects, makes the nodes, keeps C × O requests in flight (closed loop), measures, verifies, drains. One
// thread around one epoll; what arrives in one read is answered by one write, so the generator costs about a
// microsecond an operation and the servers set the pace.
//
// Counted are the replies that arrive inside the measured window; verified are all of them, also those of the
// preparation, the warm-up and the drain.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/bench/connection.h"
#include "app/bench/histogram.h"
#include "app/bench/options.h"
#include "base/random.h"
#include "base/result.h"

namespace conclave::app::bench {

struct CpuSample {
  double servers_s = 0;         // user and system time of the watched processes
  double generator_s = 0;       // of this process
  double machine_s = 0;         // of every process and kernel thread on this machine
  double kernel_threads_s = 0;  // of those, kernel threads
  double steal_s = 0;
};
// `pids` are read from /proc; one that is gone counts as zero.
CpuSample sample_cpu(const std::vector<int>& pids);

struct Measured {
  uint64_t operations = 0;
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t verified = 0;  // replies checked, the unmeasured ones included
  double elapsed_s = 0;
  std::unique_ptr<Histogram> latency_ns = std::make_unique<Histogram>();
  CpuSample cpu;  // spent inside the measured window
};

class Load {
 public:
  explicit Load(Options options);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // Runs everything. An error is the first breach of a connection's invariants or a broken connection.
  Result<Measured> run();

 private:
  enum class Phase { prepare, warm_up, measure, drain, close };

  Result<> connect_all();
  Result<> prepare();
  Result<> work();
  Result<> close_all();
  // One turn of the loop: wait for sockets, read, answer.
  Result<> turn(int timeout_ms);
  Result<> read_from(Connection* connection);
  Result<> on_answer(Connection* connection, const Answer& answer);
  Result<> drain(const char* what);
  Result<> flush(Connection* connection);
  // Appends the next request of the workload; false when the run needs no more.
  bool issue(Connection* connection);
  Result<> check_zxids_are_unique();
  size_t in_flight() const;

  Options options_;
  Phase phase_ = Phase::prepare;
  std::vector<Connection> connections_;
  std::vector<bool> wants_write_;
  std::vector<char> scratch_;
  Bytes payload_;
  Random random_;
  std::string run_name_;  // makes the paths of one run's creates its own
  uint64_t created_ = 0;
  uint64_t issued_ = 0;
  uint64_t now_ns_ = 0;
  uint64_t last_answer_ns_ = 0;
  std::vector<int64_t> write_zxids_;
  Measured measured_;
  int epoll_ = -1;
};

}  // namespace conclave::app::bench
