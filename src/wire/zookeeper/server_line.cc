#include "wire/zookeeper/server_line.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <fmt/format.h>
#include <utility>

namespace conclave::wire::zookeeper {
namespace {

constexpr int64_t kIdMax = 255;

std::string_view trim(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f";
  const size_t first = text.find_first_not_of(kSpace);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kSpace) - first + 1);
}

// Digits of the base and nothing else.
template <class T>
std::optional<T> parse_digits(std::string_view text, int base = 10) {
  T value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value, base);
  if (text.starts_with('-') || code != std::errc() || stop != end) return std::nullopt;
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// Splits "host:a:b" at its colons; a bracketed host is one part, without its brackets.
Result<std::vector<std::string_view>> split_host_and_ports(std::string_view text) {
  if (!text.starts_with('[')) return split(text, ':');
  const size_t close = text.find(']');
  if (close == std::string_view::npos) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" has a bracket that is not closed", text));
  }
  std::vector<std::string_view> parts = {text.substr(1, close - 1)};
  const std::string_view rest = text.substr(close + 1);
  if (rest.empty()) return parts;
  if (!rest.starts_with(':')) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" has no colon after the bracket", text));
  }
  const auto ports = split(rest.substr(1), ':');
  parts.insert(parts.end(), ports.begin(), ports.end());
  return parts;
}

Result<uint16_t> parse_port(std::string_view text, std::string_view what) {
  const auto value = parse_digits<uint16_t>(text);
  if (!value || *value == 0) {
    return fail(ErrorKind::invalid_argument, fmt::format("the {} \"{}\" is not a number from 1 to 65535", what, text));
  }
  return *value;
}

Result<std::string> parse_host(std::string_view text) {
  if (text.empty()) return fail(ErrorKind::invalid_argument, "the host is missing");
  // What would end the host where it is written into a list of servers.
  constexpr std::string_view kSeparators = "[],=";
  if (std::ranges::any_of(text, [&](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte <= ' ' || byte == 0x7F || kSeparators.find(c) != std::string_view::npos;
      })) {
    return fail(ErrorKind::invalid_argument, fmt::format("the host \"{}\" is malformed", text));
  }
  return std::string(text);
}

// Whether it votes.
Result<bool> parse_role(std::string_view text) {
  std::string word(text);
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (word == "participant") return true;
  if (word == "observer") return false;
  return fail(ErrorKind::invalid_argument, fmt::format("the role \"{}\" is neither participant nor observer", text));
}

struct PeerPart {
  HostPort address;
  uint16_t election_port = 0;
  std::optional<bool> voter;
};

Result<PeerPart> parse_peer_part(std::string_view text) {
  const auto parts = split_host_and_ports(text);
  if (!parts) return std::unexpected(parts.error());
  if (parts->size() < 3 || parts->size() > 4) {
    return fail(
        ErrorKind::invalid_argument,
        fmt::format("\"{}\" does not have the form host:peer:election[:role]; an IPv6 address needs brackets", text));
  }
  auto host = parse_host((*parts)[0]);
  if (!host) return std::unexpected(host.error());
  const auto peer_port = parse_port((*parts)[1], "peer port");
  if (!peer_port) return std::unexpected(peer_port.error());
  const auto election_port = parse_port((*parts)[2], "election port");
  if (!election_port) return std::unexpected(election_port.error());

  PeerPart part{.address = {*std::move(host), *peer_port}, .election_port = *election_port, .voter = {}};
  if (parts->size() == 4) {
    const auto voter = parse_role((*parts)[3]);
    if (!voter) return std::unexpected(voter.error());
    part.voter = *voter;
  }
  return part;
}

Result<HostPort> parse_client_part(std::string_view text) {
  const auto parts = split_host_and_ports(text);
  if (!parts) return std::unexpected(parts.error());
  if (parts->size() > 2) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("\"{}\" after the semicolon does not have the form [clienthost:]clientport", text));
  }
  HostPort address;
  if (parts->size() == 2) {
    auto host = parse_host(parts->front());
    if (!host) return std::unexpected(host.error());
    address.host = *std::move(host);
  }
  const auto port = parse_port(parts->back(), "client port");
  if (!port) return std::unexpected(port.error());
  address.port = *port;
  return address;
}

Result<int64_t> parse_id(std::string_view text) {
  const auto id = parse_digits<int64_t>(text);
  if (id && *id >= 1 && *id <= kIdMax) return *id;
  return fail(ErrorKind::invalid_argument, fmt::format("the id \"{}\" is not a number from 1 to {}", text, kIdMax));
}

Result<ServerLine> parse_item(std::string_view item) {
  const size_t equals = item.find('=');
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\": {}", item, why));
  };
  if (equals == std::string_view::npos) return refuse("it does not have the form server.N=host:peer:election");
  constexpr std::string_view kPrefix = "server.";
  std::string_view key = trim(item.substr(0, equals));
  if (key.starts_with(kPrefix)) key.remove_prefix(kPrefix.size());
  const auto id = parse_id(key);
  if (!id) return refuse(id.error().message);
  auto server = parse_server_value(item.substr(equals + 1));
  if (!server) return refuse(server.error().message);
  server->id = *id;
  return server;
}

