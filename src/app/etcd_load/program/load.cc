#include "app/etcd_load/program/load.h"

#include <algorithm>
#include <chrono>
#include <fmt/format.h>
#include <time.h>

namespace conclave::app::etcd_load {
namespace {

constexpr uint64_t kSecondNs = 1'000'000'000;
constexpr uint64_t kStallNs = 20 * kSecondNs;  // no answer for so long fails the run

uint64_t monotonic_ns() {
  timespec t{};
  clock_gettime(CLOCK_MONOTONIC, &t);
  return static_cast<uint64_t>(t.tv_sec) * kSecondNs + static_cast<uint64_t>(t.tv_nsec);
}

}  // namespace

Load::Load(bench::Options options, bool serializable)
    : options_(std::move(options)), serializable_(serializable), random_(options_.seed) {
  value_.resize(options_.size_bytes);
  for (char& c : value_) c = static_cast<char>(random_.u64());  // nothing that compresses
  run_name_ = fmt::format("{:x}", monotonic_ns());
}

Load::~Load() {
  for (Caller& caller : callers_)
    if (caller.context) caller.context->TryCancel();
  queue_->Shutdown();
  void* tag = nullptr;
  for (bool ok = false; queue_->Next(&tag, &ok);) {
  }
}

Result<Figures> Load::run() {
  connect_all();
  for (Caller& caller : callers_) issue(&caller);
  if (auto ok = drain(); !ok) return std::unexpected(ok.error());
  for (const auto step : {&Load::work, &Load::drain, &Load::check_revisions_are_unique})
    if (auto ok = (this->*step)(); !ok) return std::unexpected(ok.error());
  return std::move(figures_);
}

void Load::connect_all() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // or channels to one server share a connection
  for (uint32_t i = 0; i < options_.connections; ++i) {
    const bench::Server& server = options_.servers[i % options_.servers.size()];
    const auto channel = grpc::CreateCustomChannel(fmt::format("{}:{}", server.host, server.port),
                                                   grpc::InsecureChannelCredentials(), arguments);
    connections_.push_back({.stub = etcdserverpb::KV::NewStub(channel)});
  }
  const size_t lanes = size_t{options_.connections} * options_.outstanding;
  const size_t keys = options_.workload == bench::Workload::create ? lanes : std::max<size_t>(options_.keys, lanes);
  for (size_t i = 0; i < lanes; ++i) {
    std::vector<Lane::Key> own;
    for (size_t key = i; key < keys; key += lanes)
      own.push_back({.name = fmt::format("{}/n{:07}", options_.base, key)});
    callers_.emplace_back(Lane(static_cast<uint32_t>(i % options_.connections), std::move(own)));
  }
}

bool Load::issue(Caller* caller) {
  Lane& lane = caller->lane;
  if (phase_ == Phase::prepare) {
    if (options_.workload == bench::Workload::create || caller->prepared == lane.keys().size()) return false;
    return put(caller, caller->prepared++), true;
  }
  if (phase_ == Phase::drain || (options_.operations != 0 && issued_ >= options_.operations)) return false;
  ++issued_;
  if (options_.workload == bench::Workload::create) {
    lane.keys()[0] = {.name = fmt::format("{}/c{}/n{:09}", options_.base, run_name_, issued_)};
    return put(caller, 0), true;
  }
  const auto key = static_cast<size_t>(random_.below(lane.keys().size()));
  const bool reads = options_.workload == bench::Workload::read ||
                     (options_.workload == bench::Workload::mixed &&
                      random_.chance(options_.mix_reads, uint64_t{options_.mix_reads} + options_.mix_writes));
  return reads ? read(caller, key) : put(caller, key), true;
}

void Load::put(Caller* caller, size_t key) {
  const uint64_t stamp = ++stamp_last_;
  std::memcpy(value_.data(), &stamp, sizeof(stamp));
  Connection& connection = connections_[caller->lane.connection()];
  caller->lane.begin_put(key, stamp, connection.revision_seen);
  etcdserverpb::PutRequest request;
  request.set_key(caller->lane.key().name);
  request.set_value(value_);
  caller->operation = Operation::put;
  caller->context.emplace();
  caller->sent_ns = monotonic_ns();
  caller->put = connection.stub->AsyncPut(&*caller->context, request, queue_.get());
  caller->put->Finish(&caller->put_response, &caller->status, caller);
  ++in_flight_;
}

