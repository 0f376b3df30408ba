#include "frontend/chubby/master.h"

#include <algorithm>

#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"
#include "frontend/chubby/calls.h"
#include "frontend/chubby/translate.h"
#include "state/tree/path.h"

namespace conclave::frontend::chubby {
namespace {

constexpr std::string_view kAclDirectory = "/acl";

// The node that a fact changes; empty: none that anybody could have cached.
std::string_view changed_name(const state::FactBody& fact) {
  if (const auto* create = std::get_if<state::CreateTxn>(&fact)) return create->path;
  if (const auto* remove = std::get_if<state::DeleteTxn>(&fact)) return remove->path;
  if (const auto* set_data = std::get_if<state::SetDataTxn>(&fact)) return set_data->path;
  if (const auto* set_acl = std::get_if<state::SetAclTxn>(&fact)) return set_acl->path;
  if (const auto* acquire = std::get_if<state::AcquireLockTxn>(&fact)) return acquire->path;
  return {};
}

// The name of the list of principals that the file is, if it is one.
std::optional<std::string_view> acl_file(std::string_view path) {
  if (path == kAclDirectory || !state::within(path, kAclDirectory)) return std::nullopt;
  return path.substr(kAclDirectory.size() + 1);
}

}  // namespace

Master::Master(const env::Clock& clock, env::Executor& executor, replica::Gateway& gateway, const Settings& settings,
               Unsettled& unsettled, std::shared_ptr<bool> front_end, Epoch epoch)
    : clock_(clock),
      executor_(executor),
      gateway_(gateway),
      settings_(settings),
      unsettled_(unsettled),
      front_end_(std::move(front_end)),
      epoch_(epoch),
      calls_(std::make_unique<Calls>(*this)),
      barrier_(clock, executor, gateway) {
  steps_.reach(FailOverStep::new_epoch);
}

Master::~Master() {
  *alive_ = false;
}

Session* Master::session(SessionId id) {
  const auto found = sessions_.find(id);
  return found == sessions_.end() ? nullptr : &found->second;
}

// --- a mastership begins (CH-77)

void Master::become_ready() {
  ready_ = true;
  steps_.reach(FailOverStep::sessions);
  for (const state::SessionView& known : state().sessions()) {
    if (!known.caching) continue;
    Session& session = sessions_[known.id];
    session.id = known.id;
    session.lease = Duration::millis(known.timeout_ms);
    session.fail_over_pending = true;
    session.notices.fail_over();
    ++fail_overs_pending_;
  }
  next_review_ = clock_.now() + settings_.unopened_grace;
  log::info("chubby", "master of the lock service", {{"epoch", to_string(epoch_)}, {"sessions", sessions_.size()}});
  if (fail_overs_pending_ == 0 || CONCLAVE_PLANT(fail_over_not_waited_for)) fail_over_done();
}

void Master::fail_over_done() {
  open_ = true;
  steps_.reach(FailOverStep::open);
  if (!sessions_.empty()) log::info("chubby", "every session knows of the fail-over", {{"sessions", sessions_.size()}});
  cache_.open();
  release_ready();
}

// --- sessions

void Master::attach(SessionId id, ClientLink* link, state::Identities identities) {
  Session& session = sessions_[id];
  session.id = id;
  session.lease = Duration::millis(state().session(id)->timeout_ms);
  session.link = link;
  session.identities = std::move(identities);
  session.told = session.notices.acknowledged();
  steps_.reach(FailOverStep::keep_alives);
  session.leased = false;
}

void Master::detach(SessionId id, const ClientLink* link) {
  Session* const found = session(id);
  if (found == nullptr || found->link != link) return;
  found->link = nullptr;
  if (found->keep_alive) due_.erase({found->keep_alive->arrived + found->hold(), id});
  found->keep_alive.reset();
}

void Master::end_session(SessionId id) {
  const auto found = sessions_.find(id);
  if (found == sessions_.end()) return;
  Session session = std::move(found->second);
  if (session.keep_alive) due_.erase({session.keep_alive->arrived + session.hold(), id});
  sessions_.erase(found);
  for (const Handle& handle : handles_.remove_all(id)) {
    lock_queue_.leave(handle.path, {id, handle.number});
    offer(handle.path);
    if (handle.counted) review_open(handle.path, handle.instance);
  }
  cache_.session_ended(id);
  if (session.fail_over_pending && --fail_overs_pending_ == 0) fail_over_done();
  release_ready();
  if (session.link == nullptr) return;
  wire::ServerMessage message;
  if (session.ending != 0) {
    message.mutable_reply()->set_number(session.ending);
  } else {
    message.mutable_session_over()->set_reason("the session has expired");
  }
  session.link->send(message);
  session.link->finish();
}

// --- leases

void Master::on_keep_alive(SessionId id, const wire::KeepAlive& keep_alive) {
  Session& session = sessions_.at(id);
  if (keep_alive.epoch() != epoch_.value) {
    wire::ServerMessage message;
    message.mutable_keep_alive()->set_number(keep_alive.number());
    message.mutable_keep_alive()->set_epoch(epoch_.value);
    session.link->send(message);
    return;
  }
  if (keep_alive.acknowledged() < session.told || keep_alive.acknowledged() > session.notices.last()) {
    session.link->fail("a KeepAlive does not acknowledge what was told");
    return;
  }
  if (session.keep_alive) {
    session.link->fail("two KeepAlives at once");
    return;
  }
  for (const std::string& name : session.notices.acknowledge(keep_alive.acknowledged())) {
    cache_.acknowledged(id, name);
  }
  if (session.fail_over_pending && session.notices.acknowledged() > 0) {
    session.fail_over_pending = false;
    if (--fail_overs_pending_ == 0) {
      fail_over_done();
    } else {
      steps_.reach(FailOverStep::waiting);
    }
  }
  release_ready();
  const Instant now = clock_.now();
  session.keep_alive = {.number = keep_alive.number(), .arrived = now};
  // The first one of a connection is not held: its client may be in jeopardy.
  if (!session.notices.empty() || !session.leased) {
    answer(session);
  } else {
    due_.insert({now + session.hold(), id});
  }
}

void Master::notify(Session& session) {
  if (session.keep_alive && !session.keep_alive->being_answered) answer(session);
}

void Master::answer(Session& session) {
  session.keep_alive->being_answered = true;
  due_.erase({session.keep_alive->arrived + session.hold(), session.id});
  barrier_.after([this, id = session.id, number = session.keep_alive->number, link = session.link](Instant asked) {
    Session* const found = this->session(id);
    if (found == nullptr || found->link != link || !found->keep_alive || found->keep_alive->number != number) return;
    grant(*found, asked);
  });
}

void Master::grant(Session& session, Instant asked) {
  wire::ServerMessage message;
  wire::KeepAliveReply& reply = *message.mutable_keep_alive();
  reply.set_number(session.keep_alive->number);
  reply.set_epoch(epoch_.value);
  reply.set_held_us(static_cast<uint64_t>((asked - session.keep_alive->arrived).us));
  reply.set_lease_us(static_cast<uint64_t>(session.lease.us));
  for (const wire::Notice& notice : session.notices.waiting()) *reply.add_notices() = notice;
  if (session.fail_over_pending) steps_.reach(FailOverStep::telling);
  session.told = session.notices.last();
  session.leased = true;
  session.keep_alive.reset();
  gateway_.touch(session.id);
  session.link->send(message);
}

void Master::on_lease_request(SessionId id, uint64_t number, AnswerLease answer) {
  Session* const asking = session(id);
  if (asking == nullptr || number <= asking->lease_requests) return;
  asking->lease_requests = number;
  barrier_.after([this, id, number, arrived = clock_.now(), answer = std::move(answer)](Instant asked) mutable {
    const Session* const found = session(id);
    if (found == nullptr) return;
    wire::LeaseAnswer out;
    out.set_session(id.value);
    out.set_epoch(epoch_.value);
    out.set_number(number);
    if (found->notices.empty()) {
      out.set_held_us(static_cast<uint64_t>((asked - arrived).us));
      out.set_lease_us(static_cast<uint64_t>(found->lease.us));
      gateway_.touch(id);
    } else {
      CONCLAVE_PROBE("chubby.no-lease-in-a-datagram");
    }
    answer(out);
  });
}

// --- calls

void Master::on_call(SessionId id, wire::Call call) {
  calls_->take(sessions_.at(id), std::move(call));
}

void Master::on_cancel(SessionId id, uint64_t number) {
  calls_->cancel(id, number);
}

void Master::reply(SessionId id, wire::Reply reply) {
  Session* const found = session(id);
  if (found == nullptr || found->calls.erase(reply.number()) == 0 || found->link == nullptr) return;
  wire::ServerMessage message;
  *message.mutable_reply() = std::move(reply);
  found->link->send(message);
}

void Master::reply(SessionId id, uint64_t call, wire::Code code) {
  wire::Reply answer;
  answer.set_number(call);
  answer.set_code(code);
  reply(id, std::move(answer));
}

// --- the cache

bool Master::is_ours(std::string_view path) const {
  const auto node = state().get(path, state::super_identities());
  return node && is_chubby(node->kind);
}

// A list of principals that is about to change: whoever may read by it now may not be told later.
bool Master::is_list_closed(std::string_view path) const {
  if (cache_.closed() == 0) return false;
  const auto acl = state().acl(path, state::super_identities());
  return acl && std::ranges::any_of(*acl, [&](const state::AclEntry& entry) {
           return entry.scheme == "aclfile" && !cache_.may_cache(std::string(kAclDirectory) + '/' + entry.id);
         });
}

bool Master::let_cache(SessionId id, std::string_view path, state::NodeKind kind) {
  if (!is_chubby(kind) || !cache_.may_cache(path) || is_list_closed(path)) return false;
  if (cache_.cached_by(id) >= settings_.limits.cached_max) return false;
  cache_.cached(path, id);
  return true;
}

bool Master::let_cache_absence(SessionId id, std::string_view path) {
  const auto parent = state().get(state::parent_path(path), state::super_identities());
  return parent && let_cache(id, path, parent->kind);
}

// While it is not known what clients of the former master have cached.
bool Master::concerns_cachers(const state::FactBody& fact) const {
  const std::string_view name = changed_name(fact);
  if (name.empty()) return false;
  if (acl_file(name)) return true;
  return is_ours(std::holds_alternative<state::CreateTxn>(fact) ? state::parent_path(name) : name);
}

void Master::add_names(const state::FactBody& fact, std::vector<std::string_view>* names) const {
  const std::string_view name = changed_name(fact);
  if (name.empty()) return;
  names->push_back(name);
  // Whoever may read a node by this list may have it cached, and may have no right to it any more (AP-04).
  const auto list = acl_file(name);
  if (!list) return;
  cache_.for_each_cached([&](const std::string& cached) {
    const auto acl = state().acl(cached, state::super_identities());
    const bool governed = acl && std::ranges::any_of(*acl, [&](const state::AclEntry& entry) {
                            return entry.scheme == "aclfile" && entry.id == *list;
                          });
    if (governed && cached != name) names->push_back(cached);
  });
}

bool Master::admit(const state::Transaction& txn, uint64_t ticket) {
  if (open_ && sessions_.empty()) {
    cache_.passed(txn.zxid);  // one that is being opened may read before this is applied
    return true;
  }
  std::vector<std::string_view> names;
  for (const state::FactBody& fact : txn.facts) {
    if (open_ || concerns_cachers(fact)) add_names(fact, &names);
  }
  if (names.empty()) {
    if (!open_) cache_.passed(txn.zxid);
    return true;
  }
  if (open_ && (cache_.admit(names, txn.zxid) || CONCLAVE_PLANT(caches_not_waited_for))) return true;
  CONCLAVE_PROBE("chubby.change-waits-for-caches");
  for (CacheTable::Invalidation& invalidation : cache_.hold(names, ticket)) {
    Session& session = sessions_.at(invalidation.session);
    session.notices.invalidate(std::move(invalidation.path));
    notify(session);
  }
  if (!open_) {
    CONCLAVE_PROBE("chubby.change-waits-for-fail-over");
    cache_.hold_until_open(ticket);
  }
  return false;
}

void Master::release_ready() {
  if (release_posted_) return;
  release_posted_ = true;
  executor_.post([this, alive = alive_] {
    if (!*alive) return;
    release_posted_ = false;
    for (const CacheTable::Ticket ticket : cache_.take_ready()) {
      gateway_.release(ticket);
      if (!*alive) return;
      cache_.forget(ticket);
    }
  });
}

// --- what happens

void Master::on_applied(const state::Applied& applied) {
  if (!ready_ && applied.zxid.epoch() == epoch_) become_ready();
  if (!ready_) return;
  cache_.applied(applied.zxid);
  for (const state::NodeEvent& event : applied.events) {
    const std::string_view name = state::name_of(event.path);
    const std::string_view parent = state::parent_path(event.path);
    switch (event.kind) {
      case state::NodeEventKind::created:
        tell(parent, wire::EVENT_CHILD_CHANGED, wire::Event::CHILD_ADDED, name);
        break;
      case state::NodeEventKind::deleted:
        for (const Waiter& waiter : lock_queue_.leave_all(event.path)) {
          reply(waiter.holder.session, waiter.call, wire::HANDLE_INVALID);
        }
        tell(event.path, wire::EVENT_NONE, wire::Event::HANDLE_INVALID);
        handles_.for_each_on(event.path, [](SessionId, Handle& handle) { handle.valid = false; });
        tell(parent, wire::EVENT_CHILD_CHANGED, wire::Event::CHILD_REMOVED, name);
        if (const auto above = state().get(parent, state::super_identities());
            above && state::lives_while_open(above->kind)) {
          review_open(std::string(parent), above->stat.czxid);
        }
        break;
      case state::NodeEventKind::data_changed:
        tell(event.path, wire::EVENT_CONTENT_CHANGED, wire::Event::CONTENT_CHANGED);
        tell(parent, wire::EVENT_CHILD_CHANGED, wire::Event::CHILD_CHANGED, name);
        break;
      case state::NodeEventKind::children_changed:
        break;  // told by the child
    }
  }
  for (const std::string& path : applied.acquired_locks) {
    tell(path, wire::EVENT_LOCK_ACQUIRED, wire::Event::LOCK_ACQUIRED);
    release_if_closed(applied.session, path);
  }
  for (const std::string& path : applied.released_locks) offer(path);
  for (const state::LockClaim& lost : applied.lost_locks) offer(lost.path);
  for (const SessionId id : applied.closed_sessions) end_session(id);
}

// What was proposed under a former mastership of this replica may be decided behind the Close of its handle, which did
// not see it: nobody would let go of the lock.
void Master::release_if_closed(SessionId id, const std::string& path) {
  const Session* const holder = session(id);
  const state::Lock* const lock = state().lock(path);
  if (holder == nullptr || lock == nullptr) return;
  for (const state::LockPlace& place : lock->places()) {
    if (place.holder.session != id || place.lost || !holder->closed.contains(place.holder.handle)) continue;
    CONCLAVE_PROBE("chubby.lock-of-a-closed-handle");
    gateway_.submit({.session = id,
                     .identities = state::super_identities(),
                     .body = state::ReleaseLockRequest{.path = path, .instance = Zxid(), .handle = place.holder.handle},
                     .guard = std::nullopt,
                     .call = {}},
                    [](const replica::Reply&) {});
  }
}

void Master::tell(std::string_view path, wire::EventBits wanted, wire::Event::Kind kind, std::string_view child) {
  const auto bits = static_cast<uint32_t>(wanted);
  handles_.for_each_on(path, [&](SessionId id, Handle& handle) {
    if (!handle.valid || (handle.events & bits) != bits) return;
    Session* const told = session(id);
    if (told == nullptr) return;
    wire::Event event;
    event.set_handle(handle.number);
    event.set_kind(kind);
    event.set_child(std::string(child));
    told->notices.event(event, settings_.limits.notices_max);
    notify(*told);
  });
}

void Master::tell_holders_of_conflict(std::string_view path, SessionId asking, uint64_t asking_handle) {
  const state::Lock* const lock = state().lock(path);
  if (lock == nullptr) return;
  for (const state::LockPlace& place : lock->places()) {
    if (place.lost || (place.holder.session == asking && place.holder.handle == asking_handle)) continue;
    const Handle* const handle = handles_.find(place.holder.session, place.holder.handle);
    Session* const holder = session(place.holder.session);
    if (handle == nullptr || holder == nullptr || (handle->events & wire::EVENT_LOCK_CONFLICT) == 0) continue;
    wire::Event event;
    event.set_handle(handle->number);
    event.set_kind(wire::Event::LOCK_CONFLICT);
    holder->notices.event(event, settings_.limits.notices_max);
    notify(*holder);
  }
}

void Master::tell_holders_of_waiters(std::string_view path) {
  const auto* const waiting = lock_queue_.waiting(path);
  const auto waits = [](const Waiter& waiter) { return !waiter.offered(); };
  if (waiting != nullptr && std::ranges::any_of(*waiting, waits)) tell_holders_of_conflict(path, SessionId(), 0);
}

void Master::offer(std::string_view path) {
  const auto free_for = [&](const Waiter& waiter) {
    const state::Lock* const lock = state().lock(path);
    if (lock == nullptr) return true;
    const state::LockVerdict verdict = lock->may_acquire(waiter.holder, waiter.mode);
    return verdict == state::LockVerdict::granted || verdict == state::LockVerdict::held_already;
  };
  for (const Waiter& waiter : lock_queue_.offer(path, clock_.now() + settings_.offer, free_for)) {
    reply(waiter.holder.session, waiter.call, wire::OK);
  }
}

// --- nodes that live while open (CH-23)

void Master::review_open(const std::string& path, Zxid instance) {
  if (!reaps_ || handles_.is_open(path, instance) || reaping_.contains(path)) return;
  reaping_[path];
  gateway_.submit({.session = SessionId(),
                   .identities = state::super_identities(),
                   .body = state::ReapUnopenedRequest{.path = path, .instance = instance, .epoch = epoch_},
                   .guard = std::nullopt,
                   .call = {}},
                  [this, alive = alive_, path](const replica::Reply&) {
                    if (!*alive) return;
                    auto settled = reaping_.extract(path);
                    for (Task& then : settled.mapped()) executor_.post(std::move(then));
                  });
}

bool Master::is_being_reaped(const std::string& path, Task* later) {
  const auto found = reaping_.find(path);
  if (found == reaping_.end()) return false;
  found->second.push_back(std::move(*later));
  return true;
}

void Master::on_tick() {
  if (!ready_) return;
  const Instant now = clock_.now();
  while (!due_.empty() && due_.begin()->first <= now) answer(sessions_.at(due_.begin()->second));
  for (const std::string& path : lock_queue_.drop_late(now)) offer(path);
  if (now >= next_review_) {
    reaps_ = true;
    steps_.reach(FailOverStep::reaping);
    next_review_ = now + settings_.unopened_grace;  // again, for what could not be decided
    for (const auto& [path, instance] : state().nodes_that_live_while_open()) review_open(path, instance);
  }
}

MasterFigures Master::figures() const {
  MasterFigures figures{.sessions = sessions_.size(),
                        .handles = handles_.size(),
                        .cached_names = cache_.names(),
                        .closed_names = cache_.closed(),
                        .held_changes = cache_.held(),
                        .lock_waiters = lock_queue_.size(),
                        .fail_overs_pending = fail_overs_pending_,
                        .step = steps_.last()};
  for (const auto& [id, session] : sessions_) {
    if (session.link != nullptr) ++figures.connected;
    figures.notices += session.notices.size();
    figures.calls += session.calls.size();
  }
  return figures;
}

}  // namespace conclave::frontend::chubby
