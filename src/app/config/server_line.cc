#include "app/config/server_line.h"

#include <algorithm>
#include <cctype>
#include <fmt/format.h>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/config/scalars.h"

namespace conclave::app {
namespace {

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
  const auto value = parse_integer(text);
  if (!value || *value < 1 || *value > 65'535) {
    return fail(ErrorKind::invalid_argument, fmt::format("the {} \"{}\" is not a number from 1 to 65535", what, text));
  }
  return static_cast<uint16_t>(*value);
}

Result<std::string> parse_host(std::string_view text) {
  if (text.empty()) return fail(ErrorKind::invalid_argument, "the host is missing");
  if (std::ranges::any_of(text, [](unsigned char c) { return std::isspace(c) != 0 || c == '[' || c == ']'; })) {
    return fail(ErrorKind::invalid_argument, fmt::format("the host \"{}\" is malformed", text));
  }
  return std::string(text);
}

Result<bool> parse_role(std::string_view text) {
  std::string word(text);
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (word == "participant") return true;
  if (word == "observer") return false;
  return fail(ErrorKind::invalid_argument, fmt::format("the role \"{}\" is neither participant nor observer", text));
}

struct PeerPart {
  env::Address address;
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

Result<env::Address> parse_client_part(std::string_view text) {
  const auto parts = split_host_and_ports(text);
  if (!parts) return std::unexpected(parts.error());
  if (parts->size() > 2) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("\"{}\" after the semicolon does not have the form [clienthost:]clientport", text));
  }
  env::Address address;
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

}  // namespace

Result<MemberSetting> parse_server_value(std::string_view value) {
  const auto halves = split(trim(value), ';');
  if (halves.size() > 2) return fail(ErrorKind::invalid_argument, "there is more than one semicolon");

  MemberSetting member;
  std::optional<bool> voter;
  for (const std::string_view text : split(halves[0], '|')) {
    auto part = parse_peer_part(text);
    if (!part) return std::unexpected(part.error());
    if (part->voter && voter && *part->voter != *voter) {
      return fail(ErrorKind::invalid_argument, "the addresses name different roles");
    }
    if (part->voter) voter = part->voter;
    if (member.election_port == 0) member.election_port = part->election_port;
    member.peer_addresses.push_back(std::move(part->address));
  }
  member.voter = voter.value_or(true);

  if (halves.size() == 2) {
    auto client = parse_client_part(halves[1]);
    if (!client) return std::unexpected(client.error());
    member.client_address = *std::move(client);
    member.client_listed = true;
  }
  return member;
}

Result<env::Address> parse_address(std::string_view text) {
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
  return env::Address{*std::move(host), *port};
}

}  // namespace conclave::app
