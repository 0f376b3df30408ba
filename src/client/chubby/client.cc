// Calls on handles, and what the session tells. Opening and closing are in client_open.cc, locks in client_locks.cc.
#include "client/chubby/client.h"

#include <fmt/format.h>

namespace conclave::chubby {

Client::Client(const env::Clock& clock, env::Executor& executor, env::Network& network, env::Entropy& entropy,
               Options options)
    : executor_(executor),
      options_(std::move(options)),
      handles_(options_.idle_handles_max),
      cache_(options_.cache_entries_max, options_.cache_bytes_max),
      root_(handles_.attach_root()),
      session_({.clock = clock, .executor = executor, .network = network, .entropy = entropy}, options_, *this,
               figures_) {}

Client::~Client() = default;

void Client::on_session(std::function<void(SessionEvent)> listener) {
  on_session_ = std::move(listener);
}

void Client::end(Duration patience, Task done) {
  session_.end(patience, [this, done = std::move(done)]() mutable { later(std::move(done)); });
}

bool Client::cancel(CallId call) {
  return session_.give_up([call](const Call& other) { return other.id == call; }, {.code = CallCode::cancelled}) != 0;
}

void Client::poison(HandleId handle) {
  Handle* const found = handles_.find(handle);
  if (found == nullptr || found->root) return;
  found->poisoned = true;
  session_.give_up([handle](const Call& call) { return call.handle == handle && !call.message.has_close(); },
                   {.code = CallCode::poisoned});
}

// --- calls on handles

Outcome<Client::Use> Client::look_up(CallId id, HandleId handle, uint32_t mode) {
  const Handle* const found = handles_.find(handle);
  if (found == nullptr) return failed(CallCode::not_open);
  if (found->poisoned) return failed(CallCode::poisoned);
  const bool expired = session_.state() == SessionState::expired;
  if (expired || (found->remote == 0 && !found->root)) return failed(CallCode::session_expired);
  if ((found->mode & mode) != mode) return failed(CallCode::wrong_mode);
  Use use{.id = id, .handle = handle, .remote = handles_.remote(found->remote)};
  if (use.remote != nullptr && use.remote->invalid) return failed(CallCode::handle_invalid);
  return use;
}

void Client::use(CallId id, HandleId handle, uint32_t mode, Body body) {
  const Outcome<Use> at = look_up(id, handle, mode);
  if (!at) return body(at);
  if (at->remote == nullptr) return open_root(id, handle, mode, std::move(body));
  const std::string& sequencer = handles_.find(handle)->sequencer;
  if (sequencer.empty()) return body(at);
  Call call;
  call.id = id;
  call.handle = handle;
  call.message.mutable_check_sequencer()->set_sequencer(sequencer);
  call.done = [this, id, handle, mode, body = std::move(body)](const Answer& answer) mutable {
    if (answer.error) return body(std::unexpected(*answer.error));
    if (!answer.reply->sequencer().valid()) return body(failed(CallCode::sequencer_invalid));
    body(look_up(id, handle, mode));
  };
  session_.submit(std::move(call));
}

Call Client::call_on(const Use& at) {
  Call call;
  call.id = at.id;
  call.handle = at.handle;
  call.remote = at.remote->number();
  call.path = at.remote->path();
  return call;
}

const NodeCache::Node* Client::cached(std::string_view path) {
  if (!session_.safe() || session_.calls().changes(path)) return nullptr;
  return cache_.find(path);
}

CallId Client::get_contents(HandleId handle, Completion<Contents> done) {
  const CallId id = begin();
  use(id, handle, wire::MODE_READ, [this, done = std::move(done)](const Outcome<Use>& at) mutable {
    if (!at) return complete<Contents>(std::move(done), std::unexpected(at.error()));
    const NodeCache::Node* const node = cached(at->remote->path());
    if (node != nullptr && node->contents && node->stat.instance == at->remote->handle.instance()) {
      ++figures_.cache_hits;
      return complete<Contents>(std::move(done), Contents{.contents = *node->contents, .stat = node->stat});
    }
    ++figures_.cache_misses;
    Call call = call_on(*at);
    call.message.mutable_get_contents()->set_handle(call.remote);
    ask(std::move(call), std::move(done), [this, path = at->remote->path()](const Answer& answer) -> Outcome<Contents> {
      const wire::Contents& contents = answer.reply->contents();
      Contents out{.contents = contents.contents(), .stat = stat_of(contents.stat())};
      if (answer.keep) cache_.keep_contents(path, out.stat, out.contents);
      return out;
    });
  });
  return id;
}

CallId Client::get_stat(HandleId handle, Completion<Stat> done) {
  const CallId id = begin();
  use(id, handle, wire::MODE_READ, [this, done = std::move(done)](const Outcome<Use>& at) mutable {
    if (!at) return complete<Stat>(std::move(done), std::unexpected(at.error()));
    const NodeCache::Node* const node = cached(at->remote->path());
    if (node != nullptr && !node->absent && node->stat.instance == at->remote->handle.instance()) {
      ++figures_.cache_hits;
      return complete<Stat>(std::move(done), node->stat);
    }
    ++figures_.cache_misses;
    Call call = call_on(*at);
    call.message.mutable_get_stat()->set_handle(call.remote);
    ask(std::move(call), std::move(done), [this, path = at->remote->path()](const Answer& answer) -> Outcome<Stat> {
      Stat stat = stat_of(answer.reply->stat());
      if (answer.keep) cache_.keep_stat(path, stat);
      return stat;
    });
  });
  return id;
}

CallId Client::read_directory(HandleId handle, Completion<Directory> done) {
  const CallId id = begin();
  use(id, handle, wire::MODE_READ, [this, done = std::move(done)](const Outcome<Use>& at) mutable {
    if (!at) return complete<Directory>(std::move(done), std::unexpected(at.error()));
    Call call = call_on(*at);
    call.message.mutable_read_directory()->set_handle(call.remote);
    ask(std::move(call), std::move(done),
        [](const Answer& answer) -> Outcome<Directory> { return directory_of(answer.reply->directory()); });
  });
  return id;
}

CallId Client::set_contents(HandleId handle, BytesView contents, std::optional<uint64_t> generation,
                            Completion<Stat> done) {
  const CallId id = begin();
  if (contents.size() > wire::kFileBytesMax) {  // CH-97; a larger frame would end the connection
    complete<Stat>(std::move(done), failed(CallCode::too_large, fmt::format("{} bytes", contents.size())));
    return id;
  }
  use(id, handle, wire::MODE_WRITE,
      [this, written = Bytes(contents), generation, done = std::move(done)](const Outcome<Use>& at) mutable {
        if (!at) return complete<Stat>(std::move(done), std::unexpected(at.error()));
        Call call = call_on(*at);
        call.changes = true;
        wire::SetContents& message = *call.message.mutable_set_contents();
        message.set_handle(call.remote);
        message.set_contents(written);
        message.set_generation(generation.value_or(0));
        cache_.drop(call.path);
        ask(std::move(call), std::move(done),
            [this, path = at->remote->path(), written = std::move(written)](const Answer& answer) -> Outcome<Stat> {
              Stat stat = stat_of(answer.reply->stat());
              if (answer.keep) cache_.keep_contents(path, stat, written);  // write-through (CH-55)
              return stat;
            });
      });
  return id;
}

CallId Client::set_acl(HandleId handle, const AclNames& acl, std::optional<uint64_t> generation,
                       Completion<Stat> done) {
  const CallId id = begin();
  use(id, handle, wire::MODE_CHANGE_ACL,
      [this, acl, generation, done = std::move(done)](const Outcome<Use>& at) mutable {
        if (!at) return complete<Stat>(std::move(done), std::unexpected(at.error()));
        Call call = call_on(*at);
        call.changes = true;
        wire::SetAcl& message = *call.message.mutable_set_acl();
        message.set_handle(call.remote);
        *message.mutable_acl() = names_of(acl);
        message.set_generation(generation.value_or(0));
        message.set_conditional(generation.has_value());
        cache_.drop(call.path);
        ask(std::move(call), std::move(done),
            [](const Answer& answer) -> Outcome<Stat> { return stat_of(answer.reply->stat()); });
      });
  return id;
}

CallId Client::remove(HandleId handle, Completion<void> done) {
  const CallId id = begin();
  use(id, handle, wire::MODE_WRITE, [this, done = std::move(done)](const Outcome<Use>& at) mutable {
    if (!at) return complete<void>(std::move(done), std::unexpected(at.error()));
    Call call = call_on(*at);
    call.changes = true;
    call.message.mutable_delete_()->set_handle(call.remote);
    cache_.drop(call.path);
    ask(std::move(call), std::move(done), [](const Answer&) { return Outcome<void>(); });
  });
  return id;
}

CallId Client::list_locks(Completion<std::vector<LockInfo>> done) {
  Call call;
  call.id = begin();
  const CallId id = call.id;
  call.message.mutable_list_locks();
  ask(std::move(call), std::move(done),
      [](const Answer& answer) -> Outcome<std::vector<LockInfo>> { return locks_of(answer.reply->locks()); });
  return id;
}

CallId Client::list_sessions(Completion<std::vector<SessionInfo>> done) {
  Call call;
  call.id = begin();
  const CallId id = call.id;
  call.message.mutable_list_sessions();
  ask(std::move(call), std::move(done),
      [](const Answer& answer) -> Outcome<std::vector<SessionInfo>> { return sessions_of(answer.reply->sessions()); });
  return id;
}

// --- the session tells

// Everything that calls back goes through here: C2.
void Client::later(Task task) {
  executor_.post([task = std::move(task), alive = std::weak_ptr(alive_)]() mutable {
    if (!alive.expired()) task();
  });
}

void Client::tell(SessionEvent event) {
  later([this, event] {
    const auto listener = on_session_;
    if (listener) listener(event);
  });
}

void Client::tell(HandleId handle, EventKind kind, const std::string& child) {
  later([this, event = Event{.handle = handle, .kind = kind, .child = child}] {
    const Handle* const found = handles_.find(event.handle);
    if (found == nullptr || !found->on_event) return;
    const EventFunction listener = found->on_event;  // the handle may be closed by it
    listener(event);
  });
}

void Client::on_jeopardy() {
  cache_.clear();
  tell(SessionEvent::jeopardy);
}

void Client::on_safe() {
  tell(SessionEvent::safe);
}

void Client::on_gone(SessionState state) {
  cache_.clear();
  handles_.session_gone();
  if (state == SessionState::expired) tell(SessionEvent::expired);
}

// Who waits for a lock may have told the former master alone, so no lock is kept over a change.
void Client::on_new_epoch() {
  cache_.clear();
  for (auto& [number, remote] : handles_.remotes()) {
    if (!remote.lock) continue;
    if (remote.lock->kept) {
      send_release(remote, nullptr);
    } else {
      remote.lock_wanted = true;
    }
  }
}

std::vector<wire::Handle> Client::handles_to_present() {
  std::vector<wire::Handle> out;
  for (const auto& [number, remote] : handles_.remotes()) {
    if (!remote.opened || remote.invalid || (remote.closing && !session_.calls().uses(number))) continue;
    out.push_back(remote.handle);
  }
  return out;
}

void Client::on_presented(uint64_t handle, wire::Code code) {
  Remote* const remote = handles_.remote(handle);
  if (remote != nullptr && code != wire::OK) lose_handle(*remote);
}

void Client::on_event(const wire::Event& event) {
  Remote* const remote = handles_.remote(event.handle());
  if (remote == nullptr) return;
  if (!remote->opened) {
    remote->early.push_back(event);
    return;
  }
  const EventKind kind = kind_of(event.kind());
  if (kind == EventKind::handle_invalid) return lose_handle(*remote);
  const uint32_t bit = bit_of(kind);
  for (const HandleId user : remote->users) {
    if ((handles_.find(user)->events & bit) != 0) tell(user, kind, event.child());
  }
  if (kind != EventKind::lock_conflict) return;
  if (remote->lock && remote->lock->kept) return send_release(*remote, nullptr);
  remote->lock_wanted = true;
}

void Client::on_fail_over() {
  cache_.clear();
  for (const auto& [id, handle] : handles_.handles()) {
    if (handle.remote != 0) tell(id, EventKind::fail_over, {});
  }
}

void Client::lose_handle(Remote& remote) {
  if (remote.invalid) return;
  remote.invalid = true;
  remote.lock.reset();
  cache_.drop(remote.path());
  for (const HandleId user : remote.users) tell(user, EventKind::handle_invalid, {});
  if (remote.users.empty() && !remote.closing) close_remote(remote, nullptr);
}

}  // namespace conclave::chubby
