#include "app/config/server_line.h"

#include <utility>

#include "wire/zookeeper/server_line.h"

namespace conclave::app {
namespace {

env::Address to_address(wire::zookeeper::HostPort from) {
  return {.host = std::move(from.host), .port = from.port};
}

}  // namespace

Result<MemberSetting> parse_server_value(std::string_view value) {
  auto server = wire::zookeeper::parse_server_value(value);
  if (!server) return std::unexpected(server.error());
  MemberSetting member;
  for (auto& peer : server->peers) member.peer_addresses.push_back(to_address(std::move(peer)));
  member.election_port = server->election_port;
  member.voter = !server->observer;
  if (server->client) {
    member.client_address = to_address(*std::move(server->client));
    member.client_listed = true;
  }
  return member;
}

Result<env::Address> parse_address(std::string_view text) {
  auto address = wire::zookeeper::parse_host_port(text);
  if (!address) return std::unexpected(address.error());
  return to_address(*std::move(address));
}

}  // namespace conclave::app
