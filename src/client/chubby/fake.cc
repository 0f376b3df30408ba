// One session with a FakeCell.
#include "client/chubby/fake.h"

#include <algorithm>
#include <utility>

#include "base/checksum.h"
#include "client/chubby/names.h"
#include "wire/chubby/sequencer.h"

namespace conclave::chubby {

Fake::Fake(FakeCell& cell, env::Executor& executor) : cell_(cell), executor_(executor) {
  cell_.sessions_.insert(this);
  restart();
}

Fake::~Fake() {
  alive_.reset();
  expire();
  cell_.sessions_.erase(this);
}

// --- what happens to the session

void Fake::jeopardize() {
  if (state_ != SessionState::safe) return;
  state_ = SessionState::jeopardy;
  tell(SessionEvent::jeopardy);
}

void Fake::make_safe() {
  if (state_ != SessionState::jeopardy) return;
  state_ = SessionState::safe;
  tell(SessionEvent::safe);
  for (Blocked& blocked : std::exchange(blocked_, {})) blocked.call();
}

void Fake::expire() {
  if (state_ == SessionState::expired) return;
  state_ = SessionState::expired;
  tell(SessionEvent::expired);
  drop_waits([](const FakeCell::Waiter&) { return true; }, CallCode::session_expired);
  for (Blocked& blocked : std::exchange(blocked_, {})) blocked.fail({.code = CallCode::session_expired});
  for (auto& [id, handle] : handles_) handle.dead = true;
  for (auto& [id, handle] : handles_) let_go(handle.path, id);
}

void Fake::fail_over() {
  for (const auto& [id, handle] : handles_) {
    if (!handle.dead) tell(id, EventKind::fail_over, {});
  }
}

void Fake::restart() {
  if (!handles_.empty() && state_ != SessionState::expired) return;
  state_ = SessionState::safe;
  handles_[root()] = {
      .path = "/", .instance = cell_.find("/")->stat.instance, .mode = {}, .events = {}, .on_event = {}};
}

// --- calls

template <class T, class Body>
CallId Fake::run(Completion<T> done, Body call) {
  const CallId id(++last_call_);
  if (state_ == SessionState::expired) {
    complete<T>(std::move(done), failed(CallCode::session_expired));
    return id;
  }
  if (state_ == SessionState::safe) {
    complete<T>(std::move(done), call());
    return id;
  }
  auto shared = std::make_shared<Completion<T>>(std::move(done));
  blocked_.push_back(
      {.id = id,
       .call = [this, shared, call = std::move(call)]() mutable { complete<T>(std::move(*shared), call()); },
       .fail = [this, shared](CallError why) { complete<T>(std::move(*shared), std::unexpected(std::move(why))); }});
  return id;
}

Outcome<Fake::Node*> Fake::use(HandleId id, bool Mode::* right) {
  const auto at = handles_.find(id);
  if (at == handles_.end()) return failed(CallCode::not_open);
  const Handle& handle = at->second;
  if (handle.poisoned) return failed(CallCode::poisoned);
  if (handle.dead) return failed(CallCode::session_expired);
  if (right != nullptr && !(handle.mode.*right)) return failed(CallCode::wrong_mode);
  Node* const node = cell_.find(handle.path);
  if (node == nullptr || node->stat.instance != handle.instance) return failed(CallCode::handle_invalid);
  if (!handle.sequencer.empty() && !valid(handle.sequencer)) return failed(CallCode::sequencer_invalid);
  return node;
}

CallId Fake::open(std::string_view name, OpenOptions options, Completion<Opened> done) {
  return run<Opened>(std::move(done),
                     [this, parsed = parse_name(name), options = std::move(options)]() mutable -> Outcome<Opened> {
                       if (!parsed) return std::unexpected(parsed.error());
                       return open_now(parsed->path, options);
                     });
}

CallId Fake::open(HandleId parent, std::string_view name, OpenOptions options, Completion<Opened> done) {
  return run<Opened>(
      std::move(done),
      [this, parent, name = std::string(name), options = std::move(options)]() mutable -> Outcome<Opened> {
        const Outcome<Node*> node = use(parent, nullptr);
        if (!node) return std::unexpected(node.error());
        const Outcome<std::string> path = path_below(handles_[parent].path, name);
        if (!path) return std::unexpected(path.error());
        return open_now(*path, options);
      });
}

Outcome<Opened> Fake::open_now(const std::string& path, OpenOptions& options) {
  Node* node = cell_.find(path);
  const bool created = node == nullptr;
  if (created) {
    const Node* const parent = cell_.parent_of(path);
    if (options.creation == Creation::never || parent == nullptr) return failed(CallCode::no_node);
    if (!parent->stat.directory) return failed(CallCode::not_a_directory);
    node = &cell_.create(path, options);
  } else if (options.creation == Creation::must) {
    return failed(CallCode::node_exists);
  }
  const HandleId id(++last_handle_);
  handles_[id] = {.path = path,
                  .instance = node->stat.instance,
                  .mode = options.mode,
                  .events = options.events,
                  .on_event = std::move(options.on_event)};
  return Opened{.handle = id, .created = created, .stat = node->stat};
}

void Fake::close(HandleId id, Completion<void> done) {
  const auto at = handles_.find(id);
  if (at != handles_.end() && id != root()) {
    drop_waits([id](const FakeCell::Waiter& waiter) { return waiter.who.handle == id; }, CallCode::not_open);
    const Handle handle = std::move(handles_.extract(at).mapped());
    if (!handle.dead) let_go(handle.path, id);
  }
  complete<void>(std::move(done), {});
}

void Fake::poison(HandleId id) {
  const auto at = handles_.find(id);
  if (at == handles_.end() || id == root()) return;
  at->second.poisoned = true;
  drop_waits([id](const FakeCell::Waiter& waiter) { return waiter.who.handle == id; }, CallCode::poisoned);
}

CallId Fake::get_contents(HandleId handle, Completion<Contents> done) {
  return run<Contents>(std::move(done), [this, handle]() -> Outcome<Contents> {
    const Outcome<Node*> node = use(handle, &Mode::read);
    if (!node) return std::unexpected(node.error());
    if ((*node)->stat.directory) return failed(CallCode::not_a_file);
    return Contents{.contents = (*node)->contents, .stat = (*node)->stat};
  });
}

CallId Fake::get_stat(HandleId handle, Completion<Stat> done) {
  return run<Stat>(std::move(done), [this, handle]() -> Outcome<Stat> {
    const Outcome<Node*> node = use(handle, &Mode::read);
    if (!node) return std::unexpected(node.error());
    return (*node)->stat;
  });
}

CallId Fake::read_directory(HandleId handle, Completion<Directory> done) {
  return run<Directory>(std::move(done), [this, handle]() -> Outcome<Directory> {
    const Outcome<Node*> node = use(handle, &Mode::read);
    if (!node) return std::unexpected(node.error());
    if (!(*node)->stat.directory) return failed(CallCode::not_a_directory);
    const std::string path = handles_[handle].path;
    const std::string prefix = path == "/" ? path : path + "/";
    Directory out;
    for (auto at = cell_.nodes_.upper_bound(prefix); at != cell_.nodes_.end() && at->first.starts_with(prefix); ++at) {
      const std::string name = at->first.substr(prefix.size());
      if (!name.contains('/')) out.push_back({.name = name, .stat = at->second.stat});
    }
    return out;
  });
}

CallId Fake::set_contents(HandleId handle, BytesView contents, std::optional<uint64_t> generation,
                          Completion<Stat> done) {
  return run<Stat>(std::move(done), [this, handle, written = Bytes(contents), generation]() -> Outcome<Stat> {
    const Outcome<Node*> node = use(handle, &Mode::write);
    if (!node) return std::unexpected(node.error());
    Stat& stat = (*node)->stat;
    if (stat.directory) return failed(CallCode::not_a_file);
    if (generation && *generation != stat.content_generation) return failed(CallCode::generation_mismatch);
    (*node)->contents = written;
    stat.content_generation = ++cell_.clock_;
    stat.checksum = xxh3_64(written);
    stat.length = written.size();
    cell_.tell(handles_[handle].path, EventKind::contents_changed);
    cell_.tell_parent(handles_[handle].path, EventKind::child_changed);
    return stat;
  });
}

CallId Fake::set_acl(HandleId handle, const AclNames& acl, std::optional<uint64_t> generation, Completion<Stat> done) {
  return run<Stat>(std::move(done), [this, handle, acl, generation]() -> Outcome<Stat> {
    const Outcome<Node*> node = use(handle, &Mode::change_acl);
    if (!node) return std::unexpected(node.error());
    Stat& stat = (*node)->stat;
    if (generation && *generation != stat.acl_generation) return failed(CallCode::generation_mismatch);
    stat.acl = acl;
    ++stat.acl_generation;
    return stat;
  });
}

CallId Fake::remove(HandleId handle, Completion<void> done) {
  return run<void>(std::move(done), [this, handle]() -> Outcome<void> {
    const Outcome<Node*> node = use(handle, &Mode::write);
    if (!node) return std::unexpected(node.error());
    const std::string path = handles_[handle].path;
    if (cell_.has_children(path)) return failed(CallCode::not_empty);
    cell_.remove(path);
    return {};
  });
}

// --- locks

CallId Fake::acquire(HandleId handle, LockMode mode, Completion<Acquired> done) {
  return lock(handle, mode, true, std::move(done));
}

CallId Fake::try_acquire(HandleId handle, LockMode mode, Completion<Acquired> done) {
  return lock(handle, mode, false, std::move(done));
}

CallId Fake::lock(HandleId handle, LockMode mode, bool waits, Completion<Acquired> done) {
  // A call of its own decides, so that it blocks as the others do; the answer may come later.
  const CallId id(last_call_ + 1);
  auto shared = std::make_shared<Completion<Acquired>>(std::move(done));
  return run<void>(
      [this, shared](Outcome<void> ran) {
        if (!ran) complete<Acquired>(std::move(*shared), std::unexpected(ran.error()));
      },
      [this, id, handle, mode, waits, shared]() -> Outcome<void> {
        const Outcome<Node*> node = use(handle, &Mode::write);
        if (!node) return std::unexpected(node.error());
        const std::string path = handles_[handle].path;
        const FakeCell::Holder who{.session = this, .handle = handle, .mode = mode};
        const auto held = [&](const FakeCell::Holder& h) { return h.session == this && h.handle == handle; };
        if (std::ranges::any_of((*node)->holders, held)) {
          complete<Acquired>(std::move(*shared), Acquired{.sequencer = get_sequencer(handle).value(),
                                                          .generation = (*node)->stat.lock_generation});
        } else if ((*node)->waiters.empty() && FakeCell::grantable(**node, mode)) {
          complete<Acquired>(std::move(*shared), cell_.grant(path, **node, who));
        } else {
          for (const FakeCell::Holder& holder : (*node)->holders) {
            if (holder.session->handles_[holder.handle].events.lock_conflict)
              holder.session->tell(holder.handle, EventKind::lock_conflict, {});
          }
          if (!waits) return failed(CallCode::lock_held);
          (*node)->waiters.push_back({.who = who, .call = id, .done = std::move(*shared)});
        }
        return {};
      });
}

CallId Fake::release(HandleId handle, Completion<void> done) {
  return run<void>(std::move(done), [this, handle]() -> Outcome<void> {
    const Outcome<Node*> node = use(handle, &Mode::write);
    if (!node) return std::unexpected(node.error());
    if (!get_sequencer(handle)) return failed(CallCode::lock_not_held);
    cell_.release(handles_[handle].path, this, handle);
    return {};
  });
}

Outcome<std::string> Fake::get_sequencer(HandleId id) const {
  const auto at = handles_.find(id);
  if (at == handles_.end()) return failed(CallCode::not_open);
  if (at->second.dead) return failed(CallCode::session_expired);
  const Node* const node = cell_.find(at->second.path);
  if (node == nullptr) return failed(CallCode::handle_invalid);
  for (const FakeCell::Holder& holder : node->holders) {
    if (holder.session != this || holder.handle != id) continue;
    return Sequencer{.path = at->second.path,
                     .exclusive = holder.mode == LockMode::exclusive,
                     .generation = node->stat.lock_generation}
        .text();
  }
  return failed(CallCode::lock_not_held);
}

void Fake::set_sequencer(HandleId handle, std::string_view sequencer) {
  const auto at = handles_.find(handle);
  if (at != handles_.end()) at->second.sequencer = sequencer;
}

bool Fake::valid(std::string_view text) const {
  const auto sequencer = Sequencer::parse(text);
  const Node* const node = sequencer ? cell_.find(sequencer->path) : nullptr;
  return node != nullptr && !node->holders.empty() && node->stat.lock_generation == sequencer->generation &&
         (node->holders.front().mode == LockMode::exclusive) == sequencer->exclusive;
}

CallId Fake::check_sequencer(std::string_view sequencer, Completion<bool> done) {
  return run<bool>(std::move(done), [this, text = std::string(sequencer)]() -> Outcome<bool> { return valid(text); });
}

bool Fake::cancel(CallId call) {
  for (auto at = blocked_.begin(); at != blocked_.end(); ++at) {
    if (at->id != call) continue;
    Blocked blocked = std::move(*at);
    blocked_.erase(at);
    blocked.fail({.code = CallCode::cancelled});
    return true;
  }
  bool found = false;
  drop_waits([&](const FakeCell::Waiter& waiter) { return waiter.call == call && (found = true); },
             CallCode::cancelled);
  return found;
}

void Fake::drop_waits(const std::function<bool(const FakeCell::Waiter&)>& which, CallCode why) {
  std::vector<std::string> freed;
  for (auto& [path, node] : cell_.nodes_) {
    const size_t dropped = std::erase_if(node.waiters, [&](FakeCell::Waiter& waiter) {
      if (waiter.who.session != this || !which(waiter)) return false;
      complete<Acquired>(std::move(waiter.done), failed(why));
      return true;
    });
    if (dropped != 0) freed.push_back(path);
  }
  for (const std::string& path : freed) cell_.serve_waiters(path);
}

void Fake::let_go(const std::string& path, HandleId handle) {
  cell_.release(path, this, handle);
  cell_.remove_if_unused(path);
}

// --- callbacks, never from inside a call

void Fake::later(Task task) {
  executor_.post([task = std::move(task), alive = std::weak_ptr(alive_)]() mutable {
    if (!alive.expired()) task();
  });
}

void Fake::tell(SessionEvent event) {
  later([this, event] {
    const auto listener = listener_;
    if (listener) listener(event);
  });
}

void Fake::tell(HandleId id, EventKind kind, const std::string& child) {
  later([this, event = Event{.handle = id, .kind = kind, .child = child}] {
    const auto at = handles_.find(event.handle);
    if (at == handles_.end() || !at->second.on_event) return;
    const EventFunction listener = at->second.on_event;
    listener(event);
  });
}

}  // namespace conclave::chubby
