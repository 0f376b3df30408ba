#include "client/blocking/servers.h"

#include <charconv>
#include <string>

namespace conclave::blocking {
namespace {

Result<env::Address> parse_server(std::string_view text) {
  const auto wrong = [text](std::string_view what) {
    return fail(ErrorKind::invalid_argument, "server '" + std::string(text) + "': " + std::string(what));
  };
  std::string_view host = text;
  std::string_view port;
  bool has_port = false;
  if (text.starts_with('[')) {
    const size_t end = text.find(']');
    if (end == std::string_view::npos) return wrong("']' is missing");
    host = text.substr(1, end - 1);
    port = text.substr(end + 1);
    has_port = !port.empty();
    if (has_port && !port.starts_with(':')) return wrong("':' and a port must follow ']'");
  } else if (const size_t colon = text.find(':'); colon != std::string_view::npos) {
    if (text.find(':', colon + 1) != std::string_view::npos) return wrong("an IPv6 address needs brackets");
    host = text.substr(0, colon);
    port = text.substr(colon);
    has_port = true;
  }
  if (host.empty()) return wrong("there is no host");
  env::Address out{.host = std::string(host), .port = kDefaultPort};
  if (!has_port) return out;
  port.remove_prefix(1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), out.port);
  if (error != std::errc() || end != port.data() + port.size() || out.port == 0)
    return wrong("the port must be 1 to 65535");
  return out;
}

}  // namespace

Result<std::vector<env::Address>> parse_servers(std::string_view text) {
  std::vector<env::Address> out;
  if (text.empty()) return fail(ErrorKind::invalid_argument, "no server is named: give HOST:PORT,HOST:PORT,...");
  for (bool more = true; more;) {
    const size_t comma = text.find(',');
    auto server = parse_server(text.substr(0, comma));
    if (!server) return std::unexpected(server.error());
    out.push_back(*std::move(server));
    more = comma != std::string_view::npos;
    if (more) text.remove_prefix(comma + 1);
  }
  return out;
}

}  // namespace conclave::blocking
