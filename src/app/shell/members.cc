#include "app/shell/members.h"

#include <charconv>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "app/config/load.h"
#include "app/shell/text.h"
#include "base/result.h"
#include "wire/zookeeper/server_line.h"

namespace conclave::app {
namespace {

using namespace wire::zookeeper;

// "version host:port,host:port": what a client needs of the list, as ZooKeeper's `config -c` shows it.
Result<std::string> client_addresses(std::string_view text) {
  const auto config = parse_member_config(text);
  if (!config) return std::unexpected(config.error());
  std::string out;
  for (const ServerLine& server : config->servers) {
    if (!server.client) continue;
    HostPort client = *server.client;
    if (client.host.empty()) client.host = "0.0.0.0";
    out += (out.empty() ? "" : ",") + format_host_port(client);
  }
  return fmt::format("{:x} {}", config->version, out);
}

Result<int64_t> parse_version(const std::string& text) {
  int64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, value, 16);
  if (code == std::errc() && stop == end && value >= -1) return value;
  return fail(ErrorKind::invalid_argument, fmt::format("-v: \"{}\" is not a hexadecimal number", text));
}

// The list of servers in `text` as lines of its own.
Result<std::string> new_members(std::string_view text) {
  const auto servers = parse_server_lines(text);
  if (!servers) return std::unexpected(servers.error());
  std::string out;
  for (const ServerLine& server : *servers) out += format_server_line(server) + "\n";
  return out;
}

Result<client::MemberChange> read_change(const Command& command) {
  client::MemberChange change;
  const auto file = command.text("file");
  const auto members = command.text("members");
  change.joining = command.text("add");
  change.leaving = command.text("remove");
  const bool some = change.joining || change.leaving;
  if (int{file.has_value()} + int{members.has_value()} + int{some} != 1) {
    return fail(ErrorKind::invalid_argument, "give -file, or -members, or -add and -remove");
  }
  if (const auto version = command.text("v")) {
    const auto number = parse_version(*version);
    if (!number) return std::unexpected(number.error());
    change.from_version = *number;
  }
  if (change.joining) {
    if (const auto servers = parse_server_lines(*change.joining); !servers) return std::unexpected(servers.error());
  }
  if (change.leaving) {
    if (const auto ids = parse_server_ids(*change.leaving); !ids) return std::unexpected(ids.error());
  }
  if (some) return change;
  Result<std::string> text = file ? read_whole_file(*file) : *members;
  if (!text) return fail(text.error().kind, fmt::format("{} {}", *file, text.error().message));
  text = new_members(*text);
  if (!text) return std::unexpected(text.error());
  change.new_members = *std::move(text);
  return change;
}

}  // namespace

CommandResult run_config(const Command& command, Access& access, bool raw) {
  const auto node = access.get(kMemberConfigPath, command.has('w'));
  if (!node) return {.error = error_text(node.error(), kMemberConfigPath)};
  std::string out = node->data;
  if (command.has('c')) {
    auto clients = client_addresses(node->data);
    if (!clients) return {.error = fmt::format("{}: {}", kMemberConfigPath, clients.error().message)};
    out = *std::move(clients);
  }
  out = (raw ? out : printable(out)) + "\n";
  if (command.has('s')) out += stat_text(node->stat);
  return {.output = std::move(out), .watching = command.has('w')};
}

CommandResult run_reconfig(const Command& command, Access& access, bool raw) {
  const auto change = read_change(command);
  if (!change) return {.error = "reconfig: " + change.error().message};
  const auto node = access.reconfig(*change);
  if (!node) return {.error = "reconfig: " + reconfig_error_text(node.error())};
  std::string out = fmt::format("Committed new configuration:\n{}\n", raw ? node->data : printable(node->data));
  if (command.has('s')) out += stat_text(node->stat);
  return {.output = std::move(out)};
}

std::string reconfig_error_text(client::ErrorCode code) {
  using enum client::ErrorCode;
  switch (code) {
    case reconfig_in_progress:
      return "another change of members is under way: wait until it is done, then try again";
    case new_config_no_quorum:
      return "no majority of the new members is up and up to date: start those that are missing, then try again";
    case reconfig_disabled:
      return "changing members is disabled: set cell.reconfig = true (zoo.cfg: reconfigEnabled=true) on every replica";
    case bad_version:
      return "the members changed meanwhile: look at them, then try again";
    case no_auth:
      return "changing members needs the super user or write permission on /zookeeper/config: --auth, "
             "or addauth in the shell";
    case bad_arguments:
      return "the cell refused the list: each server needs ID=host:port1:port2[:role];port3 with addresses that no "
             "other "
             "one has, and one must be left that votes";
    case unimplemented:
      return "the server does not change members: it is no member of a cell, or of a version that cannot";
    default:
      return error_text(code, {});
  }
}

}  // namespace conclave::app
