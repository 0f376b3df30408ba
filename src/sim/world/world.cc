#include "sim/world/world.h"

#include <algorithm>

namespace conclave::sim {

World::World(uint64_t seed, WorldOptions options)
    : seed_(seed),
      options_(options),
      random_(seed),
      fabric_(scheduler_, trace_, xxh3_64("fabric", seed), options.link, options.break_after),
      datagrams_(scheduler_, trace_, fabric_, xxh3_64("datagrams", seed)),
      hub_{.scheduler = scheduler_, .trace = trace_, .fabric = fabric_, .datagrams = datagrams_, .hosts = {}},
      mesh_(scheduler_, trace_, fabric_, xxh3_64("mesh", seed)) {
  fabric_.on_heal([this](HostId a, HostId b) { mesh_.healed(a, b); });
}

World::~World() {
  for (const auto& [id, host] : hosts_) host->crash(Crash::kill);
  scheduler_.clear();  // while all that its tasks may own or refer to is still there
}

Host& World::host(uint32_t id) {
  auto& host = hosts_[HostId(id)];
  if (host == nullptr) {
    host = std::make_unique<Host>(
        HostId(id),
        Surroundings{
            .scheduler = scheduler_, .trace = trace_, .fabric = fabric_, .hub = hub_, .mesh = mesh_, .seed = seed_},
        options_.disk, options_.wall_start_ms);
  }
  return *host;
}

bool World::run_until(const std::function<bool()>& reached, Duration limit) {
  const Instant end = scheduler_.now() + limit;
  while (!reached()) {
    const auto next = scheduler_.next();
    if (!next || *next > end) {
      scheduler_.run_until(end);
      return reached();
    }
    scheduler_.step();
  }
  return true;
}

void World::partition(const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  for (const uint32_t one : a) {
    for (const uint32_t two : b) {
      cut(one, two);
      cut(two, one);
    }
  }
}

void World::bridge(uint32_t host, const std::vector<uint32_t>& a, const std::vector<uint32_t>& b) {
  auto left = a;
  auto right = b;
  std::erase(left, host);
  std::erase(right, host);
  partition(left, right);
}

void World::ring(const std::vector<uint32_t>& hosts, size_t reach) {
  for (size_t i = 0; i < hosts.size(); ++i) {
    for (size_t j = i + 1; j < hosts.size(); ++j) {
      const size_t distance = std::min(j - i, hosts.size() - (j - i));
      if (distance > reach) partition({hosts[i]}, {hosts[j]});
    }
  }
}

void World::isolate(uint32_t host) {
  partition({host}, others(host));
}

void World::mute(uint32_t host) {
  for (const uint32_t other : others(host)) cut(host, other);
}

void World::deafen(uint32_t host) {
  for (const uint32_t other : others(host)) cut(other, host);
}

void World::end_faults() {
  heal_all();
  set_all_links(options_.link);
  for (const auto& [id, host] : hosts_) host->end_faults();
}

std::vector<uint32_t> World::others(uint32_t host) const {
  std::vector<uint32_t> found;
  for (const auto& [id, machine] : hosts_) {
    if (id.value != host) found.push_back(id.value);
  }
  return found;
}

}  // namespace conclave::sim
