// The calls of Chubby's clients (CH-45 … CH-51): what each needs, reads or changes, and how it is answered. One for
// each mastership. Loop thread only.
#pragma once

#include <deque>
#include <memory>
#include <optional>

#include "absl/container/btree_map.h"
#include "frontend/chubby/handle.h"
#include "frontend/chubby/session.h"
#include "replica/gateway.h"

namespace conclave::frontend::chubby {

class Master;

class Calls {
 public:
  explicit Calls(Master& master) : master_(master) {}
  ~Calls() { *alive_ = false; }
  Calls(const Calls&) = delete;
  Calls& operator=(const Calls&) = delete;

  void take(Session& session, wire::Call call);
  void cancel(SessionId session, uint64_t number);

 private:
  // A call under way.
  struct Asked {
    SessionId session;
    wire::Call call;
    std::optional<Handle> handle;  // of a read, as it was then: a Close that comes behind it does not take it away
  };
  using AskedPtr = std::shared_ptr<const Asked>;
  using Step = void (Calls::*)(const AskedPtr&);
  // What became of a change that was proposed, or done before under the same number.
  using Done = std::move_only_function<void(const state::Outcome&)>;

  // Does what the call asks for.
  void begin(const AskedPtr& asked);
  // Until it is known what became of all that the session asked for under former masterships (unsettled.h).
  void defer(const AskedPtr& asked);
  void go_on(SessionId session);

  // Answers.
  wire::Reply reply_to(const Asked& asked, wire::Code code = wire::OK, std::string message = {}) const;
  void answer(const Asked& asked, wire::Code code, std::string message = {});
  void answer(const Asked& asked, wire::Reply reply);

  // Goes on when it is sure that this is the master still.
  void confirmed(const AskedPtr& asked, Step step);
  // Proposes a change under the number of the call.
  void propose(const AskedPtr& asked, state::RequestBody body, std::optional<state::Guard> guard, Done done);
  // The call changed something before, whatever became of its handle since. Null: it did not, or that is forgotten.
  const state::Outcome* done_before(const Asked& asked) const;

  // The handle of the call, if it is open, valid and opened for this; else the call is answered. `mode` may be none.
  Handle* handle_of(const Asked& asked, uint64_t number, wire::Mode mode);
  // The same for a call that reads: the handle may have been closed since.
  const Handle* handle_read(const Asked& asked, uint64_t number);
  // The node of the handle, if the session may read it; else the call is answered.
  std::optional<state::NodeView> node_of(const Asked& asked, const Handle& handle);
  std::optional<wire::Stat> stat_of(std::string_view path) const;
  const state::Identities& identities(SessionId session) const;
  state::Guard guard_of(const Handle& handle) const;

  // --- calls that change nothing
  void open_existing(const AskedPtr& asked);
  void get_contents(const AskedPtr& asked);
  void get_stat(const AskedPtr& asked);
  void read_directory(const AskedPtr& asked);
  void check_sequencer(const AskedPtr& asked);
  void list_locks(const AskedPtr& asked);
  void list_sessions(const AskedPtr& asked);
  void reopen(const AskedPtr& asked);
  wire::Code reopen(SessionId session, const wire::Handle& presented);

  // --- calls that do
  void open(const AskedPtr& asked);
  void create(const AskedPtr& asked);
  void open_instead(const AskedPtr& asked, state::Code refused);
  void close(const AskedPtr& asked);
  void set_contents(const AskedPtr& asked);
  void set_acl(const AskedPtr& asked);
  void remove(const AskedPtr& asked);
  void acquire(const AskedPtr& asked);
  void await_lock(const AskedPtr& asked);
  void release(const AskedPtr& asked);
  void end_session(const AskedPtr& asked);

  bool parent_is_gone(const wire::Open& open) const;
  bool waits_for_reaping(const AskedPtr& asked, const state::NodeView& node, Step again);
  void opened(const Asked& asked, Zxid instance, bool created);
  wire::Code add_handle(const Asked& asked, const Handle& handle, const state::Acl& acl);
  void let_go(const AskedPtr& asked, std::string path, Zxid instance);
  void acl_set(const Asked& asked);
  void contents_set(const Asked& asked, const state::Outcome& outcome, const std::string& path);
  void turned_away(const AskedPtr& asked);
  void acquired(const Asked& asked, const std::string& path);

  Master& master_;
  absl::btree_map<SessionId, std::deque<AskedPtr>> deferred_;  // in their order
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::frontend::chubby
