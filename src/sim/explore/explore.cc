#include "sim/explore/explore.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/assert.h"
#include "sim/explore/cell.h"

namespace conclave::sim::explore {
namespace {

constexpr uint64_t kProgressEvery = 1 << 14;  // states expanded

// States of one depth, to be expanded in order.
class Level {
 public:
  void push(const World& world, size_t replicas) {
    world.encode(replicas, &words_);
    ends_.push_back(words_.size());
  }
  void get(size_t place, size_t replicas, World* world) const {
    const size_t begin = place == 0 ? 0 : ends_[place - 1];
    world->decode(replicas, std::span(words_).subspan(begin, ends_[place] - begin));
  }
  size_t size() const { return ends_.size(); }
  void clear() { words_.clear(), ends_.clear(); }
  uint64_t bytes() const { return words_.capacity() * sizeof(uint32_t) + ends_.capacity() * sizeof(size_t); }

 private:
  std::vector<uint32_t> words_;
  std::vector<size_t> ends_;
};

class Explorer {
 public:
  Explorer(const ExploreOptions& options, const ExploreProgress& progress)
      : options_(options), progress_(progress), cell_(options) {}

  ExploreResult run() {
    const World start = cell_.start();
    if (!cell_.violation().empty()) {
      result_.violation = cell_.violation();
      result_.trace = {"in the first election"};
      return finish(ExploreEnd::violation);
    }
    count_rounds(start);
    add(start, 0, {});
    while (next_.size() > 0) {
      if (result_.figures.depth >= options_.depth) return finish(ExploreEnd::depth);
      std::swap(level_, next_);
      next_.clear();
      first_of_level_ = ways_.size() - level_.size();
      ++result_.figures.depth;
      for (size_t i = 0; i < level_.size(); ++i) {
        if (const auto end = expand(i)) return finish(*end);
      }
    }
    --result_.figures.depth;  // nothing new lay there
    return finish(ExploreEnd::complete);
  }

 private:
  // How a state was reached first. The states are numbered in that order.
  struct Way {
    uint32_t from;
    Action action;
  };

  // True: the state is new.
  bool add(const World& world, uint32_t from, Action action) {
    words_.clear();
    world.encode(options_.replicas, &words_);
    const BytesView bytes(reinterpret_cast<const char*>(words_.data()), words_.size() * sizeof(uint32_t));
    if (!seen_.insert(xxh3_128(bytes)).second) return false;
    ways_.push_back({.from = from, .action = action});
    next_.push(world, options_.replicas);
    ++result_.figures.states;
    return true;
  }

  std::optional<ExploreEnd> expand(size_t place) {
    ExploreFigures& figures = result_.figures;
    figures.queue = level_.size() - place - 1 + next_.size();
    figures.queue_peak = std::max(figures.queue_peak, figures.queue);
    const auto from = static_cast<uint32_t>(first_of_level_ + place);
    level_.get(place, options_.replicas, &world_);
    actions_.clear();
    cell_.actions(world_, &actions_);
    for (const Action action : actions_) {
      successor_ = world_;
      if (!cell_.act(action, &successor_)) continue;
      ++figures.transitions;
      note(action.replica);
      if (!cell_.violation().empty()) {
        result_.violation = cell_.violation();
        result_.trace = trace(from, action);
        return ExploreEnd::violation;
      }
      if (add(successor_, from, action) && figures.states >= options_.states) return ExploreEnd::states;
    }
    if (++expanded_ % kProgressEvery == 0 && progress_) {
      measure();
      if (!progress_(figures)) return ExploreEnd::stopped;
    }
    return std::nullopt;
  }

  void note(uint8_t acted) {
    ExploreFigures& figures = result_.figures;
    const Happened& happened = cell_.happened();
    figures.reads_granted += happened.reads_granted;
    if (happened.given) {
      const ReplicaState& replica = cell_.replicas()[successor_.replicas[acted]];
      figures.given = std::max<uint64_t>(figures.given, replica.given.size());
    }
    if (happened.led) count_rounds(successor_);
  }

  void count_rounds(const World& world) {
    size_t rounds = 0;
    for (size_t i = 0; i < options_.replicas; ++i) rounds += cell_.replicas()[world.replicas[i]].led.size();
    result_.figures.rounds_led = std::max(result_.figures.rounds_led, static_cast<uint32_t>(rounds));
  }

  // Takes the way to the state again, writing down what happens.
  std::vector<std::string> trace(uint32_t state, Action last) {
    std::vector<Action> actions{last};
    for (; state != 0; state = ways_[state].from) actions.push_back(ways_[state].action);
    std::ranges::reverse(actions);
    std::vector<std::string> lines;
    World world = cell_.start();
    for (size_t i = 0; i < actions.size(); ++i) {
      std::string number = std::to_string(i + 1);
      number.insert(0, number.size() < 4 ? 4 - number.size() : 0, ' ');
      lines.push_back(number + "  " + cell_.describe(actions[i], world));
      cell_.act(actions[i], &world);
      for (const std::string& sent : cell_.describe_sent()) lines.push_back("        " + sent);
    }
    return lines;
  }

  void measure() {
    ExploreFigures& figures = result_.figures;
    figures.replica_states = cell_.replicas().states();
    figures.engine_steps = cell_.replicas().steps();
    figures.audited = cell_.replicas().audited();
    figures.messages = cell_.messages().size();
    figures.bytes =
        seen_.capacity() * (sizeof(Checksum128) + 1) + ways_.capacity() * sizeof(Way) + level_.bytes() + next_.bytes();
  }

  ExploreResult finish(ExploreEnd end) {
    measure();
    result_.end = end;
    return std::move(result_);
  }

  const ExploreOptions& options_;
  const ExploreProgress& progress_;
  Cell cell_;
  absl::flat_hash_set<Checksum128> seen_;
  std::vector<Way> ways_;
  Level level_;
  Level next_;
  size_t first_of_level_ = 0;
  uint64_t expanded_ = 0;
  ExploreResult result_;
  // Used again for every state, for their memory.
  World world_;
  World successor_;
  std::vector<Action> actions_;
  std::vector<uint32_t> words_;
};

}  // namespace

std::string check(const ExploreOptions& options) {
  if (options.replicas < 2 || options.replicas > kReplicasMax) return "replicas: 2 to " + std::to_string(kReplicasMax);
  if (options.bounds.resends > kResendsMax) return "resends: at most " + std::to_string(kResendsMax);
  if (options.first_candidate.value > options.replicas) return "first candidate: no such replica";
  return "";
}

ExploreResult explore(const ExploreOptions& options, const ExploreProgress& progress) {
  CONCLAVE_ASSERT(check(options).empty());
  return Explorer(options, progress).run();
}

}  // namespace conclave::sim::explore
