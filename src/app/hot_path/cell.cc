#include "app/hot_path/cell.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

#include "frontend/chubby/settings.h"
#include "frontend/zookeeper/settings.h"
#include "replica/replica.h"
#include "sim/cluster/process.h"
#include "wire/zookeeper/records.h"
#include "wire/zookeeper/requests.h"

namespace conclave::app::hot_path {
namespace {

namespace wire = wire::zookeeper;

constexpr CellId kCell{0xC0C1A7E};
constexpr uint16_t kPort = 2181;
constexpr uint32_t kFirstClient = 1;
constexpr Duration kPatience = Duration::seconds(600);
constexpr size_t kFrameBytesMax = 4 << 20;

sim::WorldOptions world_options() {
  sim::WorldOptions options;
  options.link.latency_min = options.link.latency_max = Duration::micros(50);
  options.disk.sync_time_min = options.disk.sync_time_max = Duration::micros(200);
  return options;
}

std::vector<consensus::Member> members() {
  std::vector<consensus::Member> out;
  for (uint32_t id = 1; id <= Cell::kReplicas; ++id) out.push_back({.id = ReplicaId(static_cast<uint8_t>(id))});
  return out;
}

replica::Options options_of(const Settings& settings, ReplicaId self) {
  replica::Options options{.cell = kCell, .engine = settings.engine};
  options.consensus.self = self;
  options.consensus.members = members();
  return options;
}

}  // namespace

// ---------------------------------------------------------------- a client

Client::Client(const env::World& world, const env::Address& server, const Settings& settings, uint32_t number,
               Tally& tally)
    : settings_(settings), number_(number), tally_(tally), frames_(kFrameBytesMax), data_(settings.data_bytes, 'x') {
  for (uint32_t key = number; key < settings.keys; key += settings.connections) {
    paths_.push_back(fmt::format("/bench/{:06}", key));
  }
  world.network.connect(server, Duration::seconds(5), [this](Result<std::unique_ptr<env::Stream>> stream) {
    if (!stream) {
      return fault(stream.error().message);
    }
    stream_ = *std::move(stream);
    stream_->set_handler(this);
    FrameWriter frame(&output_);
    wire::Writer writer(&output_);
    encode(wire::ConnectRequest{.timeout_ms = 30'000, .password = Bytes(wire::kPasswordBytes, '\0')}, &writer);
    frame.finish();
    send();
  });
}

void Client::on_closed(const Error& reason) {
  fault(reason.message);
}

void Client::fault(std::string what) {
  if (tally_.fault.empty()) tally_.fault = fmt::format("client {}: {}", number_, what);
}

void Client::on_data(BytesView bytes) {
  if (!frames_.feed(bytes, [this](BytesView message) { return on_frame(message); })) fault("a frame too long");
  send();
}

bool Client::on_frame(BytesView message) {
  if (!established_) {
    established_ = true;
    return true;
  }
  wire::Reader in(message);
  const auto header = in.get<wire::ReplyHeader>();
  if (!in.ok() || header.xid != next_answer_ || header.error != wire::ErrorCode::ok) {
    fault(fmt::format("reply {} came for request {}, error {}", header.xid, next_answer_,
                      static_cast<int>(header.error)));
  }
  ++next_answer_;
  ++tally_.answered;
  --under_way_;
  if (running_) request(workload_);
  return true;
}

void Client::request(Workload workload) {
  FrameWriter frame(&output_);
  wire::Writer writer(&output_);
  const std::string& path = paths_[static_cast<size_t>(xid_) % paths_.size()];
  wire::RequestHeader header{.xid = ++xid_};
  switch (workload) {
    case Workload::write:
      header.op = wire::OpCode::set_data;
      writer.put(header);
      writer.put(wire::SetDataRequest{.path = path, .data = data_});
      break;
    case Workload::read:
      header.op = wire::OpCode::get_data;
      writer.put(header);
      writer.put(wire::PathWatchRequest{.path = path});
      break;
    case Workload::create:
      header.op = wire::OpCode::create;
      writer.put(header);
      writer.put(wire::CreateRequest{.path = fmt::format("/bench/c{}-{}", number_, created_++),
                                     .data = data_,
                                     .acl = {{.permissions = 31, .id = {.scheme = "world", .id = "anyone"}}}});
      break;
  }
  frame.finish();
  ++under_way_;
}

void Client::prepare() {
  std::vector<std::string> paths = paths_;
  if (number_ == kFirstClient) paths.insert(paths.begin(), "/bench");
  for (const std::string& path : paths) {
    FrameWriter frame(&output_);
    wire::Writer writer(&output_);
    writer.put(wire::RequestHeader{.xid = ++xid_, .op = wire::OpCode::create});
    writer.put(wire::CreateRequest{
        .path = path, .data = data_, .acl = {{.permissions = 31, .id = {.scheme = "world", .id = "anyone"}}}});
    frame.finish();
    ++under_way_;
  }
  send();
}

void Client::begin(Workload workload) {
  running_ = true;
  workload_ = workload;
  while (under_way_ < settings_.outstanding) request(workload);
  send();
}

void Client::send() {
  if (!output_.empty() && stream_ != nullptr) stream_->write(std::exchange(output_, {}));
}

// ---------------------------------------------------------------- the cell

Cell::Cell(const Settings& settings) : settings_(settings), world_(1, world_options()) {
  for (uint32_t id = 1; id <= kReplicas; ++id) {
    world_.host(id).boot([this, id](const env::World& env) {
      frontend::zookeeper::Settings front_end;
      front_end.listen = {sim::World::address(id, kPort)};
      return std::make_shared<sim::ReplicaProcess>(
          env, options_of(settings_, ReplicaId(static_cast<uint8_t>(id))), std::move(front_end), std::nullopt,
          [](replica::Replica&) {}, [](const Error&) {});
    });
  }
}

Cell::~Cell() {
  clients_.clear();
  for (uint32_t id = 1; id <= kReplicas; ++id) world_.host(id).crash(sim::Crash::kill);
  world_.scheduler().clear();
}

sim::ReplicaProcess& Cell::process(uint32_t id) {
  return world_.host(id).process<sim::ReplicaProcess>();
}

Result<> Cell::wait(const std::function<bool()>& reached, const char* what) {
  const bool done = world_.run_until([&] { return reached() || !tally_.fault.empty(); }, kPatience);
  if (!tally_.fault.empty()) return fail(ErrorKind::unavailable, tally_.fault);
  return done ? Result<>() : fail(ErrorKind::unavailable, what);
}

Result<> Cell::start() {
  const auto all_serve = [this] {
    for (uint32_t id = 1; id <= kReplicas; ++id) {
      if (process(id).replica() == nullptr || !process(id).replica()->serving()) return false;
    }
    return true;
  };
  if (auto done = wait(all_serve, "the replicas do not serve"); !done) return done;
  for (uint32_t number = 0; number < settings_.connections; ++number) {
    // Of each host a server takes so many connections only.
    clients_.emplace_back(world_.client(number).env(), sim::World::address(1 + number % kReplicas, kPort), settings_,
                          number + kFirstClient, tally_);
  }
  const auto all = [this](bool (Client::*holds)() const) {
    return std::ranges::all_of(clients_, [holds](const Client& client) { return (client.*holds)(); });
  };
  if (auto done = wait([&] { return all(&Client::established); }, "no sessions"); !done) return done;
  for (Client& client : clients_) {
    client.prepare();
    if (auto done = wait([&] { return client.idle(); }, "the nodes are not made"); !done) return done;
  }
  for (Client& client : clients_) client.begin(settings_.workload);
  return {};
}

Result<> Cell::run(uint64_t requests) {
  const uint64_t until = tally_.answered + requests;
  return wait([&] { return tally_.answered >= until; }, "the requests are not answered");
}

}  // namespace conclave::app::hot_path
