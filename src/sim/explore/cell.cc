#include "sim/explore/cell.h"

#include <array>
#include <utility>

#include "base/assert.h"

namespace conclave::sim::explore {
namespace {

using consensus::Role;

constexpr Duration kShort = Duration::millis(100);
constexpr Duration kLong = Duration::seconds(10);

// Every time of an engine after which something is sent again is below kShort; every other deadline is above
// kResendsMax + 1 times kShort, so that no number of resends reaches it, and below kLong. Fixed election timeouts:
// which replica's passes first is for the explorer to choose.
consensus::Config config_of(const ExploreOptions& options) {
  consensus::Config config;
  for (uint8_t id = 1; id <= options.replicas; ++id) config.members.push_back({.id = ReplicaId(id)});
  config.heartbeat = Duration::millis(30);
  config.election_timeout_min = config.election_timeout_max = Duration::seconds(2);
  config.leases = options.leases;
  return config;
}

EngineMaker maker_of(const ExploreOptions& options) {
  if (options.make) return options.make;
  return [kind = options.engine](consensus::Config config, consensus::Recovered recovered) {
    return consensus::make_engine(kind, std::move(config), std::move(recovered));
  };
}

// Deadlines are due, reached by a move of kShort, or by one of kLong only: no other move of a clock can tell more.
constexpr consensus::StateFold::Grain kGrain{.unit = kShort, .units_max = 2};

}  // namespace

Cell::Cell(const ExploreOptions& options)
    : options_(options),
      table_(ReplicaModel(options.engine, maker_of(options), config_of(options), messages_), kGrain, options.audit) {}

World Cell::start() {
  World world;
  for (uint8_t i = 0; i < options_.replicas; ++i) {
    world.replicas[i] = table_.boot(ReplicaId(static_cast<uint8_t>(i + 1)), Instant{1'000'000}).next;
  }
  pass(&world, kLong);
  if (options_.start == ExploreStart::led) elect(&world);
  return world;
}

// Elects the first candidate and lets everything it sent arrive, without choices.
void Cell::elect(World* world) {
  const uint8_t master = options_.first_candidate == ReplicaId(0) ? 0 : place(options_.first_candidate);
  act({ActionKind::timeout, master}, world);
  while (violation_.empty()) {
    uint8_t writer = 0;
    while (writer < options_.replicas && table_[world->replicas[writer]].writing.empty()) ++writer;
    if (writer < options_.replicas) {
      act({ActionKind::written, writer}, world);
    } else if (!world->network.empty()) {
      const MessageId oldest = world->network.front();
      act({ActionKind::deliver, place(messages_[oldest].to), oldest}, world);
    } else {
      break;
    }
  }
  CONCLAVE_ASSERT(!violation_.empty() || table_[world->replicas[master]].role.role == Role::master);
  world->used = {};
}

// ---------------------------------------------------------------- what may happen

void Cell::actions(const World& world, std::vector<Action>* out) const {
  const Counts& used = world.used;
  const Counts& bounds = options_.bounds;
  for (size_t i = 0; i < world.network.size(); ++i) {
    const MessageId id = world.network[i];
    if (i > 0 && world.network[i - 1] == id) continue;  // equal messages
    const uint8_t to = place(messages_[id].to);
    if (table_[world.replicas[to]].engine) {
      out->push_back({ActionKind::deliver, to, id});
      if (used.duplicates < bounds.duplicates) out->push_back({ActionKind::duplicate, to, id});
    }
    if (used.drops < bounds.drops) out->push_back({ActionKind::drop, to, id});
  }
  for (uint8_t i = 0; i < options_.replicas; ++i) {
    const ReplicaState& replica = table_[world.replicas[i]];
    if (!replica.engine) {
      out->push_back({ActionKind::restart, i});
      continue;
    }
    if (!replica.writing.empty()) out->push_back({ActionKind::written, i});
    if (used.crashes < bounds.crashes) {
      for (uint32_t kept = 0; kept <= replica.writing.size(); ++kept) out->push_back({ActionKind::crash, i, kept});
    }
    timed_actions(world, i, out);
    if (replica.role.role == Role::master) master_actions(world, i, out);
  }
}

void Cell::timed_actions(const World& world, uint8_t replica, std::vector<Action>* out) const {
  if (world.used.timeouts < options_.bounds.timeouts) {
    const ReplicaId first = options_.first_candidate;
    if (first == ReplicaId(0) || world.used.timeouts > 0 || place(first) == replica) {
      out->push_back({ActionKind::tick, replica});
      out->push_back({ActionKind::timeout, replica});
    }
  }
  if (world.used.resends < options_.bounds.resends) out->push_back({ActionKind::resend, replica});
}

void Cell::master_actions(const World& world, uint8_t replica, std::vector<Action>* out) const {
  if (world.used.proposals < options_.bounds.proposals) out->push_back({ActionKind::propose, replica});
  if (world.used.reads < options_.bounds.reads) out->push_back({ActionKind::read, replica});
  if (world.used.transfers < options_.bounds.transfers) {
    for (uint32_t to = 1; to <= options_.replicas; ++to) out->push_back({ActionKind::transfer, replica, to});
  }
}

// ---------------------------------------------------------------- where it leads

bool Cell::act(Action action, World* world) {
  violation_.clear();
  happened_ = {};
  const uint8_t i = action.replica;
  Counts& used = world->used;
  switch (action.kind) {
    case ActionKind::deliver:
      world->take(action.argument);
      return take_step(world, i, {ReplicaEventKind::deliver, action.argument});
    case ActionKind::duplicate:
      ++used.duplicates;
      return take_step(world, i, {ReplicaEventKind::deliver, action.argument});
    case ActionKind::drop:
      ++used.drops;
      world->take(action.argument);
      return true;
    case ActionKind::written:
      return take_step(world, i, {ReplicaEventKind::written});
    case ActionKind::crash:
      ++used.crashes;
      return take_step(world, i, {ReplicaEventKind::crash, action.argument});
    case ActionKind::restart:
      return take_step(world, i, {ReplicaEventKind::restart});
    case ActionKind::tick:
      ++used.timeouts;
      return take_step(world, i, {ReplicaEventKind::tick});
    case ActionKind::timeout:
      ++used.timeouts;
      pass(world, kLong);
      return take_step(world, i, {ReplicaEventKind::tick});
    case ActionKind::resend:
      ++used.resends;
      pass(world, kShort);
      return take_step(world, i, {ReplicaEventKind::tick});
    case ActionKind::propose:
      return take_step(world, i, {ReplicaEventKind::propose, ++used.proposals});
    case ActionKind::read:
      ++used.reads;
      return take_step(world, i, {ReplicaEventKind::read, given_anywhere(*world)});
    case ActionKind::transfer:
      ++used.transfers;
      return take_step(world, i, {ReplicaEventKind::transfer, action.argument});
  }
  return false;
}

bool Cell::take_step(World* world, uint8_t replica, ReplicaEvent event) {
  const StateId before = world->replicas[replica];
  const KnownStep step = table_.step(before, event);
  if (ReplicaTable::idle(before, step)) return false;
  follow(world, replica, step);
  while (options_.instant_writes && !table_[world->replicas[replica]].writing.empty()) {
    follow(world, replica, table_.step(world->replicas[replica], {ReplicaEventKind::written}));
  }
  if (options_.lose_idle) lose_idle(world);
  return true;
}

void Cell::follow(World* world, uint8_t replica, const KnownStep& step) {
  world->replicas[replica] = step.next;
  const auto sent = table_.sent(step);
  world->post(sent);
  happened_.sent.insert(happened_.sent.end(), sent.begin(), sent.end());
  happened_.reads_granted += step.reads_granted;
  happened_.given |= step.given;
  happened_.led |= step.led;
  if (violation_.empty()) violation_ = table_.violation(step);
  check(*world, replica, {.accepted = step.accepted, .given = step.given, .led = step.led});
}

void Cell::lose_idle(World* world) {
  std::erase_if(world->network, [&](MessageId id) {
    const StateId receiver = world->replicas[place(messages_[id].to)];
    return table_[receiver].engine &&
           ReplicaTable::idle(receiver, table_.step(receiver, {ReplicaEventKind::deliver, id}));
  });
}

void Cell::pass(World* world, Duration time) {
  for (uint8_t i = 0; i < options_.replicas; ++i) {
    const ReplicaEvent event{ReplicaEventKind::pass, static_cast<uint32_t>(time.us)};
    world->replicas[i] = table_.step(world->replicas[i], event).next;
  }
}

void Cell::check(const World& world, uint8_t replica, Changed changed) {
  if (!changed.accepted && !changed.given && !changed.led) return;
  std::array<const ReplicaState*, kReplicasMax> cell{};
  for (uint8_t i = 0; i < options_.replicas; ++i) cell[i] = &table_[world.replicas[i]];
  check_cell(options_.engine, std::span(cell).first(options_.replicas), replica, changed, &violation_);
}

uint32_t Cell::given_anywhere(const World& world) const {
  size_t most = 0;
  for (uint8_t i = 0; i < options_.replicas; ++i) most = std::max(most, table_[world.replicas[i]].given.size());
  return static_cast<uint32_t>(most);
}

// ---------------------------------------------------------------- for people

std::string Cell::describe_message(MessageId id) const {
  const Sent& sent = messages_[id];
  return to_string(sent.from) + " -> " + to_string(sent.to) + "  " + consensus::describe(options_.engine, sent.message);
}

std::string Cell::describe(Action action, const World& before) const {
  static constexpr std::array<const char*, 12> kNames = {"deliver", "deliver a copy of", "drop", "written",
                                                         "crash",   "restart",           "tick", "timeout",
                                                         "resend",  "propose",           "read", "transfer"};
  const std::string name = kNames[static_cast<size_t>(action.kind)];
  const std::string replica = " at replica " + std::to_string(action.replica + 1);
  const ReplicaState& state = table_[before.replicas[action.replica]];
  switch (action.kind) {
    case ActionKind::deliver:
    case ActionKind::duplicate:
    case ActionKind::drop:
      return name + " " + describe_message(action.argument);
    case ActionKind::written: {
      std::string out = name + replica + ":";
      const consensus::Persist& persist = state.writing.front().persist;
      if (persist.hard_state) {
        out += " promised=" + to_string(persist.hard_state->promised) +
               " committed=" + to_string(persist.hard_state->committed);
      }
      for (const auto& entry : persist.entries) out += " [" + to_string(entry) + "]";
      return out;
    }
    case ActionKind::crash:
      return name + replica + ", " + std::to_string(action.argument) + " of " + std::to_string(state.writing.size()) +
             " persists under way are kept";
    case ActionKind::propose:
      return name + replica + " value v" + std::to_string(before.used.proposals + 1);
    case ActionKind::read:
      return name + replica + ", to see index " + std::to_string(given_anywhere(before));
    case ActionKind::transfer:
      return name + replica + " to " + std::to_string(action.argument);
    default:
      return name + replica;
  }
}

std::vector<std::string> Cell::describe_sent() const {
  std::vector<std::string> out;
  for (const MessageId id : happened_.sent) out.push_back(describe_message(id));
  return out;
}

}  // namespace conclave::sim::explore
