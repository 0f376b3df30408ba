#include "app/member/list.h"

#include <algorithm>
#include <fmt/ranges.h>

#include "app/member/plan.h"
#include "app/status/layout.h"

namespace conclave::app {
namespace {

using namespace wire::zookeeper;

std::vector<std::string> peers_of(const ServerLine& server) {
  std::vector<std::string> out;
  out.reserve(server.peers.size());
  for (const HostPort& peer : server.peers) out.push_back(format_host_port(peer));
  return out;
}

// What the member says of itself.
ReplicaReport report_of(const ServerLine& server, const CellReport& cell) {
  const auto address = client_address_of(server);
  const auto found = std::ranges::find_if(cell.replicas, [&](const ReplicaReport& r) { return r.address == address; });
  if (found != cell.replicas.end()) return *found;
  return {.address = {}, .problem = "the list names no address for clients", .mode = {}, .figures = {}};
}

}  // namespace

std::optional<env::Address> client_address_of(const ServerLine& server) {
  if (!server.client) return std::nullopt;
  env::Address address{.host = server.client->host, .port = server.client->port};
  const bool everywhere = address.host.empty() || address.host == "0.0.0.0" || address.host == "::";
  if (everywhere && !server.peers.empty()) address.host = server.peers.front().host;
  return address;
}

std::vector<env::Address> client_addresses_of(const MemberConfig& config) {
  std::vector<env::Address> out;
  for (const ServerLine& server : config.servers) {
    if (const auto address = client_address_of(server)) out.push_back(*address);
  }
  return out;
}

std::string change_of_members(const CellReport& cell) {
  for (const ReplicaReport* leader : cell.leaders()) {
    if (const auto text = leader->text("member_change"); !text.empty()) return std::string(text);
  }
  return {};
}

std::string members_text(const MemberList& list) {
  std::vector<std::vector<std::string>> rows = {{"ID", "ROLE", "STATE", "PEER", "CLIENT", "NOTE"}};
  for (const ServerLine& server : list.config.servers) {
    const ReplicaReport report = report_of(server, list.cell);
    const auto client = client_address_of(server);
    rows.push_back({std::to_string(server.id), std::string(role_of(server)), report.serves() ? report.mode : "-",
                    fmt::format("{}", fmt::join(peers_of(server), "|")), client ? env::to_string(*client) : "-",
                    report.problem});
  }
  std::string out = columns_text(rows) + fmt::format("version: {:x}\n", list.config.version);
  if (const std::string change = change_of_members(list.cell); !change.empty()) out += "change: " + change + "\n";
  return out;
}

std::string members_json(const MemberList& list) {
  const std::string change = change_of_members(list.cell);
  std::string out = fmt::format("{{\"version\": \"{:x}\", \"change\": {}, \"members\": [", list.config.version,
                                change.empty() ? "null" : json_string(change));
  std::string_view separator;
  for (const ServerLine& server : list.config.servers) {
    const ReplicaReport report = report_of(server, list.cell);
    const auto client = client_address_of(server);
    std::vector<std::string> peers;
    for (const std::string& peer : peers_of(server)) peers.push_back(json_string(peer));
    out += fmt::format(
        "{}{{\"id\": {}, \"role\": \"{}\", \"peers\": [{}], \"election_port\": {}, \"client\": {}, \"serves\": {}, "
        "\"mode\": {}, \"problem\": {}, \"line\": {}}}",
        separator, server.id, role_of(server), fmt::join(peers, ", "), server.election_port,
        client ? json_string(env::to_string(*client)) : "null", report.serves(), json_string(report.mode),
        json_string(report.problem), json_string(format_server_line(server)));
    separator = ", ";
  }
  return out + "]}\n";
}

}  // namespace conclave::app
