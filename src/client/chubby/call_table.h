// The calls of a session that have no answer yet (RP-02). Pure.
//
// Invariants:
//   T1  A call gets its number when it is first sent, ascending in the order submitted, and keeps it until it is
//   answered. T2  What was sent on a former connection is sent again before anything new, in the order of the numbers;
//   handles are
//       presented before either (CH-77, step 8).
//   T3  At most `calls_max` calls are without an answer at the master.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "client/chubby/convert.h"
#include "client/chubby/types.h"

namespace conclave::chubby {

// What became of a call.
struct Answer {
  std::optional<CallError> error;
  const wire::Reply* reply = nullptr;  // null: not from the cell
  bool keep = false;                   // what it says of the node may be cached
  bool given_up = false;               // the cell may still answer: `undo` hears of that
};
using Done = std::move_only_function<void(const Answer&)>;

struct Call {
  CallId id;
  HandleId handle;      // of the application that it was made on; 0: none
  uint64_t remote = 0;  // handle at the master that it uses
  std::string path;     // of the node that it is about
  std::string cell;     // it is meant for this one; empty: whichever
  bool changes = false;
  bool waits = false;  // for others: an acquisition
  wire::Call message;
  Done done;
  // Called instead when the answer of a call comes that was given up after it was sent.
  std::move_only_function<void(const wire::Reply&)> undo;

  // --- the table's
  uint64_t number = 0;   // 0: never sent
  bool on_wire = false;  // sent on this connection
  bool keep = true;      // no invalidation of the path since it was sent
  bool sent_before = false;
  bool given_up = false;
};

class CallTable {
 public:
  explicit CallTable(size_t calls_max) : calls_max_(calls_max) {}

  void add(Call call);
  void add_reopen(Call call) { reopens_.push_back(std::move(call)); }
  // The next call to send on this connection; it counts as sent. Null: none now. `handles_only`: only a Reopen.
  Call* next(bool handles_only);
  // The smallest number of a call that may change something and has no answer, else one more than the highest number.
  // No call says more than its own number.
  uint64_t answered_below() const { return changing_numbers_.empty() ? last_number_ + 1 : *changing_numbers_.begin(); }

  // Answered. Nothing: nobody waits for such an answer.
  std::optional<Call> take(uint64_t number);
  // Is it the application's? Not so the library's own: handles that are presented again, and the end of the session.
  bool of_application(uint64_t number) const;
  bool was_used(uint64_t number) const { return number != 0 && number <= last_number_; }
  // Everything, in order. What comes later is numbered from 1.
  std::vector<Call> take_all();
  // Was not done, or its answer came at a time when it counts for nothing: next() gives it out again.
  void send_again(uint64_t number);
  void connection_lost();
  void drop_reopens();

  struct GivenUp {
    Done done;
    uint64_t number = 0;  // 0: it was never sent, and is gone
  };
  // Gives up all calls that `which` holds for.
  std::vector<GivenUp> give_up(const std::function<bool(const Call&)>& which);

  // What was asked before now about the path (about anything) must not be cached.
  void forbid_keeping(std::string_view path);
  void forbid_keeping_all();
  // Is a change of the node under way, ours?
  bool changes(std::string_view path) const { return changing_paths_.contains(path); }
  // Does a call under way use the handle at the master, other than by closing it?
  bool uses(uint64_t remote) const;
  // Is an acquisition by the handle at the master under way, and wanted?
  bool acquires(uint64_t remote) const;

  bool empty() const { return sent_.empty() && queue_.empty() && reopens_.empty(); }
  bool presenting() const { return !reopens_.empty() || reopens_sent_ != 0; }
  size_t unanswered() const { return sent_.size(); }
  size_t queued() const { return queue_.size(); }

 private:
  bool any(const std::function<bool(const Call&)>& which) const;
  Call* number(Call call);
  void count(const Call& call, int by);

  size_t calls_max_;
  uint64_t last_number_ = 0;
  std::map<uint64_t, Call> sent_;  // by number
  std::deque<Call> queue_;         // not sent yet
  std::deque<Call> reopens_;       // the same, of handles
  size_t reopens_sent_ = 0;        // in sent_
  size_t off_wire_ = 0;            // in sent_, to be sent again
  std::set<uint64_t> changing_numbers_;
  std::map<std::string, int, std::less<>> changing_paths_;
};

}  // namespace conclave::chubby
