// The calls that change something: each proposes at most one request, under its own number (RP-02).
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
  master_.gateway().submit(
      std::move(request), [this, alive = alive_, asked, done = std::move(done)](const replica::Reply& reply) mutable {
        if (!*alive) return;
        if (reply.outcome.code != state::Code::call_done) return done(reply.outcome);
        CONCLAVE_PROBE("chubby.call-done-before");
        const state::CallReply* const kept = master_.state().call_reply(asked->session, asked->call.number());
        if (kept == nullptr) return answer(*asked, wire::BAD_ARGUMENT, "the call was answered and acknowledged before");
        done(state::Outcome(kept->outcome));
      });
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
    if (outcome.code == state::Code::node_exists && asked->call.open().creation() == wire::Open::IF_MISSING) {
      return confirmed(asked, &Calls::open);  // somebody else was faster
    }
    answer(*asked, to_wire(outcome.code));
  });
}

void Calls::set_contents(const AskedPtr& asked) {
  const wire::SetContents& set = asked->call.set_contents();
  if (set.contents().size() > wire::kFileBytesMax) return answer(*asked, wire::TOO_LARGE);
  const Handle* const handle = handle_of(*asked, set.handle(), wire::MODE_WRITE);
  if (handle == nullptr) return;
  const auto node = master_.state().get(handle->path, {{"super", ""}});
  if (node && !is_file(node->kind)) return answer(*asked, wire::NOT_A_FILE);
  state::Guard guard = guard_of(*handle);
  guard.content = Zxid(set.generation());
  propose(asked, state::SetDataRequest{.path = handle->path, .data = set.contents()}, std::move(guard),
          [this, asked, path = handle->path](const state::Outcome& outcome) {
            if (outcome.code != state::Code::ok) return answer(*asked, to_wire(outcome.code));
            wire::Reply reply = reply_to(*asked);
            // As it was after this change; another one may have come since.
            const state::NodeView changed{.data = asked->call.set_contents().contents(),
                                          .stat = outcome.ops.front().stat,
                                          .kind = state::NodeKind::file};
            const auto acl = master_.state().acl(path, {{"super", ""}});
            *reply.mutable_stat() = to_wire(changed, master_.state().lock(path), acl ? *acl : state::Acl());
            answer(*asked, std::move(reply));
          });
}

void Calls::set_acl(const AskedPtr& asked) {
  const wire::SetAcl& set = asked->call.set_acl();
  const Handle* const handle = handle_of(*asked, set.handle(), wire::MODE_CHANGE_ACL);
  if (handle == nullptr) return;
  propose(
      asked,
      state::SetAclRequest{.path = handle->path,
                           .acl = to_acl(set.acl()),
                           .version = set.conditional() ? static_cast<int32_t>(set.generation()) : state::kAnyVersion},
      guard_of(*handle), [this, asked, path = handle->path](const state::Outcome& outcome) {
        if (outcome.code != state::Code::ok) return answer(*asked, to_wire(outcome.code));
        wire::Reply reply = reply_to(*asked);
        if (auto stat = stat_of(path)) *reply.mutable_stat() = *std::move(stat);
        answer(*asked, std::move(reply));
      });
}

void Calls::remove(const AskedPtr& asked) {
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
  if (!master_.lock_queue().may_try(handle->path, holder, mode)) return answer(*asked, wire::LOCK_HELD);
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

void Calls::acquired(const Asked& asked, const std::string& path) {
  const state::LockHolder holder{asked.session, asked.call.acquire().handle()};
  if (const uint64_t waited = master_.lock_queue().leave(path, holder); waited != 0) {
    wire::Reply reply;
    reply.set_number(waited);
    master_.reply(asked.session, std::move(reply));
  }
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
}

void Calls::await_lock(const AskedPtr& asked) {
  const wire::AwaitLock& await = asked->call.await_lock();
  const Handle* const handle = handle_of(*asked, await.handle(), wire::MODE_WRITE);
  if (handle == nullptr) return;
  const std::string path = handle->path;
  const state::LockHolder holder{asked->session, handle->number};
  const state::LockMode mode = await.shared() ? state::LockMode::shared : state::LockMode::exclusive;
  if (const uint64_t before = master_.lock_queue().wait(path, holder, mode, asked->call.number()); before != 0) {
    wire::Reply reply;
    reply.set_number(before);
    reply.set_code(wire::CANCELLED);
    master_.reply(asked->session, std::move(reply));
  }
  master_.offer(path);
  master_.tell_holders_of_conflict(path, asked->session, holder.handle);
}

void Calls::release(const AskedPtr& asked) {
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
  if (!master_.lock_queue().cancel(id, number)) return;  // of another kind: it is answered as usual
  wire::Reply reply;
  reply.set_number(number);
  reply.set_code(wire::CANCELLED);
  master_.reply(id, std::move(reply));
}

// --- handles and sessions

void Calls::close(const AskedPtr& asked) {
  const uint64_t number = asked->call.close().handle();
  Session& session = *master_.session(asked->session);
  const auto handle = master_.handles().remove(asked->session, number);
  if (!handle || handle->epoch != master_.epoch()) session.closed.insert(number);
  if (!handle) return answer(*asked, wire::OK);
  const state::LockHolder holder{asked->session, number};
  if (const uint64_t waited = master_.lock_queue().leave(handle->path, holder); waited != 0) {
    wire::Reply reply;
    reply.set_number(waited);
    reply.set_code(wire::CANCELLED);
    master_.reply(asked->session, std::move(reply));
  }
  master_.offer(handle->path);
  const state::Lock* const lock = master_.state().lock(handle->path);
  const bool holds = lock != nullptr && lock->place_of(holder) != nullptr;
  if (!handle->valid || (!holds && handle->acquiring == 0)) return closed(*asked, *handle);
  propose(asked, state::ReleaseLockRequest{.path = handle->path, .instance = handle->instance, .handle = number},
          std::nullopt, [this, asked, handle = *handle](const state::Outcome&) { closed(*asked, handle); });
}

void Calls::closed(const Asked& asked, const Handle& handle) {
  if (handle.counted) master_.review_open(handle.path, handle.instance);
  answer(asked, wire::OK);
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
