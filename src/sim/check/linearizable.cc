#include "sim/check/linearizable.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>
#include <set>
#include <unordered_map>

#include "sim/check/index.h"
#include "sim/check/model.h"
#include "sim/check/search.h"
#include "sim/check/words.h"

namespace conclave::sim::check {
namespace {

constexpr size_t kSuffixDigits = 10;  // of a sequential node's name

class Registers {
 public:
  explicit Registers(const History& history) : history_(history) {
    note_excluded();
    std::map<ClientId, size_t> previous;  // the client's operation before
    for (size_t i = 0; i < history.operations.size(); ++i) {
      const Operation& op = history.operations[i];
      const auto before = previous.find(op.client);
      if (is_read(op.call.action)) {
        if (before != previous.end()) add_read(before->second, i);
      } else {
        add_write(i);
      }
      previous[op.client] = i;
    }
    for (auto& [path, entries] : entries_) std::ranges::stable_sort(entries, {}, &Entry::invoked);
  }

  const std::map<std::string, std::vector<Entry>>& entries() const { return entries_; }

 private:
  void note_excluded() {
    for (const Operation& op : history_.operations) {
      for (const Call& call : calls_of(op)) {
        if (call.action != Action::create) continue;
        if (call.sequential) sequential_.insert(call.path);
        if (call.ephemeral) ephemeral_.insert(call.path);
      }
    }
  }

  bool is_register(const std::string& path) const {
    if (!is_judged(path) || ephemeral_.contains(path)) return false;
    return path.size() <= kSuffixDigits || !sequential_.contains(path.substr(0, path.size() - kSuffixDigits));
  }

  uint32_t number_of(const Bytes& data) {
    return numbers_.try_emplace(data, static_cast<uint32_t>(numbers_.size())).first->second;
  }

  void add_read(size_t sync, size_t i) {
    const Operation& first = history_.operations[sync];
    const Operation& op = history_.operations[i];
    const bool reads = op.call.action == Action::get || op.call.action == Action::exists;
    if (!reads || first.call.action != Action::sync || !is_ok(first) || !is_answered(op)) return;
    if (op.answer.code != Code::ok && op.answer.code != Code::no_node) return;
    if (!is_register(op.call.path)) return;
    entries_[op.call.path].push_back({.invoked = first.invoked,
                                      .completed = op.completed,
                                      .known = true,
                                      .steps = {step_of(op.call, &op.answer)},
                                      .operation = i});
  }

  void add_write(size_t i) {
    const Operation& op = history_.operations[i];
    const auto calls = calls_of(op);
    const auto answers = answers_of(op);
    const bool known = is_answered(op);
    if (known && !says_something(code_of(op))) return;
    // A multi that failed changed nothing; which part found what is the main checker's matter.
    if (op.call.action == Action::multi && known && code_of(op) != Code::ok) return;
    std::map<std::string, std::vector<Step>> steps;
    for (size_t part = 0; part < calls.size(); ++part) {
      const Action action = calls[part].action;
      const bool touches =
          action == Action::create || action == Action::set || action == Action::remove || action == Action::check;
      if (!touches || calls[part].sequential || !is_register(calls[part].path)) continue;
      steps[calls[part].path].push_back(
          step_of(calls[part], known && part < answers.size() ? &answers[part] : nullptr));
      steps[calls[part].path].back().known = known;
    }
    for (auto& [path, list] : steps) {
      entries_[path].push_back(
          {.invoked = op.invoked, .completed = op.completed, .known = known, .steps = std::move(list), .operation = i});
    }
  }

  static bool says_something(Code code) {
    switch (code) {
      case Code::ok:
      case Code::no_node:
      case Code::bad_version:
      case Code::node_exists:
      case Code::not_empty:
      case Code::no_children_for_ephemerals:
        return true;
      default:
        return false;
    }
  }

  Step step_of(const Call& call, const Answer* answer) {
    Step step{.action = call.action, .asked = call.version, .written = number_of(call.data), .version = {}};
    if (answer == nullptr) return step;
    step.code = answer->code;
    if (answer->stat) step.version = answer->stat->version;
    step.read = number_of(answer->data);
    return step;
  }

  const History& history_;
  std::set<std::string> sequential_;
  std::set<std::string> ephemeral_;
  std::unordered_map<Bytes, uint32_t> numbers_;  // never iterated
  std::map<std::string, std::vector<Entry>> entries_;
};

}  // namespace

Violations check_linearizable(const History& history, const LinearizableOptions& options, Figures* figures) {
  const Registers registers(history);
  Violations violations;
  Figures counted;
  for (const auto& [path, entries] : registers.entries()) {
    const SearchResult result = search_order(entries, options.steps_max);
    ++counted.searches;
    if (result.verdict == SearchResult::Verdict::unknown) {
      ++counted.searches_exhausted;
      continue;
    }
    counted.operations_order_blind += entries.size();
    if (result.verdict == SearchResult::Verdict::linearizable) continue;
    violations.push_back(
        {"linearizable",
         fmt::format("no order of the {} operations on {} explains what their clients were told; {} can be put in an "
                     "order, then {} was complete before anything fits",
                     entries.size(), path, result.ordered, name_of(history, result.stuck_before))});
  }
  if (figures != nullptr) *figures += counted;
  return violations;
}

}  // namespace conclave::sim::check
