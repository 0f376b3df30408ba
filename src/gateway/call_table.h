// The calls of one client at the gateway: those under way, and the answers of those that change something until the
// client has them. Loop thread only; calls nobody but the functions it was given.
//
// Invariants:
//   T1  A call that changes something is begun once under its number, however often and on however many connections it
//       comes; each of them gets the same answer (RP-02 over the second hop).
//   T2  Its answer is forgotten only when the client has said that it will not ask again.
//   T3  After cancel() of a number no handle is open and no lock is held because of it, nor will be.
//   T4  At most `running_max` calls are under way, at most `kept_max` are under way or kept.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <google/protobuf/message.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/ids.h"
#include "base/task.h"
#include "client/chubby/types.h"
#include "gateway/failure.h"

namespace conclave::gateway {

using Answer = std::expected<std::shared_ptr<const google::protobuf::Message>, Failure>;
using Done = std::move_only_function<void(const Answer&)>;
// One who waits for an answer: a gRPC call. 0: none.
using WaiterId = StrongId<struct WaiterIdTag, uint64_t>;

enum class CallKind {
  read,      // may be done twice
  change,    // once
  undoable,  // once, and can be given up
};

struct CallOptions {
  std::string_view method;
  CallKind kind = CallKind::read;
  uint64_t number = 0;  // 0: of a read
};

class CallTable {
 public:
  // Ends the call; `undo` takes back what it did, if it is undoable and did something.
  using Finish = std::move_only_function<void(Answer, Task undo)>;
  // Begins the call; `finish` may be called from inside. Returns how to cancel it, 0 if that cannot be.
  using Start = std::move_only_function<chubby::CallId(Finish)>;
  using CancelCall = std::function<bool(chubby::CallId)>;

  CallTable(size_t running_max, size_t kept_max, CancelCall cancel_call)
      : running_max_(running_max), kept_max_(kept_max), cancel_call_(std::move(cancel_call)) {}

  // `done` may be called from inside; then nobody waits.
  WaiterId call(const CallOptions& options, Start start, Done done);
  // Every number below is answered and not asked for again.
  void acknowledge(uint64_t below);
  // The waiter has gone: its `done` is not called any more. With the last one, a read and a call that waits are given
  // up; asked again under its number such a call begins anew.
  void abandon(WaiterId waiter);
  // Gives up a call of any state; of one that is not undoable, nothing.
  Answer cancel(uint64_t number);
  // Answers all that wait, with this.
  void fail_all(const Failure& why);

  size_t running() const { return running_; }
  size_t kept() const { return numbers_.size(); }

 private:
  using EntryId = uint64_t;
  struct Entry {
    uint64_t number = 0;
    std::string method;
    CallKind kind = CallKind::read;
    chubby::CallId call;
    std::map<WaiterId, Done> waiters;
    std::optional<Answer> answer;
    Task undo;
    bool cancelled = false;  // undo it when it ends
  };

  WaiterId wait(EntryId id, Done done);
  void finish(EntryId id, Answer answer, Task undo);
  void answer_waiters(Entry& entry, const Answer& answer);
  void erase(EntryId id);

  const size_t running_max_;
  const size_t kept_max_;
  const CancelCall cancel_call_;
  EntryId last_entry_ = 0;
  uint64_t last_waiter_ = 0;
  uint64_t acknowledged_below_ = 0;
  size_t running_ = 0;
  std::map<EntryId, Entry> entries_;
  std::map<uint64_t, EntryId> numbers_;
  std::map<WaiterId, EntryId> waiters_;
};

}  // namespace conclave::gateway
