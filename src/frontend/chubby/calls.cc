// The way of a call, and the calls that change nothing. Those that do are in changes.cc.
#include "frontend/chubby/calls.h"

#include <algorithm>

#include "base/probe.h"
#include "frontend/chubby/master.h"
#include "frontend/chubby/translate.h"
#include "state/tree/path.h"
#include "wire/chubby/sequencer.h"

namespace conclave::frontend::chubby {
namespace {

constexpr uint32_t kModes = wire::MODE_READ | wire::MODE_WRITE | wire::MODE_CHANGE_ACL;
constexpr uint32_t kEvents =
    wire::EVENT_CONTENT_CHANGED | wire::EVENT_CHILD_CHANGED | wire::EVENT_LOCK_ACQUIRED | wire::EVENT_LOCK_CONFLICT;

// What is wrong with it, if anything.
std::string_view fault_of(const wire::Open& open) {
  if (open.handle() == 0) return "a handle needs a number";
  if (open.path().size() > wire::kPathBytesMax || !state::valid_path(open.path())) return "malformed name";
  if (open.mode() == 0 || (open.mode() & ~kModes) != 0) return "unknown mode";
  if ((open.events() & ~kEvents) != 0) return "unknown events";
  if (open.lock_delay_ms() > wire::kLockDelayMsMax) return "a lock-delay is at most a minute";
  if (open.directory() && !open.contents().empty()) return "a directory has no contents";
  if (!wire::Open::Creation_IsValid(open.creation())) return "unknown way of creation";
  return {};
}

// 0: it reads none.
uint64_t handle_to_read(const wire::Call& call) {
  switch (call.body_case()) {
    case wire::Call::kGetContents:
      return call.get_contents().handle();
    case wire::Call::kGetStat:
      return call.get_stat().handle();
    case wire::Call::kReadDirectory:
      return call.read_directory().handle();
    default:
      return 0;
  }
}

// Or depends on what the session's calls before it have changed.
bool may_change(const wire::Call& call) {
  switch (call.body_case()) {
    case wire::Call::kOpen:
    case wire::Call::kClose:
    case wire::Call::kSetContents:
    case wire::Call::kSetAcl:
    case wire::Call::kDelete:
    case wire::Call::kAcquire:
    case wire::Call::kAwaitLock:
    case wire::Call::kRelease:
    case wire::Call::kEndSession:
      return true;
    default:
      return false;
  }
}

}  // namespace

void Calls::take(Session& session, wire::Call call) {
  const uint64_t number = call.number();
  if (session.calls.contains(number)) return;  // sent again, and under way: the answer goes to where the client is now
  const Handle* const reads = master_.handles().find(session.id, handle_to_read(call));
  auto asked = std::make_shared<const Asked>(
      Asked{session.id, std::move(call), reads == nullptr ? std::nullopt : std::optional(*reads)});
  const bool full = session.calls.size() >= master_.settings().limits.calls_max;
  session.calls.insert(number);
  if (asked->call.epoch() != master_.epoch().value) return answer(*asked, wire::WRONG_EPOCH);
  if (full) return answer(*asked, wire::BUSY);
  if (number == 0 || asked->call.answered_below() > number) {
    return answer(*asked, wire::BAD_ARGUMENT, "calls are numbered from 1, and answered below their own number");
  }
  if (may_change(asked->call) && master_.unsettled().any(session.id, master_.epoch())) return defer(asked);
  begin(asked);
}

void Calls::defer(const AskedPtr& asked) {
  CONCLAVE_PROBE("chubby.call-waits-for-a-former-one");
  auto& waiting = deferred_[asked->session];
  waiting.push_back(asked);
  if (waiting.size() > 1) return;
  master_.unsettled().after(asked->session, master_.epoch(), [this, alive = alive_, session = asked->session] {
    if (*alive) go_on(session);
  });
}

void Calls::go_on(SessionId session) {
  auto waiting = deferred_.extract(session);
  if (waiting.empty()) return;
  for (const AskedPtr& asked : waiting.mapped()) {
    if (master_.session(session) != nullptr) begin(asked);
  }
}

void Calls::begin(const AskedPtr& asked) {
  switch (asked->call.body_case()) {
    case wire::Call::kOpen:
      return open(asked);
    case wire::Call::kReopen:
      return reopen(asked);
    case wire::Call::kClose:
      return close(asked);
    case wire::Call::kGetContents:
      return confirmed(asked, &Calls::get_contents);
    case wire::Call::kGetStat:
      return confirmed(asked, &Calls::get_stat);
    case wire::Call::kReadDirectory:
      return confirmed(asked, &Calls::read_directory);
    case wire::Call::kSetContents:
      return set_contents(asked);
    case wire::Call::kSetAcl:
      return set_acl(asked);
    case wire::Call::kDelete:
      return remove(asked);
    case wire::Call::kAcquire:
      return acquire(asked);
    case wire::Call::kAwaitLock:
      return await_lock(asked);
    case wire::Call::kRelease:
      return release(asked);
    case wire::Call::kCheckSequencer:
      return confirmed(asked, &Calls::check_sequencer);
    case wire::Call::kEndSession:
      return end_session(asked);
    case wire::Call::kListLocks:
      return confirmed(asked, &Calls::list_locks);
    case wire::Call::kListSessions:
      return confirmed(asked, &Calls::list_sessions);
    case wire::Call::BODY_NOT_SET:
      return answer(*asked, wire::BAD_ARGUMENT, "a call of an unknown kind");
  }
}

void Calls::confirmed(const AskedPtr& asked, Step step) {
  master_.barrier().after([this, asked, step](Instant) {
    if (master_.session(asked->session) != nullptr) (this->*step)(asked);
  });
}

wire::Reply Calls::reply_to(const Asked& asked, wire::Code code, std::string message) const {
  wire::Reply reply;
  reply.set_number(asked.call.number());
  reply.set_code(code);
  reply.set_message(std::move(message));
  return reply;
}

void Calls::answer(const Asked& asked, wire::Code code, std::string message) {
  master_.reply(asked.session, reply_to(asked, code, std::move(message)));
}

void Calls::answer(const Asked& asked, wire::Reply reply) {
  master_.reply(asked.session, std::move(reply));
}

const state::Identities& Calls::identities(SessionId session) const {
  return master_.sessions().at(session).identities;
}

state::Guard Calls::guard_of(const Handle& handle) const {
  return {.path = handle.path, .instance = handle.instance, .content = Zxid()};
}

Handle* Calls::handle_of(const Asked& asked, uint64_t number, wire::Mode mode) {
  Handle* const handle = master_.handles().find(asked.session, number);
  if (handle == nullptr) {
    answer(asked, wire::NOT_OPEN);
  } else if (!handle->valid) {
    answer(asked, wire::HANDLE_INVALID);
  } else if (mode != wire::MODE_NONE && !handle->may(mode)) {
    answer(asked, wire::WRONG_MODE);
  } else {
    return handle;
  }
  return nullptr;
}

const Handle* Calls::handle_read(const Asked& asked, uint64_t number) {
  const bool closed = master_.handles().find(asked.session, number) == nullptr;
  if (closed && asked.handle && asked.handle->may(wire::MODE_READ)) return &*asked.handle;
  return handle_of(asked, number, wire::MODE_READ);
}

std::optional<state::NodeView> Calls::node_of(const Asked& asked, const Handle& handle) {
  const auto node = master_.state().get(handle.path, identities(asked.session));
  if (!node && node.error() == state::Code::no_auth) {
    answer(asked, wire::PERMISSION_DENIED);
  } else if (!node || node->stat.czxid != handle.instance) {
    answer(asked, wire::HANDLE_INVALID);
  } else {
    return *node;
  }
  return std::nullopt;
}

std::optional<wire::Stat> Calls::stat_of(std::string_view path) const {
  const auto node = master_.state().get(path, state::super_identities());
  const auto acl = master_.state().acl(path, state::super_identities());
  if (!node || !acl) return std::nullopt;
  return to_wire(*node, master_.state().lock(path), *acl);
}

// --- Open, and handles of former masters

void Calls::open(const AskedPtr& asked) {
  const wire::Open& open = asked->call.open();
  if (const std::string_view fault = fault_of(open); !fault.empty()) {
    return answer(*asked, wire::BAD_ARGUMENT, std::string(fault));
  }
  if (open.contents().size() > wire::kFileBytesMax) return answer(*asked, wire::TOO_LARGE);
  if (const Handle* const before = master_.handles().find(asked->session, open.handle())) {
    // Sent again: the first answer was lost.
    if (before->path != open.path() || before->mode != open.mode()) {
      return answer(*asked, wire::BAD_ARGUMENT, "the number is that of another handle");
    }
  } else if (master_.handles().count(asked->session) >= master_.settings().limits.handles_max) {
    return answer(*asked, wire::BAD_ARGUMENT, "too many handles are open");
  }
  if (open.creation() == wire::Open::NEVER) return confirmed(asked, &Calls::open_existing);
  // Tried without a look at what is there: it takes its turn among the changes of its session.
  create(asked);
}

// CH-31, of a name below a handle.
bool Calls::parent_is_gone(const wire::Open& open) const {
  if (open.parent_instance() == 0) return false;
  const auto parent = master_.state().get(state::parent_path(open.path()), state::super_identities());
  return !parent || parent->stat.czxid != Zxid(open.parent_instance());
}

// Goes on when it is settled whether the node is still there.
bool Calls::waits_for_reaping(const AskedPtr& asked, const state::NodeView& node, Step again) {
  Task later = [this, alive = alive_, asked, again] {
    if (*alive) confirmed(asked, again);
  };
  return state::lives_while_open(node.kind) && master_.is_being_reaped(asked->call.open().path(), &later);
}

void Calls::open_existing(const AskedPtr& asked) {
  const wire::Open& open = asked->call.open();
  if (parent_is_gone(open)) return answer(*asked, wire::HANDLE_INVALID);
  const auto node = master_.state().get(open.path(), state::super_identities());
  if (!node) {
    wire::Reply reply = reply_to(*asked, wire::NO_NODE);
    reply.set_cacheable(master_.let_cache_absence(asked->session, open.path()));
    return answer(*asked, std::move(reply));
  }
  if (waits_for_reaping(asked, *node, &Calls::open_existing)) return;
  opened(*asked, node->stat.czxid, /*created=*/false);
}

void Calls::opened(const Asked& asked, Zxid instance, bool created) {
  const wire::Open& open = asked.call.open();
  const auto node = master_.state().get(open.path(), state::super_identities());
  const auto acl = master_.state().acl(open.path(), state::super_identities());
  if (!node || !acl || node->stat.czxid != instance) return answer(asked, wire::HANDLE_INVALID);
  const Handle handle{.number = open.handle(),
                      .path = open.path(),
                      .instance = instance,
                      .mode = open.mode(),
                      .events = open.events(),
                      .lock_delay_ms = open.lock_delay_ms(),
                      .epoch = master_.epoch(),
                      .counted = state::lives_while_open(node->kind)};
  if (const wire::Code refused = add_handle(asked, handle, *acl); refused != wire::OK) {
    if (handle.counted) master_.review_open(handle.path, instance);  // made, and nobody has it open
    return answer(asked, refused);
  }
  wire::Reply reply = reply_to(asked);
  wire::Opened& opened = *reply.mutable_opened();
  *opened.mutable_handle() = to_wire(handle, asked.session, master_.state().cell_secret());
  opened.set_created(created);
  *opened.mutable_stat() = to_wire(*node, master_.state().lock(open.path()), *acl);
  reply.set_cacheable((open.mode() & wire::MODE_READ) != 0 &&
                      master_.let_cache(asked.session, open.path(), node->kind));
  answer(asked, std::move(reply));
}

// CH-52: access is checked on Open. The calls check again, since lists may change while the handle is open.
wire::Code Calls::add_handle(const Asked& asked, const Handle& handle, const state::Acl& acl) {
  if (master_.session(asked.session) == nullptr) return wire::NOT_OPEN;  // it has ended, and nobody is answered
  const auto lacks = [&](wire::Mode mode, uint32_t right) {
    return handle.may(mode) && !master_.state().permitted(acl, right, identities(asked.session));
  };
  if (lacks(wire::MODE_READ, state::kRead) || lacks(wire::MODE_WRITE, state::kWrite) ||
      lacks(wire::MODE_CHANGE_ACL, state::kAdmin)) {
    return wire::PERMISSION_DENIED;
  }
  const Handle* const before = master_.handles().find(asked.session, handle.number);
  if (before == nullptr) {
    master_.handles().add(asked.session, handle);
    return wire::OK;
  }
  // Sent again: the first answer was lost.
  if (before->path != handle.path || before->mode != handle.mode) return wire::BAD_ARGUMENT;
  return before->instance == handle.instance ? wire::OK : wire::HANDLE_INVALID;
}

void Calls::reopen(const AskedPtr& asked) {
  wire::Reply reply = reply_to(*asked);
  for (const wire::Handle& presented : asked->call.reopen().handles()) {
    reply.mutable_reopened()->add_codes(reopen(asked->session, presented));
  }
  answer(*asked, std::move(reply));
}

// CH-30, CH-77 step 8.
wire::Code Calls::reopen(SessionId id, const wire::Handle& presented) {
  Handle handle = from_wire(presented);
  if (check_digits(master_.state().cell_secret(), id, handle) != presented.check_digits()) return wire::NOT_OPEN;
  if (const Handle* const known = master_.handles().find(id, handle.number)) {
    return known->valid ? wire::OK : wire::HANDLE_INVALID;
  }
  // Made in this epoch and not known: it was closed.
  if (handle.epoch == master_.epoch() || master_.sessions().at(id).closed.contains(handle.number))
    return wire::NOT_OPEN;
  const auto node = master_.state().get(handle.path, state::super_identities());
  handle.valid = node && node->stat.czxid == handle.instance;
  handle.counted = handle.valid && state::lives_while_open(node->kind);
  const wire::Code code = handle.valid ? wire::OK : wire::HANDLE_INVALID;
  if (master_.handles().count(id) >= master_.settings().limits.handles_max) return wire::BUSY;
  const std::string path = handle.path;
  const state::LockHolder holder{id, handle.number};
  master_.handles().add(id, std::move(handle));
  master_.reach(FailOverStep::handles);
  const state::Lock* const lock = master_.state().lock(path);
  if (lock != nullptr && lock->place_of(holder) != nullptr) master_.tell_holders_of_waiters(path);
  return code;
}

// --- reads

void Calls::get_contents(const AskedPtr& asked) {
  const Handle* const handle = handle_read(*asked, asked->call.get_contents().handle());
  if (handle == nullptr) return;
  const auto node = node_of(*asked, *handle);
  if (!node) return;
  if (!is_file(node->kind)) return answer(*asked, wire::NOT_A_FILE);
  wire::Reply reply = reply_to(*asked);
  reply.mutable_contents()->set_contents(std::string(node->data));
  *reply.mutable_contents()->mutable_stat() = *stat_of(handle->path);
  reply.set_cacheable(master_.let_cache(asked->session, handle->path, node->kind));
  answer(*asked, std::move(reply));
}

void Calls::get_stat(const AskedPtr& asked) {
  const Handle* const handle = handle_read(*asked, asked->call.get_stat().handle());
  if (handle == nullptr) return;
  const auto node = node_of(*asked, *handle);
  if (!node) return;
  wire::Reply reply = reply_to(*asked);
  *reply.mutable_stat() = *stat_of(handle->path);
  reply.set_cacheable(master_.let_cache(asked->session, handle->path, node->kind));
  answer(*asked, std::move(reply));
}

void Calls::read_directory(const AskedPtr& asked) {
  const Handle* const handle = handle_read(*asked, asked->call.read_directory().handle());
  if (handle == nullptr) return;
  const auto node = node_of(*asked, *handle);
  if (!node) return;
  if (!is_directory(node->kind)) return answer(*asked, wire::NOT_A_DIRECTORY);
  wire::Reply reply = reply_to(*asked);
  wire::Directory& directory = *reply.mutable_directory();
  const std::string prefix = handle->path == state::kRootPath ? std::string(state::kRootPath) : handle->path + '/';
  const auto children = master_.state().children(handle->path, identities(asked->session));
  for (const std::string_view name : *children) {
    wire::Directory::Entry& entry = *directory.add_entries();
    entry.set_name(std::string(name));
    *entry.mutable_stat() = *stat_of(prefix + std::string(name));
  }
  if (reply.ByteSizeLong() > wire::kServerFrameBytesMax / 2)
    return answer(*asked, wire::TOO_LARGE, "too many children");
  answer(*asked, std::move(reply));
}

void Calls::check_sequencer(const AskedPtr& asked) {
  const auto sequencer = Sequencer::parse(asked->call.check_sequencer().sequencer());
  wire::Reply reply = reply_to(*asked);
  const state::Lock* const lock = sequencer ? master_.state().lock(sequencer->path) : nullptr;
  const bool valid =
      lock != nullptr && lock->confirms(sequencer->exclusive ? state::LockMode::exclusive : state::LockMode::shared,
                                        Zxid(sequencer->generation));
  reply.mutable_sequencer()->set_valid(valid);
  answer(*asked, std::move(reply));
}

void Calls::list_locks(const AskedPtr& asked) {
  wire::Reply reply = reply_to(*asked);
  for (const auto& [path, lock] : master_.state().locks()) {
    const auto* const waiting = master_.lock_queue().waiting(path);
    if (lock.places().empty() && waiting == nullptr) continue;
    wire::Locks::Lock& entry = *reply.mutable_locks()->add_locks();
    entry.set_path(path);
    entry.set_generation(lock.generation().value);
    const auto put = [](wire::Locks::Lock::Place& place, state::LockHolder holder, state::LockMode mode, bool lost) {
      place.set_session(holder.session.value);
      place.set_handle(holder.handle);
      place.set_shared(mode == state::LockMode::shared);
      place.set_lost(lost);
    };
    for (const state::LockPlace& place : lock.places()) {
      put(*entry.add_holders(), place.holder, place.mode, place.lost);
    }
    if (waiting == nullptr) continue;
    for (const Waiter& waiter : *waiting) put(*entry.add_waiters(), waiter.holder, waiter.mode, false);
  }
  answer(*asked, std::move(reply));
}

void Calls::list_sessions(const AskedPtr& asked) {
  wire::Reply reply = reply_to(*asked);
  for (const auto& [id, session] : master_.sessions()) {
    wire::Sessions::Session& entry = *reply.mutable_sessions()->add_sessions();
    entry.set_id(id.value);
    if (session.link != nullptr) entry.set_client(session.link->peer());
    entry.set_handles(master_.handles().count(id));
    entry.set_cached(master_.cache().cached_by(id));
    entry.set_acknowledged(session.notices.empty());
  }
  answer(*asked, std::move(reply));
}

}  // namespace conclave::frontend::chubby
