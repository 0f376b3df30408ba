// The closed loop against etcd: C channels with O calls in flight on each, from one thread and one completion queue.
// Measures and verifies as app/bench does, with its options, histogram and CPU figures.
#pragma once

#include <cstdint>
#include <deque>
#include <grpcpp/grpcpp.h>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/bench/histogram.h"
#include "app/bench/options.h"
#include "app/bench/processes.h"
#include "app/etcd_load/lane.h"
#include "app/etcd_load/program/etcd_kv.grpc.pb.h"
#include "base/random.h"
#include "base/result.h"

namespace conclave::app::etcd_load {

struct Figures {
  uint64_t reads = 0;
  uint64_t writes = 0;
  uint64_t verified = 0;  // the unmeasured ones included
  double elapsed_s = 0;
  std::unique_ptr<bench::Histogram> latency_ns = std::make_unique<bench::Histogram>();
  bench::CpuUsed cpu;  // spent inside the measured window
};

class Load {
 public:
  // `serializable`: a read is answered by the member asked, which may be behind the others.
  Load(bench::Options options, bool serializable);
  ~Load();
  Load(const Load&) = delete;
  Load& operator=(const Load&) = delete;

  // An error is the first answer that is wrong, or a call that failed.
  Result<Figures> run();

 private:
  enum class Phase { prepare, warm_up, measure, drain };
  enum class Operation { put, read };

  struct Connection {
    std::unique_ptr<etcdserverpb::KV::Stub> stub;
    int64_t revision_seen = 0;
  };
  // A lane and its call in flight.
  struct Caller {
    explicit Caller(Lane made) : lane(std::move(made)) {}
    Lane lane;
    size_t prepared = 0;  // keys that have a value
    uint64_t sent_ns = 0;
    Operation operation = Operation::put;
    std::optional<grpc::ClientContext> context;
    grpc::Status status;
    etcdserverpb::PutResponse put_response;
    etcdserverpb::RangeResponse range_response;
    std::unique_ptr<grpc::ClientAsyncResponseReader<etcdserverpb::PutResponse>> put;
    std::unique_ptr<grpc::ClientAsyncResponseReader<etcdserverpb::RangeResponse>> range;
  };

  void connect_all();
  // Sends the caller's next request; false if it has no more to do in this phase.
  bool issue(Caller* caller);
  void put(Caller* caller, size_t key);
  void read(Caller* caller, size_t key);
  Result<> on_answer(Caller* caller);
  Result<> check(Caller* caller);
  // Takes answers until none is in flight, or for so long.
  Result<> turn(uint64_t until_ns);
  Result<> drain();
  Result<> work();
  Result<> check_revisions_are_unique();

  bench::Options options_;
  bool serializable_;
  Phase phase_ = Phase::prepare;
  std::vector<Connection> connections_;
  std::deque<Caller> callers_;
  std::unique_ptr<grpc::CompletionQueue> queue_ = std::make_unique<grpc::CompletionQueue>();
  size_t in_flight_ = 0;
  std::string value_;
  uint64_t stamp_last_ = 0;
  uint64_t issued_ = 0;
  std::string run_name_;
  std::vector<int64_t> revisions_;
  Random random_;
  Figures figures_;
};

}  // namespace conclave::app::etcd_load
