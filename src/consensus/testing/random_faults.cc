#include "consensus/testing/random_faults.h"

#include <cstdio>
#include <cstdlib>
#include <gtest/gtest.h>

namespace conclave::consensus::harness {
namespace {

Options options_of(const Kind& kind, uint64_t seed) {
  Random random(seed * 7919);
  static constexpr size_t kSizes[] = {1, 2, 3, 3, 3, 4, 5, 5, 6, 7};
  Options options{.kind = kind};
  options.seed = seed;
  options.voters = kSizes[random.below(std::size(kSizes))];
  options.observers = random.below(2);
  options.spares = seed % 2 ? random.between(1, 4) : 0;
  options.faults.drop_permille = random.below(3) == 0 ? random.below(200) : random.below(20);
  options.faults.duplicate_permille = random.below(100);
  options.faults.delay_max_us = static_cast<int64_t>(random.between(500, random.below(4) == 0 ? 60'000 : 5'000));
  options.faults.disk_max_us = static_cast<int64_t>(random.between(200, random.below(4) == 0 ? 80'000 : 5'000));
  options.config.learning = static_cast<Learning>(random.below(3));
  options.config.leases = random.below(4) != 0;
  options.config.slots_in_flight_max = random.below(3) == 0 ? 8 : 16384;
  options.config.message_bytes_max = random.below(3) == 0 ? 64 : 4 << 20;
  options.snapshot_every = random.below(2) == 0 ? random.between(20, 60) : 0;
  options.keep_entries = random.below(30);
  for (size_t i = 0; i < options.voters; ++i) {
    options.drift_ppm.push_back(static_cast<int64_t>(random.below(1000)) - 500);
  }
  return options;
}

// The operator of the cell changes its membership, one step after the other.
void change_membership(Cell& cell) {
  Random& random = cell.random();
  const unsigned master = cell.master();
  if (master == 0 || cell[master].membership.version == 0) return;
  const Membership& now = cell[master].membership;
  if (now.joint()) return cell.change(master, settled(now));
  std::vector<Member> members = now.members;
  // Who lost its disk goes, but not the last one.
  const auto lost = std::ranges::find_if(members, [&](const Member& m) { return cell.lost(m.id.value); });
  if (lost != members.end() && members.size() > 1 && random.below(2) == 0) {
    members.erase(lost);
    return cell.change(master, changed(now, std::move(members)));
  }
  const auto id = static_cast<uint8_t>(random.between(1, cell.size()));
  const auto known = std::ranges::find(members, ReplicaId(id), &Member::id);
  if (known == members.end()) {
    members.push_back({.id = ReplicaId(id), .voter = false, .disk = cell[id].disk});
    std::ranges::sort(members, {}, &Member::id);
  } else if (random.below(3) == 0) {
    members.erase(known);
  } else if (!cell.lost(id)) {
    for (Member& member : members) {
      if (member.id == ReplicaId(id) || random.below(3) == 0)
        member.voter = !cell.lost(member.id.value) && random.below(4) != 0;
    }
  }
  const bool intact =
      std::ranges::count_if(members, [&](const Member& m) { return m.voter && !cell.lost(m.id.value); }) >
      std::ranges::count_if(members, [&](const Member& m) { return m.voter && cell.lost(m.id.value); });
  if (intact) cell.change(master, changed(now, std::move(members)));
}

void misbehave(Cell& cell, uint64_t& number) {
  Random& random = cell.random();
  if (cell.spares() > 0 && random.below(4) == 0) return change_membership(cell);
  const auto any = [&] { return static_cast<unsigned>(random.between(1, cell.size())); };
  switch (random.below(40)) {
    case 0:
      return cell.crash(any());
    case 1:
    case 2: {
      const unsigned id = any();
      if (cell[id].engine) return;
      if (id == cell.frail() && random.below(3) == 0) return cell.restart_from_older_snapshot(id);
      return cell.restart(id);
    }
    case 3:
      return cell.link(any(), any(), false);
    case 4:
      return cell.both(any(), any(), false);
    case 5:
      return cell.isolate(any());
    case 6:
    case 7:
      return cell.heal();
    case 8:
      return cell.hint_down(any());
    case 9:
      if (const unsigned id = cell.master()) cell.step(id, TransferLead{ReplicaId(static_cast<uint8_t>(any()))});
      return;
    case 10: {
      const unsigned id = any();
      cell[id].disk_stalled = !cell[id].disk_stalled;
      return;
    }
    case 11:
      return cell.step(any(), PeerHint{ReplicaId(static_cast<uint8_t>(any())), true});
    case 12:
    case 13:
    case 14:
      cell.read(any());
      return;
    case 15:
      if (const unsigned id = cell.master()) cell.crash(id);
      return;
    case 16:
      if (const unsigned id = any(); cell.spares() > 0 && cell.may_be_wiped(id)) cell.wipe(id);
      return;
    default:
      for (unsigned id = 1; id <= cell.size(); ++id) {  // also those that only believe to be master
        if (cell[id].role.role != Role::master) continue;
        std::vector<std::string> payloads;
        for (uint64_t n = random.between(1, 5); n > 0; --n) payloads.push_back("value " + std::to_string(number++));
        cell.propose(id, std::move(payloads), number);
        cell.read(id);
      }
  }
}

}  // namespace

void run_random_faults(const Kind& kind, uint64_t seed, RandomFigures& figures) {
  Cell cell(options_of(kind, seed));
  uint64_t number = 0;
  for (int i = 0; i < 150; ++i) {
    cell.run(Duration::micros(static_cast<int64_t>(cell.random().below(30'000))));
    misbehave(cell, number);
  }

  cell.heal();
  cell.faults() = Faults{};
  for (unsigned id = 1; id <= cell.size(); ++id) {
    if (!cell[id].engine) cell.restart(id);
    cell[id].disk_stalled = false;
  }
  const Index before = cell.committed_anywhere();
  bool served = false;
  for (int attempt = 0; attempt < 20 && !served; ++attempt) {
    const unsigned master = cell.elect();
    ASSERT_NE(master, 0u) << "no master after healing, seed " << seed << cell.describe();
    cell.propose(master, {"the last"});
    served = cell.run_until([&] { return cell.committed_anywhere() > before; }, Duration::millis(300));
  }
  figures.memberships += cell.membership().version - 1;
  ASSERT_TRUE(served) << "no progress after healing, seed " << seed;
  EXPECT_TRUE(cell.run_until([&] { return cell.everywhere(cell.committed_anywhere()); }, Duration::seconds(5)))
      << "a replica does not catch up, seed " << seed << cell.describe();
  figures.leads += cell.leads();
  figures.slots += cell.committed_anywhere().value;
  figures.messages += cell.messages();
  for (unsigned id = 1; id <= cell.size(); ++id) {
    figures.reads += cell[id].reads.size();
    figures.snapshots += cell[id].snapshots_received;
  }
}

namespace {

std::pair<uint64_t, uint64_t> seeds() {
  const char* text = std::getenv("CONCLAVE_SEEDS");
  if (!text) return {0, 500};
  char* rest = nullptr;
  const uint64_t first = std::strtoull(text, &rest, 10);
  return {first, *rest == ':' ? std::strtoull(rest + 1, nullptr, 10) : 1};
}

}  // namespace

RandomFigures run_random_seeds(const Kind& kind) {
  const auto [first, count] = seeds();
  RandomFigures total;
  for (uint64_t seed = first; seed < first + count && !testing::Test::HasFailure(); ++seed) {
    run_random_faults(kind, seed, total);
    EXPECT_FALSE(testing::Test::HasFailure()) << "seed " << seed;
  }
  // The faults must leave something to check (a generator too harsh or too mild tests nothing).
  printf(
      "%lu seeds: %zu leads, %zu slots committed, %zu reads granted, %zu snapshots received, "
      "%zu memberships\n",
      static_cast<unsigned long>(count), total.leads, total.slots, total.reads, total.snapshots, total.memberships);
  if (count < 500) return total;
  EXPECT_GT(total.leads, 2 * count);
  EXPECT_GT(total.slots, 40 * count);
  EXPECT_GT(total.reads, 10 * count);
  EXPECT_GT(total.snapshots, count / 10);
  EXPECT_GT(total.memberships, 2 * count);
  return total;
}

}  // namespace conclave::consensus::harness
