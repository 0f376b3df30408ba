#include "sim/compare/measured_cell.h"

#include <algorithm>
#include <fmt/format.h>
#include <iterator>
#include <numeric>
#include <utility>

#include "replica/replica.h"

namespace conclave::sim::compare {
namespace {

constexpr Duration kPatience = Duration::seconds(30);
// A committed index and the last acknowledgements have arrived everywhere.
constexpr Duration kRest = Duration::millis(20);
constexpr Duration kPauseUnderLoad = Duration::millis(5);
constexpr Duration kLoadAtLeast = Duration::millis(300);
constexpr Duration kLoadMore = Duration::millis(100);  // some heartbeats

Plan plan_of(const Settings& settings) {
  Plan plan;
  plan.seed = settings.seed;
  plan.replicas = settings.replicas;
  plan.engine = static_cast<int64_t>(settings.engine);
  plan.latency_min = settings.link_min;
  plan.latency_max = settings.link_max;
  plan.sync_time_max = settings.sync_max;
  plan.journal_segment_bytes = 64 << 20;
  plan.clients = 0;
  return plan;
}

}  // namespace

MeasuredCell::MeasuredCell(const Settings& settings)
    : settings_(settings), plan_(plan_of(settings)), cell_(plan_, findings_) {
  for (const ReplicaId id : cell_.replicas()) {
    Host& host = world().host(id);
    host.disk().options().sync_time_min = settings.sync_min;
    host.set_slow(settings.turn, settings.turn);
  }
}

MeasuredCell::~MeasuredCell() {
  for (uint32_t number = 0; number < writers_; ++number) world().client(number).crash(Crash::kill);
}

Result<> MeasuredCell::start() {
  std::vector<std::pair<Duration, ReplicaId>> starts;
  for (const ReplicaId id : cell_.replicas()) starts.emplace_back(random_below(plan_.tick), id);
  std::ranges::sort(starts);
  const Instant begin = now();
  for (const auto& [after, id] : starts) {
    world().scheduler().run_until(begin + after);
    cell_.start(id);
  }
  if (!world().run_until([this] { return serving(); }, kPatience)) {
    return fail(ErrorKind::unavailable, "no replica became the master");
  }
  parts_ = {*cell_.master()};
  std::ranges::copy_if(cell_.replicas(), std::back_inserter(parts_), [this](ReplicaId id) { return id != parts_[0]; });
  return {};
}

Duration MeasuredCell::random_below(Duration bound) {
  return Duration::micros(static_cast<int64_t>(world().random().below(static_cast<uint64_t>(bound.us))));
}

bool MeasuredCell::serving() {
  return cell_.master() &&
         std::ranges::all_of(cell_.replicas(), [this](ReplicaId id) { return cell_.up(id) && cell_.at(id).serving(); });
}

Result<> MeasuredCell::open_writers(const std::vector<uint32_t>& at, Duration pause) {
  for (const uint32_t part : at) {
    const uint32_t number = writers_++;
    Writer::Options options{.server = World::address(replica(part).value, Cell::kClientPort),
                            .number = number,
                            .data_bytes = settings_.data_bytes,
                            .pause = pause,
                            .seed = world().random().u64()};
    world().client(number).boot([this, options](const env::World& env) {
      return std::make_shared<Writer>(env, options, acknowledged_, world().scheduler());
    });
  }
  if (world().run_until([this] { return all_writers([](Writer& writer) { return writer.ready(); }); }, kPatience)) {
    return {};
  }
  return fail(ErrorKind::unavailable, "clients could not write");
}

Result<> MeasuredCell::start_under_load() {
  if (auto started = start(); !started) return started;
  std::vector<uint32_t> everywhere(parts_.size());
  std::iota(everywhere.begin(), everywhere.end(), 1);
  if (auto opened = open_writers(everywhere, kPauseUnderLoad); !opened) return opened;
  write(Writer::kForEver);
  world().run_for(kLoadAtLeast + random_below(kLoadMore));
  if (cell_.master() != replica(1)) return fail(ErrorKind::unavailable, "the master changed before anything failed");
  return {};
}

bool MeasuredCell::all_writers(const std::function<bool(Writer&)>& holds) {
  for (uint32_t number = 0; number < writers_; ++number) {
    if (!holds(writer(number))) return false;
  }
  return true;
}

void MeasuredCell::write(uint64_t writes) {
  for (uint32_t number = 0; number < writers_; ++number) writer(number).write(writes);
}

Result<> MeasuredCell::wait_until_idle() {
  const bool idle = world().run_until([this] { return all_writers([](Writer& writer) { return writer.idle(); }); },
                                      Duration::seconds(600));
  if (!idle) return fail(ErrorKind::unavailable, "the writes are not answered");
  world().run_for(kRest);
  return {};
}

void MeasuredCell::cut(uint32_t a, uint32_t b) {
  world().partition({replica(a).value}, {replica(b).value});
}

void MeasuredCell::heal(uint32_t a, uint32_t b) {
  world().heal(replica(a).value, replica(b).value);
  world().heal(replica(b).value, replica(a).value);
}

Result<> MeasuredCell::verdict() {
  if (findings_.any()) {
    const check::Violation& first = findings_.list().front();
    return fail(ErrorKind::corrupt, fmt::format("the check \"{}\" found: {}", first.checker, first.what));
  }
  for (const ReplicaId id : cell_.replicas()) {
    const auto exit = cell_.exited(id);
    if (exit) return fail(exit->error.kind, fmt::format("replica {} ended: {}", id.value, exit->error.message));
  }
  if (!all_writers([](Writer& writer) { return !writer.expired(); })) {
    return fail(ErrorKind::timed_out, "the session of a client expired");
  }
  return {};
}

}  // namespace conclave::sim::compare
