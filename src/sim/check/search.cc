#include "sim/check/search.h"

#include <algorithm>
#include <set>
#include <unordered_set>

#include "base/assert.h"

namespace conclave::sim::check {
namespace {

using Verdict = SearchResult::Verdict;

// How a window can have ended.
struct Ending {
  Register state;
  std::vector<size_t> open;  // entries of unknown outcome not ordered yet
  friend auto operator<=>(const Ending&, const Ending&) = default;
};
using Endings = std::set<Ending>;

// A set of the window's entries, and the register they lead to.
struct Visited {
  std::vector<uint64_t> ordered;
  Register state;
  friend bool operator==(const Visited&, const Visited&) = default;
};
struct VisitedHash {
  size_t operator()(const Visited& v) const {
    uint64_t h = uint64_t{v.state.data} << 32 ^ static_cast<uint32_t>(v.state.version) << 1 ^ (v.state.exists ? 1 : 0);
    for (const uint64_t word : v.ordered) h = (h ^ word) * 0x9E3779B97F4A7C15;
    return static_cast<size_t>(h ^ h >> 32);
  }
};

// Calls and returns of a window in the order of time, as a list from which an ordered entry is lifted out and, on the
// way back, put in again (Lowe).
class CallList {
 public:
  struct Item {
    size_t entry = 0;  // in the window
    bool returns = false;
    size_t other = kNone;  // its return; none of an unknown outcome
    size_t previous = kNone, next = kNone;
  };
  static constexpr size_t kNone = SIZE_MAX;

  // `members` index into `entries`.
  CallList(const std::vector<Entry>& entries, const std::vector<size_t>& members) {
    struct Moment {
      Instant at;
      bool returns;  // at one instant, calls come first: what touches overlaps
      size_t entry;
      auto operator<=>(const Moment&) const = default;
    };
    std::vector<Moment> moments;
    for (size_t i = 0; i < members.size(); ++i) {
      const Entry& entry = entries[members[i]];
      moments.push_back({entry.invoked, false, i});
      if (entry.known) moments.push_back({entry.completed, true, i});
    }
    std::ranges::sort(moments);
    items_.resize(moments.size() + 1);  // the first is the head
    std::vector<size_t> call_of(members.size());
    for (size_t i = 0; i < moments.size(); ++i) {
      Item& item = items_[i + 1];
      item = {.entry = moments[i].entry, .returns = moments[i].returns, .other = kNone, .previous = i, .next = kNone};
      items_[i].next = i + 1;
      if (moments[i].returns) {
        items_[call_of[item.entry]].other = i + 1;
      } else {
        call_of[item.entry] = i + 1;
      }
    }
  }

  size_t first() const { return items_.front().next; }
  const Item& operator[](size_t i) const { return items_[i]; }
  void lift(size_t call) {
    unlink(call);
    if (items_[call].other != kNone) unlink(items_[call].other);
  }
  void put_back(size_t call) {
    if (items_[call].other != kNone) link(items_[call].other);
    link(call);
  }

 private:
  void unlink(size_t i) {
    items_[items_[i].previous].next = items_[i].next;
    if (items_[i].next != kNone) items_[items_[i].next].previous = items_[i].previous;
  }
  void link(size_t i) {
    items_[items_[i].previous].next = i;
    if (items_[i].next != kNone) items_[items_[i].next].previous = i;
  }

  std::vector<Item> items_;
};

bool take_all(const Entry& entry, Register* state) {
  return std::ranges::all_of(entry.steps, [&](const Step& step) { return take(step, state); });
}

// One window from one beginning. Adds every ending.
class Window {
 public:
  Window(const std::vector<Entry>& entries, const std::vector<size_t>& members, Register begin, uint64_t steps_max)
      : entries_(entries), members_(members), list_(entries, members), state_(begin), steps_max_(steps_max) {
    ordered_.resize(members.size() / 64 + 1);
    for (const size_t member : members) missing_ += entries[member].known ? 1 : 0;
    known_ = missing_;
  }

  // False: the budget is spent.
  bool run(Endings* endings) {
    size_t at = list_.first();
    while (true) {
      if (missing_ == 0) {
        endings->insert(ending());
        if (!back(&at)) return true;
      } else if (at == CallList::kNone || list_[at].returns) {
        note_stuck(at);
        if (!back(&at)) return true;
      } else if (steps_ == steps_max_) {
        return false;
      } else {
        ++steps_;
        at = enter(at) ? list_.first() : list_[at].next;
      }
    }
  }

