#include <fmt/format.h>

#include "app/commands/commands.h"
#include "app/config/scalars.h"
#include "app/config/server_line.h"

namespace conclave::app {
namespace {

bool has_port(const std::string& text) {
  if (text.starts_with('[')) return text.find("]:") != std::string::npos;
  return text.find(':') != std::string::npos;
}

}  // namespace

Result<std::vector<env::Address>> parse_servers(const std::string& text, uint16_t default_port) {
  std::vector<env::Address> servers;
  for (const std::string& item : parse_list(text)) {
    auto address = parse_address(has_port(item) ? item : fmt::format("{}:{}", item, default_port));
    if (!address) return std::unexpected(address.error());
    servers.push_back(*std::move(address));
  }
  if (servers.empty()) return fail(ErrorKind::invalid_argument, "no server is named");
  return servers;
}

}  // namespace conclave::app
