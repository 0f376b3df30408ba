#include "sim/world/names.h"

#include <charconv>

namespace conclave::sim {
namespace {

constexpr std::string_view kPrefix = "host-";

}  // namespace

std::string host_name(HostId host) {
  return std::string(kPrefix) + to_string(host);
}

std::optional<HostId> host_of(std::string_view name) {
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (error != std::errc() || end != name.data() + name.size()) return std::nullopt;
  return HostId(number);
}

std::optional<HostId> host_of(std::string_view name, HostId self) {
  return name == "localhost" || name == "127.0.0.1" ? self : host_of(name);
}

bool is_local(const env::Address& address, HostId self) {
  const bool any = address.host.empty() || address.host == "0.0.0.0" || address.host == "::";
  return any || host_of(address.host, self) == self;
}

}  // namespace conclave::sim