// The value of "version=...", if this line is one.
std::optional<std::string_view> version_of(std::string_view line) {
  const size_t equals = line.find('=');
  if (equals == std::string_view::npos || trim(line.substr(0, equals)) != "version") return std::nullopt;
  return trim(line.substr(equals + 1));
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

}  // namespace

Result<HostPort> parse_host_port(std::string_view text) {
  const auto parts = split_host_and_ports(trim(text));
  if (!parts) return std::unexpected(parts.error());
  if (parts->size() != 2) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("\"{}\" does not have the form host:port; an IPv6 address needs brackets", trim(text)));
  }
  auto host = parse_host(parts->front());
  if (!host) return std::unexpected(host.error());
  const auto port = parse_port(parts->back(), "port");
  if (!port) return std::unexpected(port.error());
  return HostPort{*std::move(host), *port};
}

std::string format_host_port(const HostPort& address) {
  return fmt::format("{}:{}", bracketed(address.host), address.port);
}

Result<ServerLine> parse_server_value(std::string_view value) {
  const auto halves = split(trim(value), ';');
  if (halves.size() > 2) return fail(ErrorKind::invalid_argument, "there is more than one semicolon");

  ServerLine server;
  std::optional<bool> voter;
  for (const std::string_view text : split(halves[0], '|')) {
    auto part = parse_peer_part(text);
    if (!part) return std::unexpected(part.error());
    if (part->voter && voter && *part->voter != *voter) {
      return fail(ErrorKind::invalid_argument, "the addresses name different roles");
    }
    if (part->voter) voter = part->voter;
    if (server.election_port == 0) server.election_port = part->election_port;
    server.peers.push_back(std::move(part->address));
  }
  server.observer = !voter.value_or(true);

  if (halves.size() == 2) {
    auto client = parse_client_part(halves[1]);
    if (!client) return std::unexpected(client.error());
    server.client = *std::move(client);
  }
  return server;
}

Result<std::vector<ServerLine>> parse_server_lines(std::string_view text) {
  std::vector<ServerLine> servers;
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with('#')) continue;
    for (const std::string_view item : split(line, ',')) {
      if (item.empty() || version_of(item)) continue;
      auto server = parse_item(item);
      if (!server) return std::unexpected(server.error());
      if (std::ranges::find(servers, server->id, &ServerLine::id) != servers.end()) {
        return fail(ErrorKind::invalid_argument, fmt::format("\"{}\": server {} is named twice", item, server->id));
      }
      servers.push_back(*std::move(server));
    }
  }
  return servers;
}

Result<std::vector<int64_t>> parse_server_ids(std::string_view text) {
  std::vector<int64_t> ids;
  for (const std::string_view item : split(text, ',')) {
    if (item.empty()) continue;
    const auto id = parse_id(item);
    if (!id) return std::unexpected(id.error());
    if (std::ranges::find(ids, *id) != ids.end()) {
      return fail(ErrorKind::invalid_argument, fmt::format("server {} is named twice", *id));
    }
    ids.push_back(*id);
  }
  return ids;
}

std::string format_server_line(const ServerLine& server) {
  std::string text = fmt::format("server.{}=", server.id);
  std::string_view separator;
  for (const HostPort& peer : server.peers) {
    text += fmt::format("{}{}:{}:{}", separator, format_host_port(peer),
                        server.election_port != 0 ? server.election_port : peer.port,
                        server.observer ? "observer" : "participant");
    separator = "|";
  }
  if (server.client) {
    const HostPort& client = *server.client;
    text += fmt::format(";{}:{}", client.host.empty() ? "0.0.0.0" : bracketed(client.host), client.port);
  }
  return text;
}

Result<MemberConfig> parse_member_config(std::string_view text) {
  auto servers = parse_server_lines(text);
  if (!servers) return std::unexpected(servers.error());
  std::optional<uint64_t> version;
  for (const std::string_view line : split(text, '\n')) {
    const auto digits = version_of(line);
    if (!digits) continue;
    if (version) return fail(ErrorKind::invalid_argument, "the version is given twice");
    version = parse_digits<uint64_t>(*digits, 16);
    if (!version) {
      return fail(ErrorKind::invalid_argument, fmt::format("the version \"{}\" is not a hexadecimal number", *digits));
    }
  }
  if (!version) return fail(ErrorKind::invalid_argument, "the version is missing");
  return MemberConfig{.servers = *std::move(servers), .version = *version};
}

std::string format_member_config(const MemberConfig& config) {
  std::string text;
  for (const ServerLine& server : config.servers) text += format_server_line(server) + "\n";
  return text + fmt::format("version={:x}", config.version);
}

}  // namespace conclave::wire::zookeeper
