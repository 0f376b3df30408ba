// The log of a member: one file that is written round and round. It is filled with zeroes first, so that a sync has
// no blocks to allocate and no size to change, as a recycled segment of a journal has not. One write and sync is
// under way at a time; what is appended meanwhile goes with the next one. Nobody reads it again: the null log shows
// what writing costs, and a restarted member begins empty.
//
// Loop thread only; the file is touched on the journal worker.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "app/roofline/batch.h"
#include "base/result.h"
#include "env/world.h"

namespace conclave::app::roofline {

class Log {
 public:
  static constexpr uint64_t kBytes = 64 << 20;
  // All up to `zxid` is on disk, or why that cannot be known any more.
  using Durable = std::function<void(Result<uint64_t> zxid)>;

  // Makes the file and blocks until it is on disk.
  static Result<std::unique_ptr<Log>> create(env::World world, std::string_view name, Durable durable,
                                             uint64_t bytes = kBytes);
  ~Log();

  // REQUIRES: batches come in order, each not larger than the file.
  void append(std::shared_ptr<const Batch> batch);
  // Nothing is under way: what is appended now is written at once.
  bool idle() const { return !writing_; }
  uint64_t bytes() const { return job_->bytes; }

 private:
  // What the worker works on. While `writing_` it belongs to the worker.
  struct Job {
    std::unique_ptr<env::File> file;
    uint64_t bytes = 0;
    uint64_t offset = 0;  // where the next batch goes
    std::vector<std::shared_ptr<const Batch>> batches;
    Result<> result;

    Result<> write();
  };
  Log(env::World world, std::shared_ptr<Job> job, Durable durable);
  void start();
  void finished();

  env::World world_;
  std::shared_ptr<Job> job_;
  Durable durable_;
  std::vector<std::shared_ptr<const Batch>> waiting_;
  bool writing_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::app::roofline
