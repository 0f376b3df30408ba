// Members of a cell as ZooKeeper writes them: the lines "server.N=..." of zoo.cfg, of a reconfig request and of
// /zookeeper/config.
//
//   server.N=host:peer:election[:role][|host:peer:election[:role]...][;[clienthost:]clientport]
//
// An IPv6 address stands in brackets. `role` is participant or observer, participant if left out. Several addresses
// name one replica; of their election ports the first is kept. Pure; any text gives a value or an error that says in
// words what is wrong.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace conclave::wire::zookeeper {

struct HostPort {
  std::string host;  // an IPv6 address without brackets
  uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

struct ServerLine {
  int64_t id = 0;                  // 1 to 255
  std::vector<HostPort> peers;     // where its peers reach it; at least one once parsed
  uint16_t election_port = 0;      // 0: that of the first peer address
  bool observer = false;           // false: a participant, which votes
  std::optional<HostPort> client;  // where its clients reach it; an empty host means every interface
  friend bool operator==(const ServerLine&, const ServerLine&) = default;
};

// What /zookeeper/config holds.
struct MemberConfig {
  std::vector<ServerLine> servers;
  uint64_t version = 0;
  friend bool operator==(const MemberConfig&, const MemberConfig&) = default;
};

// "host:port" or "[ipv6]:port".
Result<HostPort> parse_host_port(std::string_view text);
// The same in reverse.
std::string format_host_port(const HostPort& address);

// What stands behind "server.N=". The id stays 0. An error is a reason without the key.
Result<ServerLine> parse_server_value(std::string_view value);

// Items "server.N=value", one a line or separated by commas, as ZooKeeper's clients send new and joining members. As
// its server does, takes "N=value" too. Empty items, lines that begin with '#' and a line "version=..." are passed
// over; in the order of the text. Errors name the item: no '=', an id that is not from 1 to 255 or comes twice, a wrong
// value.
Result<std::vector<ServerLine>> parse_server_lines(std::string_view text);

// "3,5": the members that leave. Empty items are passed over. Errors: an id that is not from 1 to 255 or comes twice.
Result<std::vector<int64_t>> parse_server_ids(std::string_view text);

// "server.1=host:peer:election:participant;clienthost:clientport", a client host that is empty as 0.0.0.0.
std::string format_server_line(const ServerLine& server);

// Lines as of format_server_line and one "version=" with a hexadecimal number, without "0x". Errors: as of
// parse_server_lines; the version is missing, comes twice or is no such number.
Result<MemberConfig> parse_member_config(std::string_view text);
// The version stands last, with no newline behind it, as ZooKeeper writes it.
std::string format_member_config(const MemberConfig& config);

}  // namespace conclave::wire::zookeeper
