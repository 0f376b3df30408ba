#include "gateway/failure.h"

namespace conclave::gateway {

using chubby::CallCode;

api::Code code_of(CallCode code) {
  switch (code) {
    case CallCode::no_node:
      return api::NO_NODE;
    case CallCode::node_exists:
      return api::NODE_EXISTS;
    case CallCode::not_empty:
      return api::NOT_EMPTY;
    case CallCode::permission_denied:
      return api::PERMISSION_DENIED;
    case CallCode::not_open:
      return api::NOT_OPEN;
    case CallCode::handle_invalid:
      return api::HANDLE_INVALID;
    case CallCode::wrong_mode:
      return api::WRONG_MODE;
    case CallCode::generation_mismatch:
      return api::GENERATION_MISMATCH;
    case CallCode::not_a_file:
      return api::NOT_A_FILE;
    case CallCode::not_a_directory:
      return api::NOT_A_DIRECTORY;
    case CallCode::lock_held:
      return api::LOCK_HELD;
    case CallCode::lock_delayed:
      return api::LOCK_DELAYED;
    case CallCode::lock_not_held:
      return api::LOCK_NOT_HELD;
    case CallCode::too_large:
      return api::TOO_LARGE;
    case CallCode::bad_argument:
      return api::BAD_ARGUMENT;
    case CallCode::refused_before:
      return api::REFUSED_BEFORE;
    case CallCode::cancelled:
      return api::CANCELLED;
    case CallCode::session_expired:
      return api::SESSION_EXPIRED;
    case CallCode::poisoned:
      return api::POISONED;
    case CallCode::sequencer_invalid:
      return api::SEQUENCER_INVALID;
    case CallCode::wrong_cell:
      return api::WRONG_CELL;
    case CallCode::deadline_exceeded:  // of client/blocking, which the gateway does not use
    case CallCode::would_deadlock:
    case CallCode::unknown:
      break;
  }
  return api::CODE_UNKNOWN;
}

Failure failure_of(const chubby::CallError& error) {
  std::string message(to_string(error.code));
  if (!error.message.empty()) message += ": " + error.message;
  return {.code = code_of(error.code), .message = std::move(message)};
}

RpcStatus status_of(api::Code code) {
  switch (code) {
    case api::NO_NODE:
      return RpcStatus::not_found;
    case api::NODE_EXISTS:
      return RpcStatus::already_exists;
    case api::PERMISSION_DENIED:
      return RpcStatus::permission_denied;
    case api::BAD_ARGUMENT:
    case api::WRONG_CELL:
    case api::BAD_NUMBER:
    case api::BAD_STREAM:
      return RpcStatus::invalid_argument;
    case api::TOO_LARGE:
    case api::TOO_MANY_SESSIONS:
    case api::TOO_MANY_CALLS:
      return RpcStatus::resource_exhausted;
    case api::GENERATION_MISMATCH:
    case api::REFUSED_BEFORE:
    case api::TAKEN_OVER:
    case api::SESSION_EXPIRED:
      return RpcStatus::aborted;
    case api::CANCELLED:
      return RpcStatus::cancelled;
    case api::NO_SESSION:
      return RpcStatus::unauthenticated;
    case api::CELL_UNREACHABLE:
    case api::STOPPING:
      return RpcStatus::unavailable;
    case api::NOT_EMPTY:
    case api::NOT_OPEN:
    case api::HANDLE_INVALID:
    case api::WRONG_MODE:
    case api::NOT_A_FILE:
    case api::NOT_A_DIRECTORY:
    case api::LOCK_HELD:
    case api::LOCK_DELAYED:
    case api::LOCK_NOT_HELD:
    case api::POISONED:
    case api::SEQUENCER_INVALID:
      return RpcStatus::failed_precondition;
    default:
      return RpcStatus::unknown;
  }
}

std::string_view name_of(api::Code code) {
  return api::Code_Name(code);
}

}  // namespace conclave::gateway
