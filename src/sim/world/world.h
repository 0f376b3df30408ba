// A deterministic world: virtual time, hosts, disks and wires, all from one seed. It implements every contract of
// src/env, so that the shipped code of replicas, front ends and clients runs in it unchanged, in one thread.
//
//   sim::World world(seed);
//   auto env = world.host(1).env();
//   ... build replicas on hosts 1, 2, 3 ...
//   world.partition({1}, {2, 3});
//   bool elected = world.run_until([&] { return ...; }, Duration::seconds(5));
//
// The same seed and the same calls give the same trace_hash(), on every machine. One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <vector>

#include "env/network.h"
#include "sim/world/disk.h"
#include "sim/world/fabric.h"
#include "sim/world/host.h"
#include "sim/world/peers.h"
#include "sim/world/scheduler.h"
#include "sim/world/streams.h"
#include "sim/world/trace.h"

namespace conclave::sim {

struct WorldOptions {
  LinkOptions link;                             // of every pair, until set_link
  Duration break_after = Duration::seconds(5);  // a cut lasting this long breaks connections
  DiskOptions disk;
  int64_t wall_start_ms = 1'735'689'600'000;  // 2025-01-01
};

class World {
 public:
  static constexpr uint32_t kFirstClient = 1000;

  explicit World(uint64_t seed, WorldOptions options = {});
  ~World();

  // Made on first use. 1 to 255 are the hosts of the replicas with those ids.
  Host& host(uint32_t id);
  Host& host(ReplicaId replica) { return host(replica.value); }
  Host& client(uint32_t number) { return host(kFirstClient + number); }
  static env::Address address(uint32_t host, uint16_t port) { return {.host = host_name(HostId(host)), .port = port}; }

  Scheduler& scheduler() { return scheduler_; }
  Instant now() const { return scheduler_.now(); }
  void run_for(Duration time) { scheduler_.run_until(scheduler_.now() + time); }
  // Runs until `reached` holds, asked after every event; false if `limit` passes first.
  bool run_until(const std::function<bool()>& reached, Duration limit);

  // Links, each one way. Cutting holds traffic back, and breaks connections if it lasts (fabric.h).
  void cut(uint32_t from, uint32_t to) { fabric_.cut(HostId(from), HostId(to)); }
  void heal(uint32_t from, uint32_t to) { fabric_.heal(HostId(from), HostId(to)); }
  void heal_all() { fabric_.heal_all(); }
  void set_link(uint32_t from, uint32_t to, LinkOptions link) { fabric_.set_link(HostId(from), HostId(to), link); }
  // Cuts every link between the two groups, both ways.
  void partition(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b);
  // Cuts one host from all others that exist now, both ways.
  void isolate(uint32_t host);

  Trace& trace() { return trace_; }
  uint64_t trace_hash() const { return trace_.hash(); }
  // For the decisions of a test or a nemesis.
  Random& random() { return random_; }

 private:
  uint64_t seed_;
  WorldOptions options_;
  Random random_;
  Trace trace_;
  Scheduler scheduler_;
  Fabric fabric_;
  StreamHub hub_;
  PeerMesh mesh_;
  std::map<HostId, std::unique_ptr<Host>> hosts_;
};

}  // namespace conclave::sim
