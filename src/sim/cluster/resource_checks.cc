#include "sim/cluster/resource_checks.h"

#include <algorithm>
#include <array>

#include "frontend/chubby/server.h"
#include "frontend/zookeeper/server.h"
#include "replica/replica.h"

namespace conclave::sim {
namespace {

using R = check::Resource;

constexpr Duration kInterval = Duration::millis(500);
constexpr uint64_t kRoundsPerFileCount = 8;
// A replica that starts holds what it has yet to hear is chosen; a segment is released behind what the disk has to do.
constexpr std::array kGivenBackInTime = {R::slots_in_flight, R::needless_segments};
constexpr uint64_t kSamplesUntilJudged = 40;
constexpr uint64_t kSessionsOfClient = 32;  // within their time-out: of its former lives, and some it never heard of

// A client of the lock service sends its calls again to each new master, and a former one keeps what it had proposed
// until it hears what became of it.
constexpr uint64_t kCopiesOfCall = 8;

// What one client can have unanswered at one replica: what it asks at once, each write behind a sync of its own, its
// first nodes and its probes; and the same again of a connection that it has lost.
uint64_t requests_of_client(const Plan& plan) {
  return 2 * (2 * static_cast<uint64_t>(plan.pipelined) + 16);
}

check::ResourceLimits limits_of(const Plan& plan) {
  const frontend::zookeeper::Limits front_end;
  const auto clients = static_cast<uint64_t>(plan.clients);
  const auto lock_clients = static_cast<uint64_t>(plan.lock_clients);
  const frontend::chubby::Limits lock_service;
  return {.transactions_in_flight = static_cast<uint64_t>(plan.transactions_in_flight_max),
          .slots_in_flight = static_cast<uint64_t>(plan.slots_in_flight_max),
          .entries_kept_in_memory = static_cast<uint64_t>(plan.entries_kept_in_memory),
          .snapshots_kept = static_cast<uint64_t>(plan.snapshots_kept),
          .requests = clients * requests_of_client(plan) + kCopiesOfCall * lock_clients * lock_service.calls_max,
          .sessions = (clients + lock_clients) * kSessionsOfClient,
          .requests_of_connection = front_end.outstanding_requests_max,
          .unread_bytes_of_connection = front_end.outstanding_bytes_max + 2 * front_end.frame_bytes_max,
          .unsent_bytes_of_connection =
              front_end.unsent_bytes_max + front_end.unsent_bytes_pause + front_end.frame_bytes_max,
          .watches_of_connection = front_end.watches.watches_per_watcher_max,
          .connections = clients * front_end.connections_per_address_max,
          .peer_bytes = Peers::kQueueBytesMax};
}

}  // namespace

ResourceChecks::ResourceChecks(Cell& cell) : cell_(cell), limits_(limits_of(cell.plan())) {}

void ResourceChecks::observe() {
  if (cell_.world().now() < next_) return;
  next_ = cell_.world().now() + kInterval;
  ++rounds_;
  for (const ReplicaId id : cell_.replicas()) {
    if (!cell_.up(id) || cell_.world().host(id).paused()) continue;
    check::ResourceSample sample = this->sample(id);
    if (rounds_ % kRoundsPerFileCount == 0) count_files(sample);
    check::raise_to(most_, sample.held);
    excuse_for_a_while(sample);
    for (const check::Violation& found : check::check_bounds(sample, limits_)) {
      cell_.findings().add(found.checker, found.what);
    }
  }
}

void ResourceChecks::excuse_for_a_while(check::ResourceSample& sample) {
  for (const R resource : kGivenBackInTime) {
    Since& since = since_[{sample.replica, resource}];
    const uint64_t held = sample[resource];
    const uint64_t bound = check::bound_of(resource, sample, limits_);
    since = {.held = held, .samples = held <= bound || held < since.held ? 0 : since.samples + 1};
    if (since.samples < kSamplesUntilJudged) sample[resource] = std::min(held, bound);
  }
}

check::Violations ResourceChecks::left(const std::vector<ReplicaId>& replicas) {
  std::vector<check::ResourceSample> samples;
  for (const ReplicaId id : replicas) {
    samples.push_back(sample(id));
    count_files(samples.back());
  }
  return check::check_at_rest(samples);
}

check::ResourceSample ResourceChecks::sample(ReplicaId id) {
  const replica::Replica& replica = cell_.at(id);
  const replica::ReplicaFigures figures = replica.figures();
  const frontend::zookeeper::ServerFigures front_end = cell_.front_end(id).figures();
  check::ResourceSample sample{.at = cell_.world().now(), .replica = id, .zxid = replica.state().last_zxid()};

  sample[R::transactions_in_flight] = figures.proposer.in_flight;
  sample[R::backlog] = figures.proposer.backlog;
  sample[R::unconfirmed] = figures.proposer.unconfirmed;
  sample[R::unanswered] = figures.proposer.unanswered;
  sample[R::answers_kept] = figures.proposer.answers_kept;
  sample[R::barriers] = figures.engine.reads_waiting;
  sample[R::leases] = figures.proposer.sessions;

  sample[R::requests] = figures.forwarder.requests;
  sample[R::answers_waiting] = figures.forwarder.answers_waiting;
  sample[R::life_signs] = figures.life_signs;

  const consensus::EngineStatus& engine = figures.engine;
  // A damaged position holds up all that follow it until it is repaired.
  if (engine.damaged == 0) sample[R::slots_in_flight] = engine.last - engine.committed;
  if (figures.snapshot >= engine.first_in_memory) {
    sample[R::entries_covered] = std::min(figures.snapshot, engine.last) - engine.first_in_memory + 1;
  }
  sample[R::persists_waiting] = figures.persists_waiting;
  sample[R::journal_bytes_waiting] = figures.journal.bytes_waiting;
  const bool covered = figures.snapshots.size() >= 2 && figures.journal.oldest_last <= figures.snapshots[1];
  sample[R::needless_segments] = covered && figures.journal.segments > 1 ? 1 : 0;
  sample[R::snapshots] = figures.snapshots.size();
  const auto interval = static_cast<uint64_t>(cell_.plan().snapshot_entries);
  const bool excused = figures.taking_snapshot || figures.snapshot_failed;
  if (figures.entries_since_snapshot > interval && !excused) {
    sample[R::snapshot_due] = figures.entries_since_snapshot - interval;
  }
  sample[R::peer_bytes] = cell_.world().host(id).peer_bytes_queued();

  sample[R::connections] = front_end.connections;
  sample[R::closing_connections] = front_end.closing;
  sample[R::held_sessions] = front_end.sessions;
  sample[R::addresses] = front_end.addresses;
  sample[R::watchers] = front_end.watchers;
  sample[R::watches] = front_end.watches;
  sample[R::requests_of_one] = front_end.requests_most;
  sample[R::unread_bytes_of_one] = front_end.unread_bytes_most;
  sample[R::unsent_bytes_of_one] = front_end.unsent_bytes_most;
  sample[R::miscounted_requests] = std::max(front_end.outstanding, uint64_t{front_end.requests}) -
                                   std::min(front_end.outstanding, uint64_t{front_end.requests});

  sample[R::sessions] = replica.state().session_count();
  sample[R::ephemerals] = replica.state().ephemeral_count();
  return sample;
}

void ResourceChecks::count_files(check::ResourceSample& sample) {
  for (const FileInfo& file : cell_.world().host(sample.replica).disk().files()) {
    const bool unfinished = file.name.ends_with(".partial") || file.name.ends_with(".receiving");
    if (unfinished && file.name.starts_with("snapshots/")) ++sample[R::unfinished_files];
  }
}

}  // namespace conclave::sim
