// Handles as the master keeps them, and their check digits (CH-30). Pure.
#pragma once

#include <cstdint>
#include <string>

#include "base/bytes.h"
#include "base/ids.h"
#include "wire/chubby/message.h"

namespace conclave::frontend::chubby {

namespace wire = conclave::wire::chubby;

struct Handle {
  uint64_t number = 0;  // in its session
  std::string path;
  Zxid instance;  // czxid of its node
  uint32_t mode = 0;
  uint32_t events = 0;
  uint32_t lock_delay_ms = 0;
  Epoch epoch;             // in which it was made
  bool counted = false;    // its node lives while open
  bool valid = true;       // the node is there
  uint32_t acquiring = 0;  // requests for its lock that are under way

  bool may(wire::Mode what) const { return (mode & static_cast<uint32_t>(what)) != 0; }
};

// A number that only who knows the secret can make: HMAC-SHA1 of all that the handle says, cut to 64 bits. It binds the
// handle to its session.
uint64_t check_digits(BytesView secret, SessionId session, const Handle& handle);

wire::Handle to_wire(const Handle& handle, SessionId session, BytesView secret);
// As presented by a client; its digits are not looked at.
Handle from_wire(const wire::Handle& handle);

}  // namespace conclave::frontend::chubby
