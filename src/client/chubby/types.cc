#include "client/chubby/types.h"

namespace conclave::chubby {

std::string_view to_string(CallCode code) {
  switch (code) {
    case CallCode::no_node:
      return "no such node";
    case CallCode::node_exists:
      return "the node exists";
    case CallCode::not_empty:
      return "the node has children";
    case CallCode::permission_denied:
      return "permission denied";
    case CallCode::not_open:
      return "the handle is not open";
    case CallCode::handle_invalid:
      return "the handle's node is gone";
    case CallCode::wrong_mode:
      return "the handle was not opened for this";
    case CallCode::generation_mismatch:
      return "another generation";
    case CallCode::not_a_file:
      return "not a file";
    case CallCode::not_a_directory:
      return "not a directory";
    case CallCode::lock_held:
      return "the lock is held";
    case CallCode::lock_delayed:
      return "the lock-delay passes";
    case CallCode::lock_not_held:
      return "the lock is not held";
    case CallCode::too_large:
      return "too large";
    case CallCode::bad_argument:
      return "bad argument";
    case CallCode::refused_before:
      return "refused by a former master";
    case CallCode::cancelled:
      return "cancelled";
    case CallCode::session_expired:
      return "session expired";
    case CallCode::poisoned:
      return "the handle is poisoned";
    case CallCode::sequencer_invalid:
      return "the sequencer is not valid any more";
    case CallCode::wrong_cell:
      return "a name of another cell";
    case CallCode::deadline_exceeded:
      return "deadline exceeded";
    case CallCode::would_deadlock:
      return "would deadlock";
    case CallCode::unknown:
      break;
  }
  return "unknown error";
}

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::contents_changed:
      return "contents changed";
    case EventKind::child_added:
      return "child added";
    case EventKind::child_removed:
      return "child removed";
    case EventKind::child_changed:
      return "child changed";
    case EventKind::handle_invalid:
      return "handle invalid";
    case EventKind::lock_acquired:
      return "lock acquired";
    case EventKind::lock_conflict:
      return "lock conflict";
    case EventKind::fail_over:
      break;
  }
  return "fail-over";
}

std::string_view to_string(SessionEvent event) {
  switch (event) {
    case SessionEvent::jeopardy:
      return "jeopardy";
    case SessionEvent::safe:
      return "safe";
    case SessionEvent::expired:
      break;
  }
  return "expired";
}

std::string_view to_string(SessionState state) {
  switch (state) {
    case SessionState::none:
      return "none";
    case SessionState::opening:
      return "opening";
    case SessionState::safe:
      return "safe";
    case SessionState::jeopardy:
      return "jeopardy";
    case SessionState::expired:
      break;
  }
  return "expired";
}

}  // namespace conclave::chubby
