#include "sim/cluster/lock_crowd.h"

#include <memory>
#include <utility>

#include "base/checksum.h"
#include "sim/cluster/lock_program.h"
#include "sim/cluster/lock_stranger.h"

namespace conclave::sim {

LockCrowd::LockCrowd(World& world, const Plan& plan, std::vector<env::Address> replicas,
                     std::vector<env::Address> servers, uint32_t first_client, Findings& findings)
    : world_(world),
      plan_(plan),
      replicas_(std::move(replicas)),
      servers_(std::move(servers)),
      first_(first_client),
      oracles_(findings),
      random_(xxh3_64("lock crowd", static_cast<uint64_t>(plan.seed))) {
  for (uint32_t number = 0; number < size(); ++number) host(number);
  if (has_stranger()) stranger_host();
}

LockProgram& LockCrowd::program(uint32_t number) {
  return host(number).process<LockProgram>();
}

LockStranger& LockCrowd::stranger() {
  return stranger_host().process<LockStranger>();
}

void LockCrowd::start(uint32_t number) {
  if (host(number).running()) return;
  if (host(number).lives() > 0) return host(number).restart();
  host(number).boot([this, number](const env::World& env) {
    return std::make_shared<LockProgram>(env, plan_, replicas_, number, host(number).lives(), oracles_,
                                         world_.scheduler());
  });
}

void LockCrowd::start_stranger() {
  if (!has_stranger() || stranger_host().running()) return;
  stranger_host().boot(
      [this](const env::World& env) { return std::make_shared<LockStranger>(env, plan_, servers_, oracles_); });
}

void LockCrowd::start_all() {
  for (uint32_t number = 0; number < size(); ++number) start(number);
  start_stranger();
}

void LockCrowd::maybe_strike() {
  const Instant now = world_.now();
  if (size() == 0 || now < next_strike_) return;
  const auto pace = static_cast<uint64_t>(plan_.lock_fault_pace.us);
  if (pace == 0) return;
  next_strike_ = now + Duration::micros(static_cast<int64_t>(random_.between(1, 2 * pace)));
  const auto number = static_cast<uint32_t>(random_.below(size()));
  const auto lasting = Duration::micros(static_cast<int64_t>(
      random_.between(1, static_cast<uint64_t>((random_.chance(1, 2) ? plan_.lock_lease : plan_.lock_lease * 3).us))));
  const uint64_t what = random_.below(6);
  if (!host(number).running()) return start(number);
  if (what == 0) {
    host(number).crash(Crash::kill);
  } else if (what == 1) {
    oracles_.doubts_all(number);  // it cannot know
    host(number).pause_for(lasting);
  } else if (what == 2) {
    stall(number, lasting);
  } else {
    world_.isolate(host(number).id().value);
    world_.scheduler().at(now + lasting, [this, number] { reconnect(number); });
  }
}

// Its streams bring nothing, one way or both; what is sent in datagrams passes.
void LockCrowd::stall(uint32_t number, Duration lasting) {
  const uint32_t here = host(number).id().value;
  const uint64_t ways = random_.between(1, 3);
  for (const env::Address& replica : replicas_) {
    const uint32_t there = host_of(replica.host)->value;
    if ((ways & 1) != 0) world_.stall(here, there, lasting);
    if ((ways & 2) != 0) world_.stall(there, here, lasting);
  }
}

void LockCrowd::reconnect(uint32_t number) {
  const uint32_t here = host(number).id().value;
  for (const env::Address& replica : replicas_) {
    const uint32_t there = host_of(replica.host)->value;
    world_.heal(here, there);
    world_.heal(there, here);
  }
}

void LockCrowd::end_faults() {
  for (uint32_t number = 0; number < size(); ++number) {
    reconnect(number);
    host(number).resume();
    start(number);
  }
}

void LockCrowd::start_probing() {
  for (uint32_t number = 0; number < size(); ++number) program(number).start_probing();
}

void LockCrowd::stop_asking() {
  for (uint32_t number = 0; number < size(); ++number) program(number).stop_asking();
  if (has_stranger()) stranger().stop_asking();
}

void LockCrowd::leave() {
  for (uint32_t number = 0; number < size(); ++number) program(number).leave();
  if (has_stranger()) stranger().leave();
}

bool LockCrowd::quiet() {
  for (uint32_t number = 0; number < size(); ++number) {
    if (program(number).under_way() > 0) return false;
  }
  return !has_stranger() || stranger().under_way() == 0;
}

bool LockCrowd::gone() {
  for (uint32_t number = 0; number < size(); ++number) {
    if (!program(number).gone()) return false;
  }
  return !has_stranger() || stranger().gone();
}

std::string LockCrowd::without_progress_since(Instant from) {
  std::string out;
  for (uint32_t number = 0; number < size(); ++number) {
    if (program(number).last_progress() < from) out += " lock " + std::to_string(number);
  }
  return out;
}

std::string LockCrowd::describe() {
  std::string out;
  for (uint32_t number = 0; number < size(); ++number) {
    out += "  lock client " + std::to_string(number) + ": ";
    out += (host(number).running() ? program(number).describe() : std::string("not running")) + "\n";
  }
  return out;
}

LockFigures LockCrowd::figures() {
  LockFigures figures = oracles_.figures;
  figures.files_judged = oracles_.files.judged();
  for (uint32_t number = 0; number < size(); ++number) {
    if (host(number).running()) program(number).add_figures(figures);
  }
  return figures;
}

}  // namespace conclave::sim
