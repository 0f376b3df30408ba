// Locks and sequencers (CH-50, CH-61).
#include "client/chubby/client.h"

namespace conclave::chubby {

struct Client::Acquisition {
  CallId id;
  HandleId handle;
  LockMode mode = LockMode::exclusive;
  bool waits = false;
  Completion<Acquired> done;
};

CallId Client::acquire(HandleId handle, LockMode mode, Completion<Acquired> done) {
  return begin_acquisition(handle, mode, true, std::move(done));
}

CallId Client::try_acquire(HandleId handle, LockMode mode, Completion<Acquired> done) {
  return begin_acquisition(handle, mode, false, std::move(done));
}

CallId Client::begin_acquisition(HandleId handle, LockMode mode, bool waits, Completion<Acquired> done) {
  auto acquisition = std::make_shared<Acquisition>(
      Acquisition{.id = begin(), .handle = handle, .mode = mode, .waits = waits, .done = std::move(done)});
  use(acquisition->id, handle, wire::MODE_WRITE,
      [this, acquisition](const Outcome<Use>& at) { acquire_now(acquisition, at); });
  return acquisition->id;
}

void Client::acquire_now(const std::shared_ptr<Acquisition>& acquisition, const Outcome<Use>& at) {
  if (!at) return complete<Acquired>(std::move(acquisition->done), std::unexpected(at.error()));
  Remote& remote = *at->remote;
  if (remote.lock && remote.lock->kept) {
    if (remote.lock->mode == acquisition->mode && session_.safe()) {
      ++figures_.lock_hits;
      remote.lock->kept = false;
      return complete<Acquired>(std::move(acquisition->done), remote.lock->acquired);
    }
    send_release(remote, nullptr);
  }
  Call call = call_on(*at);
  call.changes = true;
  call.waits = acquisition->waits;
  wire::Acquire& message = *call.message.mutable_acquire();
  message.set_handle(call.remote);
  message.set_shared(acquisition->mode == LockMode::shared);
  cache_.drop(call.path);  // its lock generation may change
  call.done = [this, acquisition, number = call.remote](const Answer& answer) {
    on_acquired(acquisition, number, answer);
  };
  call.undo = [this, number = call.remote](const wire::Reply& reply) {
    if (reply.code() == wire::OK) give_lock_back(number);
  };
  session_.submit(std::move(call));
}

void Client::on_acquired(const std::shared_ptr<Acquisition>& acquisition, uint64_t remote, const Answer& answer) {
  if (answer.error) {
    const CallCode code = answer.error->code;
    const bool held = code == CallCode::lock_held || code == CallCode::lock_delayed;
    if (held && acquisition->waits) return await_lock(acquisition);
    return complete<Acquired>(std::move(acquisition->done), std::unexpected(*answer.error));
  }
  const Acquired acquired{.sequencer = answer.reply->acquired().sequencer(),
                          .generation = answer.reply->acquired().generation()};
  Remote* const holder = handles_.remote(remote);
  if (holder != nullptr) holder->lock = {.mode = acquisition->mode, .acquired = acquired};
  complete<Acquired>(std::move(acquisition->done), acquired);
}

// The lock is held: wait until it is kept for us, then ask again, under a new number.
void Client::await_lock(const std::shared_ptr<Acquisition>& acquisition) {
  const Outcome<Use> at = look_up(acquisition->id, acquisition->handle, wire::MODE_WRITE);
  if (!at) return complete<Acquired>(std::move(acquisition->done), std::unexpected(at.error()));
  Call call = call_on(*at);
  call.waits = true;
  wire::AwaitLock& message = *call.message.mutable_await_lock();
  message.set_handle(call.remote);
  message.set_shared(acquisition->mode == LockMode::shared);
  call.done = [this, acquisition](const Answer& answer) {
    if (answer.error) return complete<Acquired>(std::move(acquisition->done), std::unexpected(*answer.error));
    acquire_now(acquisition, look_up(acquisition->id, acquisition->handle, wire::MODE_WRITE));
  };
  session_.submit(std::move(call));
}

// An acquisition succeeded after it had been given up: unless the handle has wanted the lock again since.
void Client::give_lock_back(uint64_t remote) {
  Remote* const found = handles_.remote(remote);
  if (found == nullptr || found->closing || found->lock || session_.calls().acquires(remote)) return;
  send_release(*found, nullptr);
}

CallId Client::release(HandleId handle, Completion<void> done) {
  const CallId id = begin();
  use(id, handle, wire::MODE_WRITE, [this, done = std::move(done)](const Outcome<Use>& at) mutable {
    if (!at) return complete<void>(std::move(done), std::unexpected(at.error()));
    Remote& remote = *at->remote;
    if (remote.lock && remote.lock->kept) return complete<void>(std::move(done), failed(CallCode::lock_not_held));
    if (remote.lock && options_.cache_locks && !remote.lock_wanted && session_.safe()) {
      remote.lock->kept = true;
      return complete<void>(std::move(done), {});
    }
    send_release(remote, std::move(done));
  });
  return id;
}

void Client::send_release(Remote& remote, Completion<void> done) {
  remote.lock.reset();
  remote.lock_wanted = false;
  remote.letting_go = true;  // if it fails only the Close of the handle ends it (seed 63 of the profile `locks`)
  Call call;
  call.remote = remote.number();
  call.changes = true;
  call.message.mutable_release()->set_handle(remote.number());
  ask(std::move(call), std::move(done), [this, number = remote.number()](const Answer&) {
    if (Remote* const released = handles_.remote(number)) released->letting_go = false;
    return Outcome<void>();
  });
}

Outcome<std::string> Client::get_sequencer(HandleId handle) const {
  const Handle* const found = handles_.find(handle);
  if (found == nullptr) return failed(CallCode::not_open);
  if (found->poisoned) return failed(CallCode::poisoned);
  if (found->remote == 0) return failed(CallCode::session_expired);
  const Remote* const remote = handles_.remote(found->remote);
  if (remote == nullptr || !remote->lock || remote->lock->kept) return failed(CallCode::lock_not_held);
  return remote->lock->acquired.sequencer;
}

void Client::set_sequencer(HandleId handle, std::string_view sequencer) {
  Handle* const found = handles_.find(handle);
  if (found != nullptr) found->sequencer = sequencer;
}

CallId Client::check_sequencer(std::string_view sequencer, Completion<bool> done) {
  Call call;
  call.id = begin();
  const CallId id = call.id;
  call.message.mutable_check_sequencer()->set_sequencer(std::string(sequencer));
  ask(std::move(call), std::move(done),
      [](const Answer& answer) -> Outcome<bool> { return answer.reply->sequencer().valid(); });
  return id;
}

}  // namespace conclave::chubby
