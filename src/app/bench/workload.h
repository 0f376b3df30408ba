// One workload: what it sends, what it measures. Each runs once.
#pragma once

#include <memory>

#include "app/bench/options.h"
#include "app/bench/report.h"
#include "base/result.h"

namespace conclave::app::bench {

class Runner {
 public:
  Runner() = default;
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;
  virtual ~Runner() = default;

  // Connects, prepares, measures, verifies, closes. An error says why the run does not count.
  virtual Result<Report> run() = 0;
};

// `options` outlives it.
std::unique_ptr<Runner> make_steady(const Options& options);  // write, create, read, mixed
std::unique_ptr<Runner> make_idle(const Options& options);
std::unique_ptr<Runner> make_watch(const Options& options);
std::unique_ptr<Runner> make_fill(const Options& options);
std::unique_ptr<Runner> make_failover(const Options& options);

}  // namespace conclave::app::bench
