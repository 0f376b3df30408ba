#include "sim/check/linear.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "sim/check/index.h"
#include "sim/check/model.h"
#include "sim/check/ownership.h"
#include "sim/check/verdict.h"
#include "sim/check/words.h"

namespace conclave::sim::check {
namespace {

class Linear {
 public:
  explicit Linear(const History& history) : history_(history), model_(history), index_(history) {}

  Violations run(Figures* figures) {
    Ownership ownership(history_, model_, index_);
    violations_ = ownership.violations();
    for (const auto& owner : ownership.owners()) compared_ += owner ? 1 : 0;
    for (const auto& [id, client] : index_.clients()) check_client(client);
    if (figures != nullptr) figures->operations_linear += compared_;
    return std::move(violations_);
  }

 private:
  void check_client(const HistoryIndex::Client& client) {
    Zxid synced;  // what the client's reads must show since its last sync
    for (const size_t i : client.operations) {
      const Operation& op = history_.operations[i];
      if (!is_answered(op)) continue;
      if (!has_zxid(op)) {
        if (is_ok(op)) complain(i, "was acknowledged without a zxid");
        continue;
      }
      check_time(i);
      if (op.call.action == Action::sync && is_ok(op)) {
        synced = std::max(synced, index_.told_before(i));
        check_floor(i, index_.told_before(i), "had been told to clients before it was invoked");
      } else if (is_read(op.call.action)) {
        check_floor(i, synced, "had been told to clients before its client's last sync");
        check_read(i);
      } else if (is_acknowledged_write(op)) {
        check_write_time(i);
      } else {
        check_evaluated(i);
      }
    }
  }

  // L6
  void check_time(size_t i) {
    const Operation& op = history_.operations[i];
    const auto position = model_.find(op.zxid);
    if (!position || history_.log[*position].first_applied <= op.completed) return;
    complain(i, fmt::format("was told {} at {}, first applied at {}", name_of(op.zxid), name_of(op.completed),
                            name_of(history_.log[*position].first_applied)));
  }

  // L4
  void check_floor(size_t i, Zxid floor, std::string_view why) {
    const Zxid zxid = history_.operations[i].zxid;
    if (zxid < floor) complain(i, fmt::format("was answered at {}, though {} {}", name_of(zxid), name_of(floor), why));
  }

  // L2. A close is told the zxid at which it found the session closed.
  void check_write_time(size_t i) {
    const Operation& op = history_.operations[i];
    if (op.call.action == Action::close_session || op.zxid > index_.told_before(i)) return;
    complain(i, fmt::format("took effect as {}, though {} had been told to clients before it was invoked",
                            name_of(op.zxid), name_of(index_.told_before(i))));
  }

  // L3
  void check_read(size_t i) {
    const Operation& op = history_.operations[i];
    const bool comparable = op.answer.code == Code::ok || op.answer.code == Code::no_node;
    if (!comparable || !is_judged(op.call.path)) return;
    ++compared_;
    const Node* node = model_.node(op.call.path, op.zxid);
    if (node == nullptr || op.answer.code == Code::no_node) {
      if ((node == nullptr) == (op.answer.code == Code::no_node)) return;
      return complain(i, fmt::format("was told '{}' at {}, where the node is {}", name_of(op.answer.code),
                                     name_of(op.zxid), node == nullptr ? "missing" : "there"));
    }
    if (op.answer.stat && *op.answer.stat != node->stat) {
      complain(i, fmt::format("was told {}; at {} it is {}", name_of(*op.answer.stat), name_of(op.zxid),
                              name_of(node->stat)));
    }
    if (op.call.action == Action::get && op.answer.data != node->data) {
      complain(i, fmt::format("was told '{}'; at {} it is '{}'", op.answer.data, name_of(op.zxid), node->data));
    }
    if (op.call.action != Action::children) return;
    if (const auto names = model_.children(op.call.path, op.zxid); names != op.answer.children) {
      complain(i, fmt::format("was told [{}]; at {} it is [{}]", fmt::join(op.answer.children, " "), name_of(op.zxid),
                              fmt::join(names, " ")));
    }
  }

  // L5. The master evaluated it against everything proposed before, so behind all that had been told to anyone, and
  // between the client's own writes before and behind it.
  void check_evaluated(size_t i) {
    const Operation& op = history_.operations[i];
    if (op.call.action == Action::sync || !is_judged(code_of(op))) return;
    const auto calls = calls_of(op);
    if (!std::ranges::all_of(calls,
                             [](const Call& call) { return is_judged(parent_of(call.path)) || !call.sequential; })) {
      return;
    }
    ++compared_;
    const auto failed = std::ranges::find_if(op.part_answers, [](const Answer& a) { return a.code != Code::ok; });
    Verdict verdict{.code = code_of(op), .part = {}};
    if (failed != op.part_answers.end()) verdict.part = static_cast<size_t>(failed - op.part_answers.begin());
    const Zxid from = std::max(index_.told_before(i), index_.own_write_before(i));
    const Zxid to = std::min(op.zxid, Zxid(index_.own_write_behind(i).value - 1));
    if (was_ever(model_, verdict, calls, from, to)) return;
    complain(i, fmt::format("was answered '{}' at {}; at no zxid from {} to {} was that so", name_of(verdict.code),
                            name_of(op.zxid), name_of(from), name_of(to)));
  }

  void complain(size_t i, std::string what) {
    violations_.push_back({"linear", fmt::format("{} {}", name_of(history_, i), what)});
  }

  const History& history_;
  const Model model_;
  const HistoryIndex index_;
  Violations violations_;
  uint64_t compared_ = 0;
};

}  // namespace

Violations check_linear(const History& history, Figures* figures) {
  return Linear(history).run(figures);
}

}  // namespace conclave::sim::check
