// Three replicas in a virtual world under a closed loop of clients, to count what the code that ships executes for one
// request: every run with the same settings is the same run, instruction by instruction. One thread.
//
// The world's clock goes on only by what links and disks take, so how many requests share a batch follows from the
// settings alone.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/frame.h"
#include "base/result.h"
#include "consensus/factory/factory.h"
#include "sim/world/world.h"

namespace conclave::sim {
class ReplicaProcess;
}

namespace conclave::app::hot_path {

enum class Workload : uint8_t { write, read, create };

struct Settings {
  consensus::EngineKind engine = consensus::EngineKind::paxos;
  Workload workload = Workload::write;
  uint32_t connections = 64;  // spread over the replicas
  uint32_t outstanding = 16;  // requests of each
  uint32_t data_bytes = 1024;
  uint32_t keys = 1000;
};

// What all clients have seen.
struct Tally {
  uint64_t answered = 0;
  std::string fault;  // the first; empty: none so far
};

// One connection: sends a request for every reply.
class Client final : public env::StreamHandler {
 public:
  Client(const env::World& world, const env::Address& server, const Settings& settings, uint32_t number, Tally& tally);

  bool established() const { return established_; }
  // Keeps as many requests under way as the settings say, from now on.
  void begin(Workload workload);
  // Makes this client's nodes; done when idle().
  void prepare();
  bool idle() const { return under_way_ == 0; }

 private:
  void on_data(BytesView bytes) override;
  void on_closed(const Error& reason) override;
  bool on_frame(BytesView message);
  void request(Workload workload);
  void send();

  void fault(std::string what);

  const Settings& settings_;
  const uint32_t number_;
  Tally& tally_;
  std::unique_ptr<env::Stream> stream_;
  FrameReader frames_;
  Bytes data_;
  Bytes output_;
  std::vector<std::string> paths_;
  Workload workload_ = Workload::write;
  bool established_ = false;
  bool running_ = false;
  int32_t xid_ = 0;
  int32_t next_answer_ = 1;
  uint64_t under_way_ = 0;
  uint64_t created_ = 0;
};

class Cell {
 public:
  static constexpr uint32_t kReplicas = 3;

  explicit Cell(const Settings& settings);
  ~Cell();

  // Until all replicas serve, all sessions are there and the nodes are made. Error: unavailable.
  Result<> start();
  // Until `requests` more were answered. Error: unavailable, or what a client did not like.
  Result<> run(uint64_t requests);

 private:
  sim::ReplicaProcess& process(uint32_t id);
  Result<> wait(const std::function<bool()>& reached, const char* what);

  const Settings settings_;
  Tally tally_;
  sim::World world_;
  std::deque<Client> clients_;
};

}  // namespace conclave::app::hot_path
