// Names of hosts, which are their addresses as well: `host-<id>`. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "env/network.h"
#include "sim/world/link.h"

namespace conclave::sim {

std::string host_name(HostId host);
// Of `host-<id>`.
std::optional<HostId> host_of(std::string_view name);
// The same, and `self` for what means this host on every host.
std::optional<HostId> host_of(std::string_view name, HostId self);
// Whether a process on `self` may bind to it.
bool is_local(const env::Address& address, HostId self);

}  // namespace conclave::sim
