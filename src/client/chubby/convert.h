// Between the messages of the protocol and what the library gives out. Pure.
#pragma once

#include "client/chubby/types.h"
#include "wire/chubby/message.h"

namespace conclave::chubby {

namespace wire = conclave::wire::chubby;

CallCode code_of(wire::Code code);
EventKind kind_of(wire::Event::Kind kind);
Stat stat_of(const wire::Stat& stat);
Directory directory_of(const wire::Directory& directory);
std::vector<LockInfo> locks_of(const wire::Locks& locks);
std::vector<SessionInfo> sessions_of(const wire::Sessions& sessions);
wire::AclNames names_of(const AclNames& acl);
uint32_t bits(const Mode& mode);
uint32_t bits(const EventSet& events);
// The bit that a handle must have asked for; 0: told to all.
uint32_t bit_of(EventKind kind);

}  // namespace conclave::chubby
