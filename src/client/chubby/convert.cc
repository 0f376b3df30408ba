#include "client/chubby/convert.h"

namespace conclave::chubby {

CallCode code_of(wire::Code code) {
  switch (code) {
    case wire::NO_NODE:
      return CallCode::no_node;
    case wire::NODE_EXISTS:
      return CallCode::node_exists;
    case wire::NOT_EMPTY:
      return CallCode::not_empty;
    case wire::PERMISSION_DENIED:
      return CallCode::permission_denied;
    case wire::NOT_OPEN:
      return CallCode::not_open;
    case wire::HANDLE_INVALID:
      return CallCode::handle_invalid;
    case wire::WRONG_MODE:
      return CallCode::wrong_mode;
    case wire::GENERATION_MISMATCH:
      return CallCode::generation_mismatch;
    case wire::NOT_A_FILE:
      return CallCode::not_a_file;
    case wire::NOT_A_DIRECTORY:
      return CallCode::not_a_directory;
    case wire::LOCK_HELD:
      return CallCode::lock_held;
    case wire::LOCK_DELAYED:
      return CallCode::lock_delayed;
    case wire::LOCK_NOT_HELD:
      return CallCode::lock_not_held;
    case wire::TOO_LARGE:
      return CallCode::too_large;
    case wire::BAD_ARGUMENT:
      return CallCode::bad_argument;
    case wire::REFUSED_BEFORE:
      return CallCode::refused_before;
    case wire::CANCELLED:
      return CallCode::cancelled;
    default:
      return CallCode::unknown;
  }
}

EventKind kind_of(wire::Event::Kind kind) {
  switch (kind) {
    case wire::Event::CHILD_ADDED:
      return EventKind::child_added;
    case wire::Event::CHILD_REMOVED:
      return EventKind::child_removed;
    case wire::Event::CHILD_CHANGED:
      return EventKind::child_changed;
    case wire::Event::HANDLE_INVALID:
      return EventKind::handle_invalid;
    case wire::Event::LOCK_ACQUIRED:
      return EventKind::lock_acquired;
    case wire::Event::LOCK_CONFLICT:
      return EventKind::lock_conflict;
    default:
      return EventKind::contents_changed;
  }
}

Stat stat_of(const wire::Stat& stat) {
  Stat out{.instance = stat.instance(),
           .content_generation = stat.content_generation(),
           .lock_generation = stat.lock_generation(),
           .acl_generation = stat.acl_generation(),
           .checksum = stat.checksum(),
           .length = stat.length(),
           .directory = stat.directory(),
           .ephemeral = stat.ephemeral(),
           .modified_ms = stat.modified_ms(),
           .acl = std::nullopt};
  if (stat.has_acl()) {
    out.acl = AclNames{.read = stat.acl().read(), .write = stat.acl().write(), .change_acl = stat.acl().change_acl()};
  }
  return out;
}

Directory directory_of(const wire::Directory& directory) {
  Directory out;
  out.reserve(static_cast<size_t>(directory.entries_size()));
  for (const auto& entry : directory.entries()) out.push_back({.name = entry.name(), .stat = stat_of(entry.stat())});
  return out;
}

std::vector<LockInfo> locks_of(const wire::Locks& locks) {
  const auto places_of = [](const auto& places) {
    std::vector<LockPlace> out;
    for (const wire::Locks::Lock::Place& place : places) {
      out.push_back({.session = SessionId(place.session()),
                     .handle = place.handle(),
                     .mode = place.shared() ? LockMode::shared : LockMode::exclusive,
                     .lost = place.lost()});
    }
    return out;
  };
  std::vector<LockInfo> out;
  for (const wire::Locks::Lock& lock : locks.locks()) {
    out.push_back({.path = lock.path(),
                   .generation = lock.generation(),
                   .holders = places_of(lock.holders()),
                   .waiters = places_of(lock.waiters())});
  }
  return out;
}

std::vector<SessionInfo> sessions_of(const wire::Sessions& sessions) {
  std::vector<SessionInfo> out;
  for (const wire::Sessions::Session& session : sessions.sessions()) {
    out.push_back({.id = SessionId(session.id()),
                   .client = session.client(),
                   .handles = session.handles(),
                   .cached = session.cached(),
                   .acknowledged = session.acknowledged()});
  }
  return out;
}

wire::AclNames names_of(const AclNames& acl) {
  wire::AclNames out;
  out.set_read(acl.read);
  out.set_write(acl.write);
  out.set_change_acl(acl.change_acl);
  return out;
}

uint32_t bits(const Mode& mode) {
  uint32_t out = 0;
  if (mode.read) out |= wire::MODE_READ;
  if (mode.write) out |= wire::MODE_WRITE;
  if (mode.change_acl) out |= wire::MODE_CHANGE_ACL;
  return out;
}

uint32_t bits(const EventSet& events) {
  uint32_t out = 0;
  if (events.contents) out |= wire::EVENT_CONTENT_CHANGED;
  if (events.children) out |= wire::EVENT_CHILD_CHANGED;
  if (events.lock_acquired) out |= wire::EVENT_LOCK_ACQUIRED;
  if (events.lock_conflict) out |= wire::EVENT_LOCK_CONFLICT;
  return out;
}

uint32_t bit_of(EventKind kind) {
  switch (kind) {
    case EventKind::contents_changed:
      return wire::EVENT_CONTENT_CHANGED;
    case EventKind::child_added:
    case EventKind::child_removed:
    case EventKind::child_changed:
      return wire::EVENT_CHILD_CHANGED;
    case EventKind::lock_acquired:
      return wire::EVENT_LOCK_ACQUIRED;
    case EventKind::lock_conflict:
      return wire::EVENT_LOCK_CONFLICT;
    case EventKind::handle_invalid:
    case EventKind::fail_over:
      break;
  }
  return 0;
}

}  // namespace conclave::chubby
