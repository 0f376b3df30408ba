// Faults of links, packets and clocks.
#include <algorithm>

#include "sim/cluster/nemesis.h"

namespace conclave::sim {
namespace {

using Links = std::vector<std::pair<uint32_t, uint32_t>>;

void add_both(Links& links, uint32_t a, uint32_t b) {
  links.emplace_back(a, b);
  links.emplace_back(b, a);
}

// The pairs of `hosts` (in a row) that `apart` says do not see each other.
template <class Apart>
Links links_between(const std::vector<uint32_t>& hosts, Apart apart) {
  Links links;
  for (size_t i = 0; i < hosts.size(); ++i) {
    for (size_t j = i + 1; j < hosts.size(); ++j) {
      if (apart(i, j)) add_both(links, hosts[i], hosts[j]);
    }
  }
  return links;
}

}  // namespace

bool Nemesis::strike_network(const Fault& fault, Random& choice) {
  const std::vector<uint32_t> row = shuffled_replicas(choice);
  const size_t half = row.size() / 2;
  switch (fault.kind) {
    case FaultKind::isolate: {
      const auto id = resolve(fault.target, choice);
      if (!id) return false;
      Links links;
      for (const uint32_t other : everybody()) {
        if (other != id->value) add_both(links, id->value, other);
      }
      cut(links, fault.lasting);
      return true;
    }
    case FaultKind::partition:
      if (row.size() < 2) return false;
      cut(links_between(row, [&](size_t i, size_t j) { return (i < half) != (j < half); }), fault.lasting);
      return true;
    case FaultKind::one_way_cut:
      if (row.size() < 2) return false;
      cut({{row[0], row[1]}}, fault.lasting);
      return true;
    case FaultKind::bridge:  // row[half] sees both sides
      if (row.size() < 3) return false;
      cut(links_between(row, [&](size_t i, size_t j) { return i < half && j > half; }), fault.lasting);
      return true;
    case FaultKind::ring:
      if (row.size() < 4) return false;
      cut(links_between(row, [&](size_t i, size_t j) { return j != i + 1 && !(i == 0 && j == row.size() - 1); }),
          fault.lasting);
      return true;
    case FaultKind::clog:
      if (row.size() < 2) return false;
      world_.clog(row[0], row[1], fault.lasting);
      return true;
    case FaultKind::slow_links:
      change_links(fault.lasting, [amount = static_cast<int64_t>(fault.amount)](LinkOptions& links) {
        links.latency_max = links.latency_max + Duration::micros(amount);
      });
      return true;
    case FaultKind::short_reads:
      change_links(fault.lasting, [amount = static_cast<uint32_t>(fault.amount)](LinkOptions& links) {
        links.short_read_per_million = std::max(links.short_read_per_million, amount);
      });
      return true;
    case FaultKind::reset_clients: {
      const auto id = resolve(fault.target, choice);
      if (!id) return false;
      for (uint32_t number = 0; number < cell_.clients(); ++number) {
        world_.reset_connections(id->value, World::kFirstClient + number);
      }
      return true;
    }
    case FaultKind::half_open: {
      const auto id = resolve(fault.target, choice);
      if (!id) return false;
      for (const uint32_t other : everybody()) {
        if (other != id->value && choice.chance(1, 2)) world_.half_open(id->value, other);
      }
      return true;
    }
    default:
      return false;
  }
}

bool Nemesis::strike_frames(const Fault& fault) {
  uint32_t LinkOptions::* const rate =
      fault.kind == FaultKind::drop_frames        ? &LinkOptions::frame_loss_per_million
      : fault.kind == FaultKind::duplicate_frames ? &LinkOptions::frame_duplicate_per_million
      : fault.kind == FaultKind::reorder_frames   ? &LinkOptions::frame_reorder_per_million
                                                  : &LinkOptions::frame_replay_per_million;
  change_links(fault.lasting, [rate, amount = static_cast<uint32_t>(fault.amount)](LinkOptions& links) {
    links.*rate = std::max(links.*rate, amount);
  });
  return true;
}

// Several such faults may last at once: the links are always those of the plan, with every change that lasts.
void Nemesis::change_links(Duration lasting, std::function<void(LinkOptions&)> change) {
  const uint64_t number = ++last_link_change_;
  link_changes_[number] = std::move(change);
  set_links();
  undo_after(lasting, [this, number] {
    link_changes_.erase(number);
    set_links();
  });
}

void Nemesis::set_links() {
  LinkOptions links = usual_links_;
  for (const auto& [number, change] : link_changes_) change(links);
  world_.set_all_links(links);
}

bool Nemesis::strike_clock(const Fault& fault, Random& choice) {
  const auto id = resolve(fault.target, choice);
  if (!id) return false;
  Host& host = world_.host(*id);
  switch (fault.kind) {
    case FaultKind::clock_rate:
      host.set_clock_rate_ppm(static_cast<int64_t>(fault.amount) - 1'000'000);
      undo_after(fault.lasting, [&host] { host.set_clock_rate_ppm(0); });
      return true;
    case FaultKind::clock_jump:
      host.jump_clock(fault.lasting);
      return true;
    case FaultKind::wall_clock_jump:
      host.jump_wall_clock(Duration::millis(static_cast<int64_t>(fault.amount) - 1'000'000'000));
      return true;
    default:
      return false;
  }
}

void Nemesis::cut(const Links& links, Duration lasting) {
  for (const auto& [from, to] : links) {
    if (++cuts_[{from, to}] == 1) world_.cut(from, to);
  }
  undo_after(lasting, [this, links] {
    for (const auto& [from, to] : links) {
      if (--cuts_[{from, to}] == 0) world_.heal(from, to);
    }
  });
}

std::vector<uint32_t> Nemesis::shuffled_replicas(Random& choice) {
  std::vector<uint32_t> row;
  for (const ReplicaId id : cell_.replicas()) row.push_back(id.value);
  for (size_t i = row.size(); i > 1; --i) std::swap(row[i - 1], row[choice.below(i)]);
  return row;
}

std::vector<uint32_t> Nemesis::everybody() {
  std::vector<uint32_t> all;
  for (const ReplicaId id : cell_.replicas()) all.push_back(id.value);
  for (uint32_t number = 0; number < cell_.clients(); ++number) all.push_back(World::kFirstClient + number);
  return all;
}

}  // namespace conclave::sim
