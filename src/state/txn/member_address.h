// Where a member of the cell is reached. It travels behind the membership in the log (ADR 15), and in the request that
// asks for a change of members. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/codec.h"

namespace conclave::state {

struct HostPort {
  std::string host;
  uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

struct MemberAddress {
  std::vector<HostPort> peers;     // by its peers; several name the same replica, the first one is used
  uint16_t election_port = 0;      // of ZooKeeper's configuration; shown again, not used
  std::optional<HostPort> client;  // by its clients; an empty host: every interface
  std::optional<HostPort> lock_service;
  friend bool operator==(const MemberAddress&, const MemberAddress&) = default;
};

void put(Encoder& out, const MemberAddress& address);
// Faults the decoder on what is none.
void get(Decoder& in, MemberAddress* address);

}  // namespace conclave::state
