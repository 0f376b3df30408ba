#include "sim/check/resources.h"

#include <algorithm>
#include <fmt/format.h>
#include <limits>

namespace conclave::sim::check {
namespace {

using R = Resource;
using Sample = ResourceSample;
using Limits = ResourceLimits;

constexpr uint64_t kAnything = std::numeric_limits<uint64_t>::max();

struct Rule {
  Resource resource;
  std::string_view name;
  uint64_t (*bound)(const Sample&, const Limits&);  // R1
  uint64_t at_rest = 0;                             // R2
};

uint64_t none(const Sample&, const Limits&) {
  return 0;
}
uint64_t anything(const Sample&, const Limits&) {
  return kAnything;
}
uint64_t requests(const Sample&, const Limits& limits) {
  return limits.requests;
}
uint64_t sessions(const Sample&, const Limits& limits) {
  return limits.sessions;
}
uint64_t connections(const Sample& sample, const Limits&) {
  return sample[R::connections];
}

// Heartbeats go on between replicas that have nothing to do.
constexpr uint64_t kHeartbeatBytes = 16 << 10;
// What a master asks for itself is not held back by what is in flight: the first fact of its epoch, the configuration,
// the end of sessions.
constexpr uint64_t kOwnTransactions = 2;
// A master that is new proposes again what its predecessors left, besides its own.
constexpr uint64_t kMastersSlots = 2;
// A peer that is behind is sent so much however few slots may be undecided.
constexpr uint64_t kCatchUpSlots = 64;
// Told ten times a second, and for two seconds to a master that does not hear; then the clients are let go.
constexpr uint64_t kSignsOfSession = 32;

constexpr std::array<Rule, kResources> kRules = {{
    {R::transactions_in_flight, "transactions in flight",
     [](const Sample& s, const Limits& limits) {
       return limits.transactions_in_flight + s[R::sessions] + kOwnTransactions;
     }},
    {R::backlog, "backlog", requests},
    {R::unconfirmed, "unconfirmed answers", requests},
    {R::unanswered, "unanswered requests", requests},
    {R::answers_kept, "answers kept", requests, kAnything},
    {R::barriers, "barriers", requests},
    {R::leases, "leases", sessions},
    {R::requests, "requests", requests},
    {R::answers_waiting, "waiting answers", requests},
    {R::life_signs, "signs of life",
     [](const Sample&, const Limits& limits) { return limits.sessions * kSignsOfSession; }},
    // What a fallen master proposed and no majority has stays accepted until something else is proposed in its place.
    {R::slots_in_flight, "slots in flight",
     [](const Sample&, const Limits& limits) {
       return std::max(limits.slots_in_flight * kMastersSlots, kCatchUpSlots * kMastersSlots);
     },
     kAnything},
    {R::entries_covered, "covered entries in memory",
     [](const Sample&, const Limits& limits) { return limits.entries_kept_in_memory; }, kAnything},
    {R::persists_waiting, "persists under way", anything},
    {R::journal_bytes_waiting, "bytes waiting for the journal", anything},
    {R::needless_segments, "needless journal segments", none},
    {R::snapshots, "snapshots", [](const Sample&, const Limits& limits) { return limits.snapshots_kept + 1; },
     kAnything},
    {R::snapshot_due, "entries due for a snapshot", anything},
    // A reception that stopped is kept, to be resumed, until another one or a start.
    {R::unfinished_files, "unfinished snapshot files", [](const Sample&, const Limits&) { return uint64_t{2}; }, 1},
    {R::peer_bytes, "bytes to one peer", [](const Sample&, const Limits& limits) { return limits.peer_bytes; },
     kHeartbeatBytes},
    {R::connections, "connections", [](const Sample&, const Limits& limits) { return limits.connections; }},
    {R::closing_connections, "closing connections",
     [](const Sample&, const Limits& limits) { return limits.connections; }},
    {R::held_sessions, "sessions with a connection", connections},
    {R::addresses, "addresses counted", connections},
    {R::watchers, "watchers", connections},
    {R::watches, "watches",
     [](const Sample& s, const Limits& limits) { return s[R::watchers] * limits.watches_of_connection; }},
    {R::requests_of_one, "requests of one connection",
     [](const Sample&, const Limits& limits) { return limits.requests_of_connection; }},
    {R::unread_bytes_of_one, "unread bytes of one connection",
     [](const Sample&, const Limits& limits) { return limits.unread_bytes_of_connection; }},
    {R::unsent_bytes_of_one, "unsent bytes of one connection",
     [](const Sample&, const Limits& limits) { return limits.unsent_bytes_of_connection; }},
    {R::miscounted_requests, "miscounted requests", none},
    {R::sessions, "sessions", sessions},
    {R::ephemerals, "ephemeral nodes", anything},
}};

constexpr bool in_order() {
  for (size_t i = 0; i < kResources; ++i) {
    if (static_cast<size_t>(kRules[i].resource) != i) return false;
  }
  return true;
}
static_assert(in_order());

std::string where(const Sample& sample) {
  return fmt::format("replica {} at {:.3f} s", sample.replica.value, static_cast<double>(sample.at.us) / 1e6);
}

}  // namespace

std::string_view name_of(Resource resource) {
  return kRules[static_cast<size_t>(resource)].name;
}

uint64_t bound_of(Resource resource, const ResourceSample& sample, const ResourceLimits& limits) {
  return kRules[static_cast<size_t>(resource)].bound(sample, limits);
}

Violations check_bounds(const ResourceSample& sample, const ResourceLimits& limits) {
  Violations found;
  for (const Rule& rule : kRules) {
    const uint64_t held = sample[rule.resource];
    const uint64_t bound = bound_of(rule.resource, sample, limits);
    if (held <= bound) continue;
    found.push_back({.checker = "resources",
                     .what = fmt::format("{} holds {} {}, at most {} (R1)", where(sample), held, rule.name, bound)});
  }
  return found;
}

Violations check_at_rest(std::span<const ResourceSample> samples) {
  Violations found;
  for (const ResourceSample& sample : samples) {
    for (const Rule& rule : kRules) {
      const uint64_t held = sample[rule.resource];
      if (held <= rule.at_rest) continue;
      found.push_back({.checker = "resources",
                       .what = fmt::format("{} still holds {} {} when there is nothing left to do (R2)", where(sample),
                                           held, rule.name)});
    }
    if (sample.zxid == samples.front().zxid) continue;
    found.push_back({.checker = "resources",
                     .what = fmt::format("{} is at zxid {:#x} when there is nothing left to do, replica {} at {:#x} "
                                         "(R3)",
                                         where(sample), sample.zxid.value, samples.front().replica.value,
                                         samples.front().zxid.value)});
  }
  return found;
}

void raise_to(Holdings& most, const Holdings& held) {
  for (size_t i = 0; i < kResources; ++i) most[i] = std::max(most[i], held[i]);
}

}  // namespace conclave::sim::check
