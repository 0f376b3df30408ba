#include "sim/check/watches.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

#include "sim/check/index.h"
#include "sim/check/model.h"
#include "sim/check/words.h"

namespace conclave::sim::check {
namespace {

// What a client was told, with the greatest zxid up to there: a search by zxid is a search in order.
struct Told {
  uint64_t seen = 0;
  Zxid zxid;
  Zxid greatest;
  size_t operation = 0;
};

class Watches {
 public:
  explicit Watches(const History& history) : history_(history), model_(history), index_(history) {
    for (const auto& [id, client] : index_.clients()) {
      Zxid greatest;
      for (const size_t i : client.told) {
        const Operation& op = history.operations[i];
        greatest = std::max(greatest, op.zxid);
        told_[id].push_back({.seen = op.seen, .zxid = op.zxid, .greatest = greatest, .operation = i});
      }
    }
  }

  Violations run(Figures* figures) {
    for (size_t e = 0; e < history_.watch_events.size(); ++e) {
      const WatchEvent& event = history_.watch_events[e];
      const bool set = event.registered_by < history_.operations.size() && is_set(event.registered_by);
      if (!set) {
        complain(event, "no such watch was ever set");
      } else if (!event_of_.try_emplace(event.registered_by, e).second) {
        complain(event, "the second event of this watch");
      }
    }
    for (size_t i = 0; i < history_.operations.size(); ++i) {
      if (is_set(i) && is_judged(history_.operations[i].call.path)) check_watch(i);
    }
    check_order();
    if (figures != nullptr) {
      figures->watches += watches_;
      figures->watch_events += history_.watch_events.size();
    }
    return std::move(violations_);
  }

 private:
  bool is_set(size_t i) const {
    const Operation& op = history_.operations[i];
    if (!op.watch || !is_read(op.call.action) || !has_zxid(op)) return false;
    return is_ok(op) || waits_for_creation(op);
  }
  static bool waits_for_creation(const Operation& op) {
    return op.call.action == Action::exists && op.answer.code == Code::no_node;
  }

  void check_watch(size_t i) {
    ++watches_;
    const Operation& op = history_.operations[i];
    const auto found = event_of_.find(i);
    const WatchEvent* event = found == event_of_.end() ? nullptr : &history_.watch_events[found->second];
    const auto due = first_due(op);
    if (due.told != nullptr && (event == nullptr || event->seen > due.told->seen)) {
      complain(i, fmt::format("set a watch at {} that {} fires, and {} was answered at {} {}", name_of(op.zxid),
                              name_of(due.change), name_of(history_, due.told->operation), name_of(due.told->zxid),
                              event == nullptr ? "without its event" : "before its event"));
    }
    if (event != nullptr) check_event(op, *event);
  }

  // --- W1: when the event is due at the latest

  struct Due {
    const Told* told = nullptr;  // the completion that must not come before the event; null: none yet
    Zxid change;
  };

  Due first_due(const Operation& op) const {
    Zxid set_at = op.zxid;
    uint64_t set_seen = op.seen;
    while (const auto change = first_change(op, set_at)) {
      const Told* told = first_told(op.client, change->at.zxid, set_seen);
      // A client that has closed its session has no watches any more.
      if (told == nullptr || history_.operations[told->operation].call.action == Action::close_session) return {};
      const bool may_be_missed = waits_for_creation(op) && index_.reconnected(op.client, set_seen, told->seen) &&
                                 model_.node(op.call.path, told->zxid) == nullptr;
      if (!may_be_missed) return {.told = told, .change = change->at.zxid};
      set_at = told->zxid;  // set anew at a state no later than this one
      set_seen = told->seen;
    }
    return {};
  }

  std::optional<NodeEvent> first_change(const Operation& op, Zxid after) const {
    return op.call.action == Action::children ? model_.first_children_event(op.call.path, after)
                                              : model_.first_data_event(op.call.path, after);
  }

  const Told* first_told(ClientId client, Zxid at_least, uint64_t after) const {
    const std::vector<Told>& told = told_.at(client);
    auto next = std::ranges::lower_bound(told, at_least, {}, &Told::greatest);
    while (next != told.end() && next->seen <= after) ++next;
    return next == told.end() ? nullptr : &*next;
  }

  // --- W2

