#include "client/chubby/handle_table.h"

#include <algorithm>

namespace conclave::chubby {
namespace {

bool covers(uint32_t all, uint32_t some) {
  return (all & some) == some;
}

}  // namespace

Remote& HandleTable::begin(std::string_view path, uint32_t mode, uint32_t events, uint32_t lock_delay_ms) {
  const uint64_t number = ++last_number_;
  Remote& remote = remotes_[number];
  remote.handle.set_number(number);
  remote.handle.set_path(std::string(path));
  remote.handle.set_mode(mode);
  remote.handle.set_events(events);
  remote.handle.set_lock_delay_ms(lock_delay_ms);
  by_path_.emplace(path, number);
  return remote;
}

Remote* HandleTable::remote(uint64_t number) {
  const auto at = remotes_.find(number);
  return at == remotes_.end() ? nullptr : &at->second;
}

const Remote* HandleTable::remote(uint64_t number) const {
  const auto at = remotes_.find(number);
  return at == remotes_.end() ? nullptr : &at->second;
}

void HandleTable::forget(uint64_t number) {
  const auto at = remotes_.find(number);
  if (at == remotes_.end()) return;
  parked_.remove(number);
  by_path_.erase({at->second.path(), number});
  remotes_.erase(at);
}

Remote* HandleTable::reusable(std::string_view path, uint64_t instance, uint32_t mode, uint32_t events,
                              uint32_t lock_delay_ms) {
  for (auto at = by_path_.lower_bound({std::string(path), 0}); at != by_path_.end() && at->first == path; ++at) {
    Remote& remote = *this->remote(at->second);
    const wire::Handle& handle = remote.handle;
    if (!remote.opened || remote.invalid || remote.closing || remote.ephemeral || handle.instance() != instance)
      continue;
    if (!covers(handle.mode(), mode) || !covers(handle.events(), events)) continue;
    const bool may_lock = (handle.mode() & wire::MODE_WRITE) != 0;
    if (may_lock && (!remote.users.empty() || handle.lock_delay_ms() != lock_delay_ms)) continue;
    return &remote;
  }
  return nullptr;
}

std::optional<uint64_t> HandleTable::park(const Remote& remote) {
  const uint32_t events = remote.handle.events() & ~static_cast<uint32_t>(wire::EVENT_LOCK_CONFLICT);
  if (remote.ephemeral || remote.invalid || remote.lock || remote.letting_go || events != 0 || idle_max_ == 0)
    return remote.number();
  parked_.push_front(remote.number());
  if (parked_.size() <= idle_max_) return std::nullopt;
  const uint64_t oldest = parked_.back();
  parked_.pop_back();
  return oldest;
}

HandleId HandleTable::attach(Remote& remote, uint32_t mode, uint32_t events, EventFunction on_event) {
  const HandleId id(++last_id_);
  parked_.remove(remote.number());
  remote.users.push_back(id);
  handles_[id] = {.path = remote.path(),
                  .mode = mode,
                  .events = events,
                  .on_event = std::move(on_event),
                  .remote = remote.number(),
                  .sequencer = {}};
  return id;
}

HandleId HandleTable::attach_root() {
  const HandleId id(++last_id_);
  Handle& root = handles_[id];
  root.path = "/";
  root.root = true;
  root.mode = wire::MODE_READ;
  return id;
}

Handle* HandleTable::find(HandleId id) {
  const auto at = handles_.find(id);
  return at == handles_.end() ? nullptr : &at->second;
}

const Handle* HandleTable::find(HandleId id) const {
  const auto at = handles_.find(id);
  return at == handles_.end() ? nullptr : &at->second;
}

Remote* HandleTable::detach(HandleId id) {
  const auto at = handles_.find(id);
  if (at == handles_.end()) return nullptr;
  Remote* const out = remote(at->second.remote);
  handles_.erase(at);
  if (out != nullptr) std::erase(out->users, id);
  return out;
}

bool HandleTable::any_open() const {
  return std::ranges::any_of(handles_,
                             [](const auto& entry) { return entry.second.remote != 0 && !entry.second.root; });
}

void HandleTable::session_gone() {
  // Those that are not open yet belong to calls, which fail or go on in the next session.
  std::vector<uint64_t> gone;
  for (const auto& [number, remote] : remotes_) {
    if (remote.opened || remote.closing) gone.push_back(number);
  }
  for (const uint64_t number : gone) forget(number);
  for (auto& [id, handle] : handles_) handle.remote = 0;
}

}  // namespace conclave::chubby
