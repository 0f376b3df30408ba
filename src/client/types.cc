#include "client/types.h"

namespace conclave::client {

std::string_view to_string(SessionState state) {
  switch (state) {
    case SessionState::connecting:
      return "connecting";
    case SessionState::connected:
      return "connected";
    case SessionState::connected_read_only:
      return "connected, read only";
    case SessionState::expired:
      return "expired";
    case SessionState::auth_failed:
      return "authentication failed";
    case SessionState::closed:
      return "closed";
  }
  return "unknown";
}

}  // namespace conclave::client