  uint64_t steps() const { return steps_; }
  size_t deepest() const { return deepest_; }
  size_t stuck_before() const { return stuck_before_; }

 private:
  struct Choice {
    size_t call = 0;
    Register before;
  };

  const Entry& entry_at(size_t item) const { return entries_[members_[list_[item].entry]]; }
  void flip(size_t member) { ordered_[member / 64] ^= uint64_t{1} << member % 64; }

  bool enter(size_t call) {
    const Entry& entry = entry_at(call);
    Register after = state_;
    if (!take_all(entry, &after)) return false;
    // Without an effect here it can as well be ordered later, or never.
    if (!entry.known && after == state_) return false;
    const size_t member = list_[call].entry;
    flip(member);
    if (!visited_.insert({ordered_, after}).second) {
      flip(member);
      return false;
    }
    choices_.push_back({call, state_});
    state_ = after;
    missing_ -= entry.known ? 1 : 0;
    list_.lift(call);
    return true;
  }

  // Undoes the last choice and goes on behind it.
  bool back(size_t* at) {
    if (choices_.empty()) return false;
    const Choice choice = choices_.back();
    choices_.pop_back();
    list_.put_back(choice.call);
    flip(list_[choice.call].entry);
    missing_ += entry_at(choice.call).known ? 1 : 0;
    state_ = choice.before;
    *at = list_[choice.call].next;
    return true;
  }

  Ending ending() const {
    Ending out{.state = state_, .open = {}};
    for (size_t i = 0; i < members_.size(); ++i) {
      const bool is_ordered = (ordered_[i / 64] >> i % 64 & 1) != 0;
      if (!is_ordered && !entries_[members_[i]].known) out.open.push_back(members_[i]);
    }
    return out;
  }

  void note_stuck(size_t at) {
    const size_t depth = known_ - missing_;
    if (at == CallList::kNone || (stuck_ && depth <= deepest_)) return;
    stuck_ = true;
    deepest_ = depth;
    stuck_before_ = entry_at(at).operation;
  }

  const std::vector<Entry>& entries_;
  const std::vector<size_t>& members_;
  CallList list_;
  Register state_;
  const uint64_t steps_max_;
  uint64_t steps_ = 0;
  std::vector<uint64_t> ordered_;
  size_t known_ = 0;    // entries of known outcome
  size_t missing_ = 0;  // of these, not ordered yet
  std::vector<Choice> choices_;
  std::unordered_set<Visited, VisitedHash> visited_;  // never iterated
  bool stuck_ = false;
  size_t deepest_ = 0;
  size_t stuck_before_ = 0;
};

}  // namespace

SearchResult search_order(const std::vector<Entry>& entries, uint64_t steps_max) {
  SearchResult result;
  Endings endings{Ending{}};
  size_t ordered = 0;
  for (size_t begin = 0; begin < entries.size();) {
    // Up to the next moment at which nothing of known outcome is under way.
    std::vector<size_t> members;
    Instant busy_until{INT64_MIN};
    size_t end = begin;
    for (; end < entries.size() && (busy_until.us == INT64_MIN || entries[end].invoked <= busy_until); ++end) {
      CONCLAVE_ASSERT(end == 0 || entries[end - 1].invoked <= entries[end].invoked);
      members.push_back(end);
      if (entries[end].known) busy_until = std::max(busy_until, entries[end].completed);
    }
    Endings next;
    size_t deepest = 0;
    for (const Ending& ending : endings) {
      std::vector<size_t> all = ending.open;
      all.insert(all.end(), members.begin(), members.end());
      Window window(entries, all, ending.state, steps_max - result.steps);
      const bool finished = window.run(&next);
      result.steps += window.steps();
      if (!finished) {
        result.verdict = Verdict::unknown;
        return result;
      }
      if (window.deepest() < deepest) continue;
      deepest = window.deepest();
      result.stuck_before = window.stuck_before();
    }
    if (next.empty()) {
      result.verdict = Verdict::not_linearizable;
      result.ordered = ordered + deepest;
      return result;
    }
    for (const size_t member : members) ordered += entries[member].known ? 1 : 0;
    endings = std::move(next);
    begin = end;
  }
  return result;
}

}  // namespace conclave::sim::check