  void check_event(const Operation& op, const WatchEvent& event) {
    if (event.client != op.client || event.path != op.call.path) return complain(event, "belongs to another watch");
    if (event.seen <= op.seen) return complain(event, "came before the watch was set");
    const auto change = first_change(op, op.zxid);
    const Zxid applied = model_.applied_by(event.at);
    if (!change || change->at.zxid > applied) {
      return complain(event, "has no cause: nothing that concerns the watch had been applied anywhere");
    }
    const bool exact = !index_.reconnected(op.client, op.seen, event.seen);
    const Told* next = told_after(event);
    const bool same_connection = next != nullptr && !index_.reconnected(op.client, event.seen, next->seen);
    const Zxid latest = same_connection ? std::min(applied, next->zxid) : applied;
    if (same_connection && next->zxid < change->at.zxid) {
      return complain(event, fmt::format("comes from {}, and {} behind it was answered at {}", name_of(change->at.zxid),
                                         name_of(history_, next->operation), name_of(next->zxid)));
    }
    const bool right_kind =
        event.kind == change->kind || (!exact && was_net_difference(op, event.kind, change->at.zxid, latest));
    if (!right_kind) {
      return complain(event, fmt::format("the watch was set at {}, and {} makes '{}'", name_of(op.zxid),
                                         name_of(change->at.zxid), name_of(change->kind)));
    }
    if (exact) causes_[op.client].push_back({event.seen, change->at.zxid, &event});
  }

  // Whether a replica that was at some zxid in [from, to] when the watch was set again answered with this event.
  bool was_net_difference(const Operation& op, EventKind kind, Zxid from, Zxid to) const {
    const bool there = kind != EventKind::deleted;
    const EventKind if_there = waits_for_creation(op)               ? EventKind::created
                               : op.call.action == Action::children ? EventKind::children_changed
                                                                    : EventKind::data_changed;
    if (there ? kind != if_there : waits_for_creation(op)) return false;
    std::vector<Zxid> moments{from};
    model_.add_changes(op.call.path, from, to, &moments);
    return std::ranges::any_of(moments, [&](Zxid at) { return (model_.node(op.call.path, at) != nullptr) == there; });
  }

  const Told* told_after(const WatchEvent& event) const {
    const auto found = told_.find(event.client);
    if (found == told_.end()) return nullptr;
    const auto next = std::ranges::upper_bound(found->second, event.seen, {}, &Told::seen);
    return next == found->second.end() ? nullptr : &*next;
  }

  // --- W4

  struct Caused {
    uint64_t seen = 0;
    Zxid zxid;
    const WatchEvent* event = nullptr;
  };

  void check_order() {
    for (auto& [client, caused] : causes_) {
      std::ranges::sort(caused, {}, &Caused::seen);
      for (size_t i = 1; i < caused.size(); ++i) {
        if (caused[i].zxid >= caused[i - 1].zxid) continue;
        if (index_.reconnected(client, caused[i - 1].seen, caused[i].seen)) continue;
        complain(*caused[i].event, fmt::format("comes from {}, and the event before it from {}",
                                               name_of(caused[i].zxid), name_of(caused[i - 1].zxid)));
      }
    }
  }

  void complain(size_t i, std::string what) {
    violations_.push_back({"watches", fmt::format("{} {}", name_of(history_, i), what)});
  }
  void complain(const WatchEvent& event, std::string_view what) {
    const std::string watch = event.registered_by < history_.operations.size()
                                  ? name_of(history_, event.registered_by)
                                  : fmt::format("operation {}", event.registered_by);
    violations_.push_back(
        {"watches", fmt::format("event '{}' of {}, told to client {} at {}, for the watch of {}: {}",
                                name_of(event.kind), event.path, event.client, name_of(event.at), watch, what)});
  }

  const History& history_;
  const Model model_;
  const HistoryIndex index_;
  std::map<ClientId, std::vector<Told>> told_;
  std::unordered_map<size_t, size_t> event_of_;  // operation → event; never iterated
  std::map<ClientId, std::vector<Caused>> causes_;
  Violations violations_;
  uint64_t watches_ = 0;
};

}  // namespace

Violations check_watches(const History& history, Figures* figures) {
  return Watches(history).run(figures);
}

}  // namespace conclave::sim::check
