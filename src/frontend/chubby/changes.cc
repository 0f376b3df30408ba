// The calls that change something: each proposes at most one request, under its own number (RP-02).
#include <algorithm>

#include "base/probe.h"
#include "frontend/chubby/calls.h"
#include "frontend/chubby/master.h"
#include "frontend/chubby/translate.h"
#include "state/tree/path.h"
#include "wire/chubby/sequencer.h"

namespace conclave::frontend::chubby {

void Calls::propose(const AskedPtr& asked, state::RequestBody body, std::optional<state::Guard> guard, Done done) {
  state::Request request{.session = asked->session,
                         .identities = identities(asked->session),
                         .body = std::move(body),
                         .guard = std::move(guard),
                         .call = {.number = asked->call.number(), .answered_below = asked->call.answered_below()}};
  Unsettled& unsettled = master_.unsettled();
  const Epoch epoch = master_.epoch();
  unsettled.began(asked->session, epoch);
  master_.gateway().submit(
      std::move(request), [this, alive = alive_, &unsettled, epoch, front_end = master_.front_end(), asked,
                           done = std::move(done)](const replica::Reply& reply) mutable {
        if (*front_end) unsettled.settled(asked->session, epoch);
        if (!*alive) return;
        if (reply.outcome.code != state::Code::call_done) return done(reply.outcome);
        CONCLAVE_PROBE("chubby.call-done-before");
        const state::CallReply* const kept = master_.state().call_reply(asked->session, asked->call.number());
        if (kept == nullptr) return answer(*asked, wire::BAD_ARGUMENT, "the call was answered and acknowledged before");
        done(state::Outcome(kept->outcome));
      });
}

const state::Outcome* Calls::done_before(const Asked& asked) const {
  const state::CallReply* const kept = master_.state().call_reply(asked.session, asked.call.number());
  return kept == nullptr ? nullptr : &kept->outcome;
}

// --- nodes

void Calls::create(const AskedPtr& asked) {
  const wire::Open& open = asked->call.open();
  state::CreateRequest create{.path = open.path(), .data = open.contents()};
  create.kind = open.directory() ? (open.ephemeral() ? state::NodeKind::open_directory : state::NodeKind::directory)
                                 : (open.ephemeral() ? state::NodeKind::open_file : state::NodeKind::file);
  if (open.has_acl()) {
    create.acl = to_acl(open.acl());
  } else {
    create.inherit_acl = true;
  }
  std::optional<state::Guard> guard;
  if (open.parent_instance() != 0) {
    guard = state::Guard{.path = std::string(state::parent_path(open.path())),
                         .instance = Zxid(open.parent_instance()),
                         .content = Zxid()};
  }
  propose(asked, std::move(create), std::move(guard), [this, asked](const state::Outcome& outcome) {
    if (outcome.code == state::Code::ok) return opened(*asked, outcome.ops.front().stat.czxid, /*created=*/true);
    open_instead(asked, outcome.code);
  });
}

// What is there can be opened, whatever keeps the client from making it.
void Calls::open_instead(const AskedPtr& asked, state::Code refused) {
  const wire::Open& open = asked->call.open();
  const wire::Code code = to_wire(refused);
  if (open.creation() == wire::Open::MUST || code == wire::HANDLE_INVALID || code == wire::UNAVAILABLE) {
    return answer(*asked, code);
  }
  const auto node = master_.state().get(open.path(), state::super_identities());
  if (!node && refused == state::Code::node_exists) return create(asked);  // it was there, and has gone
  if (!node) return answer(*asked, code);
  if (parent_is_gone(open)) return answer(*asked, wire::HANDLE_INVALID);
  if (waits_for_reaping(asked, *node, &Calls::create)) return;
  opened(*asked, node->stat.czxid, /*created=*/false);
}

void Calls::set_contents(const AskedPtr& asked) {
  const wire::SetContents& set = asked->call.set_contents();
  if (const state::Outcome* const before = done_before(*asked)) {
    const Handle* const handle = master_.handles().find(asked->session, set.handle());
    return contents_set(*asked, *before, handle == nullptr ? std::string() : handle->path);
  }
  if (set.contents().size() > wire::kFileBytesMax) return answer(*asked, wire::TOO_LARGE);
  const Handle* const handle = handle_of(*asked, set.handle(), wire::MODE_WRITE);
  if (handle == nullptr) return;
  const auto node = master_.state().get(handle->path, state::super_identities());
  if (node && !is_file(node->kind)) return answer(*asked, wire::NOT_A_FILE);
  state::Guard guard = guard_of(*handle);
  guard.content = Zxid(set.generation());
  propose(asked, state::SetDataRequest{.path = handle->path, .data = set.contents()}, std::move(guard),
          [this, asked, path = handle->path](const state::Outcome& outcome) {
            if (outcome.code != state::Code::ok) return answer(*asked, to_wire(outcome.code));
            contents_set(*asked, outcome, path);
          });
}

// The stat is as it was after this change; another one may have come since, and the node be gone.
void Calls::contents_set(const Asked& asked, const state::Outcome& outcome, const std::string& path) {
  const state::NodeView changed{
      .data = asked.call.set_contents().contents(), .stat = outcome.ops.front().stat, .kind = state::NodeKind::file};
  const auto now = master_.state().get(path, state::super_identities());
  const bool is_there = now && !path.empty() && now->stat.czxid == changed.stat.czxid;
  wire::Reply reply = reply_to(asked);
  *reply.mutable_stat() = to_wire(changed, is_there ? master_.state().lock(path) : nullptr,
                                  is_there ? *master_.state().acl(path, state::super_identities()) : state::Acl());
  answer(asked, std::move(reply));
}

void Calls::set_acl(const AskedPtr& asked) {
  const wire::SetAcl& set = asked->call.set_acl();
  if (done_before(*asked) != nullptr) return acl_set(*asked);
  const Handle* const handle = handle_of(*asked, set.handle(), wire::MODE_CHANGE_ACL);
  if (handle == nullptr) return;
  // The state's are of 32 bits, with one that stands for all.
  if (set.conditional() && set.generation() > INT32_MAX) return answer(*asked, wire::GENERATION_MISMATCH);
  propose(
      asked,
      state::SetAclRequest{.path = handle->path,
                           .acl = to_acl(set.acl()),
                           .version = set.conditional() ? static_cast<int32_t>(set.generation()) : state::kAnyVersion},
      guard_of(*handle), [this, asked](const state::Outcome& outcome) {
        if (outcome.code != state::Code::ok) return answer(*asked, to_wire(outcome.code));
        acl_set(*asked);
      });
}

void Calls::acl_set(const Asked& asked) {
  const Handle* const handle = master_.handles().find(asked.session, asked.call.set_acl().handle());
  wire::Reply reply = reply_to(asked);
  if (handle != nullptr && handle->valid) {
    if (auto stat = stat_of(handle->path)) *reply.mutable_stat() = *std::move(stat);
  }
  answer(asked, std::move(reply));
}

void Calls::remove(const AskedPtr& asked) {
  if (done_before(*asked) != nullptr) return answer(*asked, wire::OK);
  const Handle* const handle = handle_of(*asked, asked->call.delete_().handle(), wire::MODE_WRITE);
  if (handle == nullptr) return;
  propose(asked, state::DeleteRequest{.path = handle->path}, guard_of(*handle),
          [this, asked](const state::Outcome& outcome) { answer(*asked, to_wire(outcome.code)); });
}

// --- locks (CH-35 … CH-39, CH-50)

void Calls::acquire(const AskedPtr& asked) {
  const wire::Acquire& acquire = asked->call.acquire();
  Handle* const handle = handle_of(*asked, acquire.handle(), wire::MODE_WRITE);
  if (handle == nullptr) return;
  const state::LockHolder holder{asked->session, handle->number};
  const state::LockMode mode = acquire.shared() ? state::LockMode::shared : state::LockMode::exclusive;
  const state::Lock* const lock = master_.state().lock(handle->path);
  const bool holds = lock != nullptr && lock->place_of(holder) != nullptr;
  if (!holds && !master_.lock_queue().may_try(handle->path, holder, mode)) {
    return confirmed(asked, &Calls::turned_away);
  }
  ++handle->acquiring;
  propose(asked,
          state::AcquireLockRequest{.path = handle->path,
                                    .instance = handle->instance,
                                    .handle = handle->number,
                                    .exclusive = !acquire.shared(),
                                    .delay_ms = handle->lock_delay_ms},
          std::nullopt, [this, asked, holder, path = handle->path](const state::Outcome& outcome) {
            if (Handle* const still = master_.handles().find(holder.session, holder.handle)) --still->acquiring;
            if (outcome.code == state::Code::ok) return acquired(*asked, path);
            if (outcome.code == state::Code::lock_held) {
              master_.tell_holders_of_conflict(path, holder.session, holder.handle);
            }
            // A node that is gone, or another one of that name.
            const bool gone = outcome.code == state::Code::no_node;
            answer(*asked, gone ? wire::HANDLE_INVALID : to_wire(outcome.code));
          });
}

// It is somebody else's turn.
void Calls::turned_away(const AskedPtr& asked) {
  const uint64_t number = asked->call.acquire().handle();
  if (const Handle* const handle = master_.handles().find(asked->session, number)) {
    master_.tell_holders_of_conflict(handle->path, asked->session, number);
  }
  answer(*asked, wire::LOCK_HELD);
}

void Calls::acquired(const Asked& asked, const std::string& path) {
  const state::LockHolder holder{asked.session, asked.call.acquire().handle()};
  if (const uint64_t waited = master_.lock_queue().leave(path, holder); waited != 0)
    master_.reply(asked.session, waited, wire::OK);
  master_.offer(path);  // to readers behind a reader
  const state::Lock* const lock = master_.state().lock(path);
  const state::LockPlace* const place = lock == nullptr ? nullptr : lock->place_of(holder);
  if (place == nullptr || place->lost) return answer(asked, wire::LOCK_NOT_HELD);  // done before, and lost since
  const Sequencer sequencer{
      .path = path, .exclusive = place->mode == state::LockMode::exclusive, .generation = lock->generation().value};
  wire::Reply reply = reply_to(asked);
  reply.mutable_acquired()->set_sequencer(sequencer.text());
  reply.mutable_acquired()->set_generation(sequencer.generation);
  answer(asked, std::move(reply));
  master_.tell_holders_of_waiters(path);  // who asked the former one
}

void Calls::await_lock(const AskedPtr& asked) {
  const wire::AwaitLock& await = asked->call.await_lock();
  const Handle* const handle = handle_of(*asked, await.handle(), wire::MODE_WRITE);
  if (handle == nullptr) return;
  const std::string path = handle->path;
  const state::LockHolder holder{asked->session, handle->number};
  const state::LockMode mode = await.shared() ? state::LockMode::shared : state::LockMode::exclusive;
  if (const uint64_t before = master_.lock_queue().wait(path, holder, mode, asked->call.number()); before != 0) {
    master_.reply(asked->session, before, wire::CANCELLED);
  }
  master_.offer(path);
  master_.tell_holders_of_conflict(path, asked->session, holder.handle);
}

void Calls::release(const AskedPtr& asked) {
  if (done_before(*asked) != nullptr) return answer(*asked, wire::OK);
  const Handle* const handle = handle_of(*asked, asked->call.release().handle(), wire::MODE_WRITE);
  if (handle == nullptr) return;
  propose(asked,
          state::ReleaseLockRequest{.path = handle->path, .instance = handle->instance, .handle = handle->number},
          std::nullopt, [this, asked](const state::Outcome& outcome) {
            const bool gone = outcome.code == state::Code::no_node;
            answer(*asked, gone ? wire::HANDLE_INVALID : to_wire(outcome.code));
          });
}

void Calls::cancel(SessionId id, uint64_t number) {
  Session* const session = master_.session(id);
  if (session == nullptr || !session->calls.contains(number)) return;
  if (const auto deferred = deferred_.find(id); deferred != deferred_.end()) {
    const auto erased = std::erase_if(deferred->second, [number](const AskedPtr& asked) {
      return asked->call.number() == number && asked->call.has_await_lock();
    });
    if (erased > 0) return master_.reply(id, number, wire::CANCELLED);
  }
  if (!master_.lock_queue().cancel(id, number)) return;  // of another kind: it is answered as usual
  master_.reply(id, number, wire::CANCELLED);
}

// --- handles and sessions

void Calls::close(const AskedPtr& asked) {
  const uint64_t number = asked->call.close().handle();
  Session& session = *master_.session(asked->session);
  const auto handle = master_.handles().remove(asked->session, number);
  if (!handle || handle->epoch != master_.epoch()) {
    session.closed.insert(number);
    if (session.closed.size() > master_.settings().limits.handles_max) {
      return session.link->fail("it closes more handles than it may ever have had");
    }
  }
  if (!handle) {
    // Closed before, or not presented to this master. Its lock must not outlive it.
    for (const state::LockClaim& claim : master_.state().locks_held(asked->session)) {
      if (claim.holder.handle == number) return let_go(asked, claim.path, Zxid());
    }
    return answer(*asked, wire::OK);
  }
  const state::LockHolder holder{asked->session, number};
  if (const uint64_t waited = master_.lock_queue().leave(handle->path, holder); waited != 0)
    master_.reply(asked->session, waited, wire::CANCELLED);
  master_.offer(handle->path);
  const state::Lock* const lock = master_.state().lock(handle->path);
  const bool holds = lock != nullptr && lock->place_of(holder) != nullptr;
  if (handle->counted) master_.review_open(handle->path, handle->instance);
  if (!handle->valid || (!holds && handle->acquiring == 0)) return answer(*asked, wire::OK);
  let_go(asked, handle->path, handle->instance);
}

// Not numbered: a handle is closed once, so to let go of its lock twice does nothing, whatever came in between.
void Calls::let_go(const AskedPtr& asked, std::string path, Zxid instance) {
  state::Request request{.session = asked->session,
                         .identities = identities(asked->session),
                         .body =
                             state::ReleaseLockRequest{
                                 .path = std::move(path), .instance = instance, .handle = asked->call.close().handle()},
                         .guard = std::nullopt,
                         .call = {}};
  master_.gateway().submit(std::move(request), [this, alive = alive_, asked](const replica::Reply& reply) {
    if (!*alive) return;
    const bool is_free = reply.outcome.code == state::Code::ok || reply.outcome.code == state::Code::lock_not_held ||
                         reply.outcome.code == state::Code::no_node;
    answer(*asked, is_free ? wire::OK : wire::UNAVAILABLE);
  });
}

void Calls::end_session(const AskedPtr& asked) {
  master_.session(asked->session)->ending = asked->call.number();
  state::Request request{.session = asked->session,
                         .identities = identities(asked->session),
                         .body = state::CloseSessionRequest{},
                         .guard = std::nullopt,
                         .call = {}};
  master_.gateway().submit(std::move(request), [this, alive = alive_, asked](const replica::Reply& reply) {
    // Done: the session has gone, with its answer.
    if (*alive && reply.outcome.code != state::Code::ok) answer(*asked, to_wire(reply.outcome.code));
  });
}

}  // namespace conclave::frontend::chubby
