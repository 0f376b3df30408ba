// What the client library of the lock service gives and takes. Pure; nothing of the wire.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/ids.h"

namespace conclave::chubby {

// A handle of the application. 0: none. Never given out twice by one client.
using HandleId = StrongId<struct HandleIdTag, uint64_t>;
// An operation under way, to cancel it (CH-98). 0: none.
using CallId = StrongId<struct CallIdTag, uint64_t>;

enum class CallCode {
  // the cell's answers
  no_node,
  node_exists,
  not_empty,
  permission_denied,
  not_open,             // there is no such handle, or it was closed
  handle_invalid,       // its node is gone (CH-31)
  wrong_mode,           // the handle was not opened for this
  generation_mismatch,  // somebody else wrote first (CH-48)
  not_a_file,
  not_a_directory,
  lock_held,
  lock_delayed,  // its last holder was lost a short while ago (CH-39)
  lock_not_held,
  too_large,
  bad_argument,
  refused_before,  // and not done; the reason was lost with a former master
  cancelled,
  unknown,  // a code that this library does not know
  // the library's own
  session_expired,    // or there was none to be had in time (CH-73). It may have taken effect if it was under way
  poisoned,           // CH-46
  sequencer_invalid,  // the one that set_sequencer() tied to the handle (CH-50)
  wrong_cell,         // a name of another cell (CH-20)
  // of client/blocking
  deadline_exceeded,  // cancelled since its time was over
  would_deadlock,     // a callback must not wait for an answer
};
std::string_view to_string(CallCode code);

// Why a call failed (CH-51).
struct CallError {
  CallCode code = CallCode::unknown;
  std::string message;  // for a person; empty if the code says it all
};
template <class T>
using Outcome = std::expected<T, CallError>;
// Called once, on the loop, never from inside the call that asked; not at all once the service is destroyed.
template <class T>
using Completion = std::move_only_function<void(Outcome<T>)>;

inline std::unexpected<CallError> failed(CallCode code, std::string message = {}) {
  return std::unexpected(CallError{code, std::move(message)});
}

// What a handle may be used for (CH-45).
struct Mode {
  bool read = true;
  bool write = false;  // and lock (CH-36)
  bool change_acl = false;
};

// What a handle wants to be told (CH-40). All are told of fail-overs and of their own end.
struct EventSet {
  bool contents = false;
  bool children = false;
  bool lock_acquired = false;
  bool lock_conflict = false;
};

enum class EventKind {
  contents_changed,
  child_added,
  child_removed,
  child_changed,
  handle_invalid,
  lock_acquired,
  lock_conflict,  // somebody asks for the lock that this handle holds
  fail_over,      // a new master: events may have been lost, look again
};
std::string_view to_string(EventKind kind);

struct Event {
  HandleId handle;
  EventKind kind = EventKind::contents_changed;
  std::string child;  // its name, of the three kinds that tell of one
};
using EventFunction = std::function<void(const Event&)>;

// Names of files in the directory /acl (CH-26).
struct AclNames {
  std::string read;
  std::string write;
  std::string change_acl;
  friend bool operator==(const AclNames&, const AclNames&) = default;
};

enum class Creation { never, if_missing, must };

struct OpenOptions {
  Mode mode;
  EventSet events;
  uint32_t lock_delay_ms = 0;  // at most a minute (CH-39)
  Creation creation = Creation::never;
  // of a node that is created
  bool directory = false;
  bool ephemeral = false;
  Bytes contents;
  std::optional<AclNames> acl;  // nothing: those of the parent (CH-25)
  // Hears the events of this handle, in order, each after what it tells of (CH-41).
  EventFunction on_event;
};

// CH-27, CH-28.
struct Stat {
  uint64_t instance = 0;
  uint64_t content_generation = 0;
  uint64_t lock_generation = 0;
  uint64_t acl_generation = 0;
  uint64_t checksum = 0;
  uint64_t length = 0;
  bool directory = false;
  bool ephemeral = false;
  int64_t modified_ms = 0;  // of the contents; wall clock of a master
  std::optional<AclNames> acl;
  friend bool operator==(const Stat&, const Stat&) = default;
};

struct Opened {
  HandleId handle;
  bool created = false;
  Stat stat;
};
struct Contents {
  Bytes contents;
  Stat stat;
};
struct DirectoryEntry {
  std::string name;
  Stat stat;
};
using Directory = std::vector<DirectoryEntry>;  // by name

enum class LockMode { exclusive, shared };
struct Acquired {
  std::string sequencer;  // wire/chubby/sequencer.h reads it (CH-37)
  uint64_t generation = 0;
};

// For operators: who holds which lock and who waits for it.
struct LockPlace {
  SessionId session;
  uint64_t handle = 0;  // at the master
  LockMode mode = LockMode::exclusive;
  bool lost = false;  // the session has ended; its lock-delay passes (CH-39)
};
struct LockInfo {
  std::string path;
  uint64_t generation = 0;
  std::vector<LockPlace> holders;
  std::vector<LockPlace> waiters;  // in order
};
// A session as the master has it.
struct SessionInfo {
  SessionId id;
  std::string client;  // address; empty: not connected
  uint64_t handles = 0;
  uint64_t cached = 0;        // nodes
  bool acknowledged = false;  // nothing is on its way to it
};

// What a program is told of its session (CH-72).
enum class SessionEvent {
  jeopardy,  // the lease may have ended: calls block, nothing is certain
  safe,      // it had not
  expired,   // all handles, locks and caches are lost
};
std::string_view to_string(SessionEvent event);

enum class SessionState {
  none,     // not yet, or no longer needed: the next call opens one
  opening,  // calls wait for it
  safe,
  jeopardy,
  expired,
};
std::string_view to_string(SessionState state);

}  // namespace conclave::chubby