void Load::read(Caller* caller, size_t key) {
  caller->lane.begin_read(key);
  etcdserverpb::RangeRequest request;
  request.set_key(caller->lane.key().name);
  request.set_serializable(serializable_);
  caller->operation = Operation::read;
  caller->context.emplace();
  caller->sent_ns = monotonic_ns();
  caller->range = connections_[caller->lane.connection()].stub->AsyncRange(&*caller->context, request, queue_.get());
  caller->range->Finish(&caller->range_response, &caller->status, caller);
  ++in_flight_;
}

Result<> Load::check(Caller* caller) {
  Lane& lane = caller->lane;
  if (!caller->status.ok())
    return lane.wrong(
        fmt::format("error {}: {}", static_cast<int>(caller->status.error_code()), caller->status.error_message()));
  if (caller->operation == Operation::read) {
    const auto& found = caller->range_response.kvs();
    if (found.size() != 1) return lane.wrong(fmt::format("{} values", found.size()));
    return lane.check_read(found[0].mod_revision(), found[0].value(), options_.size_bytes);
  }
  const int64_t revision = caller->put_response.header().revision();
  int64_t& seen = connections_[lane.connection()].revision_seen;
  seen = std::max(seen, revision);
  revisions_.push_back(revision);
  return lane.check_put(revision);
}

Result<> Load::on_answer(Caller* caller) {
  --in_flight_;
  if (auto ok = check(caller); !ok) return ok;
  ++figures_.verified;
  if (phase_ == Phase::measure) {
    figures_.latency_ns->record(monotonic_ns() - caller->sent_ns);
    ++(caller->operation == Operation::read ? figures_.reads : figures_.writes);
  }
  issue(caller);
  return {};
}

Result<> Load::turn(uint64_t until_ns) {
  uint64_t last_answer_ns = monotonic_ns();
  while (in_flight_ > 0) {
    const uint64_t now_ns = monotonic_ns();
    if (now_ns >= until_ns) return {};
    void* tag = nullptr;
    bool ok = false;
    const auto deadline = std::chrono::system_clock::now() + std::chrono::milliseconds(10);
    if (queue_->AsyncNext(&tag, &ok, deadline) == grpc::CompletionQueue::GOT_EVENT) {
      last_answer_ns = now_ns;
      if (auto fine = on_answer(static_cast<Caller*>(tag)); !fine) return fine;
    } else if (now_ns - last_answer_ns > kStallNs) {
      return fail(ErrorKind::timed_out, fmt::format("no answer for 20 s, {} missing", in_flight_));
    }
  }
  return {};
}

Result<> Load::drain() {
  return turn(UINT64_MAX);
}

Result<> Load::work() {
  const bool counted = options_.operations != 0;
  phase_ = Phase::warm_up;
  if (!counted) {
    for (Caller& caller : callers_) issue(&caller);
    if (auto ok = turn(monotonic_ns() + static_cast<uint64_t>(options_.warmup_seconds * 1e9)); !ok) return ok;
  }
  phase_ = Phase::measure;
  const bench::CpuSample before = bench::sample_cpu(options_.watch_pids);
  const uint64_t start_ns = monotonic_ns();
  if (counted)
    for (Caller& caller : callers_) issue(&caller);
  if (auto ok = turn(counted ? UINT64_MAX : start_ns + static_cast<uint64_t>(options_.seconds * 1e9)); !ok) return ok;
  phase_ = Phase::drain;
  const bench::CpuSample after = bench::sample_cpu(options_.watch_pids);
  figures_.elapsed_s = static_cast<double>(monotonic_ns() - start_ns) / 1e9;
  figures_.cpu = bench::cpu_between(before, after);
  return {};
}

Result<> Load::check_revisions_are_unique() {
  std::ranges::sort(revisions_);
  if (const auto twice = std::ranges::adjacent_find(revisions_); twice != revisions_.end())
    return fail(ErrorKind::corrupt, fmt::format("two puts were answered with revision {}", *twice));
  return {};
}

}  // namespace conclave::app::etcd_load
