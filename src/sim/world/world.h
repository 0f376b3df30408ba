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
#include <utility>
#include <vector>

#include "env/network.h"
#include "sim/world/datagrams.h"
#include "sim/world/disk.h"
#include "sim/world/fabric.h"
#include "sim/world/host.h"
#include "sim/world/names.h"
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

  // --- links, each one way. Cutting holds traffic back, and breaks connections if it lasts (fabric.h); datagrams over
  // a cut are lost.
  void cut(uint32_t from, uint32_t to) { fabric_.cut(HostId(from), HostId(to)); }
  void heal(uint32_t from, uint32_t to) { fabric_.heal(HostId(from), HostId(to)); }
  bool is_cut(uint32_t from, uint32_t to) const { return fabric_.is_cut(HostId(from), HostId(to)); }
  // Holds traffic back for `time`, then releases it in a burst.
  void clog(uint32_t from, uint32_t to, Duration time) { fabric_.clog(HostId(from), HostId(to), time); }
  // The same of streams alone, as when TCP backs off: datagrams pass.
  void stall(uint32_t from, uint32_t to, Duration time) { fabric_.stall(HostId(from), HostId(to), time); }
  // Ends all cuts, clogs and stalls.
  void heal_all() { fabric_.heal_all(); }

  // Latency, spikes, and what happens to frames, reads and datagrams: from now on, for one link or for all.
  LinkOptions link(uint32_t from, uint32_t to) { return fabric_.options(HostId(from), HostId(to)); }
  void set_link(uint32_t from, uint32_t to, const LinkOptions& link) {
    fabric_.set_link(HostId(from), HostId(to), link);
  }
  void set_all_links(const LinkOptions& link) { fabric_.set_all_links(link); }

  // --- partitions, by cuts. `hosts` of a ring are in its order.
  // Cuts every link between the two groups, both ways. A host in neither sees both: a bridge.
  void partition(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b);
  // The same, with `host` in both groups: it alone sees them all.
  void bridge(uint32_t host, const std::vector<uint32_t>& a, const std::vector<uint32_t>& b);
  // Each host sees its two neighbours alone.
  void ring(const std::vector<uint32_t>& hosts) { ring(hosts, 1); }
  // Each host sees a majority of them, and no two see the same.
  void majorities_ring(const std::vector<uint32_t>& hosts) { ring(hosts, (hosts.size() / 2 + 1) / 2); }
  // Cuts one host from all others that exist now: both ways, what it sends, what it would hear.
  void isolate(uint32_t host);
  void mute(uint32_t host);
  void deafen(uint32_t host);

  // --- connections between two hosts. Breaks them for both sides, or so that only `gone` knows and `stays` hears of it
  // when it next sends.
  void reset_connections(uint32_t a, uint32_t b) { fabric_.reset_connections(HostId(a), HostId(b)); }
  void half_open(uint32_t gone, uint32_t stays) { fabric_.half_open(HostId(gone), HostId(stays)); }

  // Ends everything that can end: cuts, clogs, unusual links, and each host's faults (Host::end_faults). What is down
  // stays down, and what is damaged stays damaged.
  void end_faults();

  // Hears every frame that a replica gives to a connection to another one; for measuring.
  void listen_to_peers(PeerMesh::Listener listener) { mesh_.listen(std::move(listener)); }

  Trace& trace() { return trace_; }
  uint64_t trace_hash() const { return trace_.hash(); }
  // For the decisions of a test or a nemesis.
  Random& random() { return random_; }

 private:
  std::vector<uint32_t> others(uint32_t host) const;
  void ring(const std::vector<uint32_t>& hosts, size_t reach);

  uint64_t seed_;
  WorldOptions options_;
  Random random_;
  Trace trace_;
  Scheduler scheduler_;
  Fabric fabric_;
  DatagramNet datagrams_;
  StreamHub hub_;
  PeerMesh mesh_;
  std::map<HostId, std::unique_ptr<Host>> hosts_;
};

}  // namespace conclave::sim
