#include "app/member/plan.h"

#include <algorithm>
#include <cctype>
#include <fmt/ranges.h>
#include <optional>
#include <tuple>
#include <utility>

#include "app/config/scalars.h"

namespace conclave::app {
namespace {

using namespace wire::zookeeper;

std::unexpected<Error> refuse(std::string why) {
  return fail(ErrorKind::invalid_argument, std::move(why));
}

const ServerLine* find(const MemberConfig& config, int64_t id) {
  const auto found = std::ranges::find(config.servers, id, &ServerLine::id);
  return found == config.servers.end() ? nullptr : &*found;
}

std::string ids_of(const MemberConfig& config) {
  std::vector<int64_t> ids;
  ids.reserve(config.servers.size());
  for (const ServerLine& server : config.servers) ids.push_back(server.id);
  return fmt::format("{}", fmt::join(ids, ", "));
}

std::string not_a_member(const MemberConfig& config, int64_t id) {
  return fmt::format("{} is not a member; the members are {}", id, ids_of(config));
}

// With what a list shows in place of what was left out.
ServerLine settled(ServerLine server) {
  if (server.election_port == 0 && !server.peers.empty()) server.election_port = server.peers.front().port;
  if (server.client && server.client->host.empty()) server.client->host = "0.0.0.0";
  return server;
}

// ZooKeeper shows the addresses of a member in an order of its own.
ServerLine in_order(ServerLine server) {
  server = settled(std::move(server));
  std::ranges::sort(server.peers, {}, [](const HostPort& peer) { return std::tie(peer.host, peer.port); });
  return server;
}

bool same(const ServerLine& a, const ServerLine& b) {
  return in_order(a) == in_order(b);
}

// Empty, or which member has a peer address of `server` already; the one that leaves does not count.
std::string address_taken(const MemberConfig& config, const ServerLine& server, std::optional<int64_t> leaving) {
  for (const ServerLine& other : config.servers) {
    if (other.id == server.id || other.id == leaving) continue;
    for (const HostPort& peer : server.peers) {
      if (std::ranges::find(other.peers, peer) == other.peers.end()) continue;
      return fmt::format("{} is the peer address of {} already; each member needs its own", format_host_port(peer),
                         other.id);
    }
  }
  return {};
}

std::string now_a_member(const ServerLine& server) {
  return fmt::format("{} is a member now, as {}: {}", server.id, role_of(server), format_server_line(server));
}

// Empty, or that nobody would be left who votes.
std::string nobody_votes(const MemberConfig& config, const std::vector<int64_t>& leaving) {
  const bool somebody = std::ranges::any_of(config.servers, [&](const ServerLine& server) {
    return !server.observer && std::ranges::find(leaving, server.id) == leaving.end();
  });
  return somebody ? "" : "nobody would be left who votes; add or promote another one first";
}

}  // namespace

std::string_view role_of(const ServerLine& server) {
  return server.observer ? "observer" : "voter";
}

Result<MemberSpec> parse_member_spec(std::string_view text) {
  const auto wrong = [&](std::string_view why) {
    return refuse(fmt::format("\"{}\": {}; the form is ID=HOST:PEER[:ELECTION];[HOST:]CLIENT", text, why));
  };
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return wrong("there is no =");
  std::string_view key = trim(text.substr(0, equals));
  constexpr std::string_view kPrefix = "server.";
  if (key.starts_with(kPrefix)) key.remove_prefix(kPrefix.size());
  const auto ids = parse_server_ids(key);
  if (!ids) return wrong(ids.error().message);
  if (ids->size() != 1) return wrong("it names no server, or several");

  const std::string_view value = text.substr(equals + 1);
  const size_t semicolon = std::min(value.find(';'), value.size());
  std::string peers(trim(value.substr(0, semicolon)));
  if (const auto peer = parse_host_port(peers)) peers += fmt::format(":{}", peer->port);
  auto server = parse_server_value(peers + std::string(value.substr(semicolon)));
  if (!server) return wrong(server.error().message);
  if (!server->client) return wrong("the client's address is missing");
  server->id = ids->front();
  std::ranges::transform(peers, peers.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  // No host holds a colon but one of digits.
  const bool role_given = peers.find(":participant") != peers.npos || peers.find(":observer") != peers.npos;
  return MemberSpec{.server = settled(*std::move(server)), .role_given = role_given};
}

Result<MemberPlan> plan_add(const MemberConfig& config, const MemberSpec& spec) {
  const ServerLine& server = spec.server;
  if (const ServerLine* present = find(config, server.id)) {
    if (same(*present, server)) {
      return MemberPlan{.steps = {}, .note = fmt::format("{} is a member already, with these values", server.id)};
    }
    ServerLine other_role = *present;
    other_role.observer = server.observer;
    if (same(other_role, server)) {
      return refuse(present->observer ? fmt::format("{} is an observer already: promote {}", server.id, server.id)
                                      : fmt::format("{} is a voter already: remove it, then add it", server.id));
    }
    return refuse(
        fmt::format("{} is a member already, with other values ({}): remove it first, or give the new one "
                    "another number",
                    server.id, format_server_line(*present)));
  }
  if (const std::string taken = address_taken(config, server, std::nullopt); !taken.empty()) return refuse(taken);
  return MemberPlan{.steps = {{.joining = {server}, .leaving = {}, .done = now_a_member(server)}}, .note = {}};
}

Result<MemberPlan> plan_remove(const MemberConfig& config, const std::vector<int64_t>& ids) {
  MemberStep step;
  for (const int64_t id : ids) {
    if (find(config, id) == nullptr) return refuse(not_a_member(config, id));
    if (std::ranges::find(step.leaving, id) == step.leaving.end()) step.leaving.push_back(id);
  }
  if (const std::string why = nobody_votes(config, step.leaving); !why.empty()) return refuse(why);
  step.done = fmt::format("{} {} any more", fmt::join(step.leaving, ", "),
                          step.leaving.size() == 1 ? "is not a member" : "are not members");
  return MemberPlan{.steps = {std::move(step)}, .note = {}};
}

Result<MemberPlan> plan_promote(const MemberConfig& config, int64_t id) {
  const ServerLine* present = find(config, id);
  if (present == nullptr) return refuse(not_a_member(config, id));
  if (!present->observer) return MemberPlan{.steps = {}, .note = fmt::format("{} is a voter already", id)};
  ServerLine promoted = *present;
  promoted.observer = false;
  return MemberPlan{.steps = {{.joining = {promoted}, .leaving = {}, .done = fmt::format("{} votes now", id)}},
                    .note = {}};
}

Result<MemberPlan> plan_replace(const MemberConfig& config, int64_t old_id, const MemberSpec& spec) {
  const ServerLine* old = find(config, old_id);
  if (old == nullptr) {
    return refuse(
        fmt::format("{}: there is nothing to replace; a new one is added by add", not_a_member(config, old_id)));
  }
  ServerLine server = spec.server;
  if (!spec.role_given) server.observer = old->observer;
  if (const std::string taken = address_taken(config, server, old_id); !taken.empty()) return refuse(taken);
  if (server.id != old_id) {
    if (find(config, server.id) != nullptr) {
      return refuse(fmt::format("{} is a member already: give the new one a number that none has", server.id));
    }
    return MemberPlan{.steps = {{.joining = {server},
                                 .leaving = {old_id},
                                 .done = fmt::format("{} is not a member any more; {}", old_id, now_a_member(server))}},
                      .note = {}};
  }
  if (const std::string why = nobody_votes(config, {old_id}); !why.empty()) return refuse(why);
  MemberStep leave{.joining = {}, .leaving = {old_id}, .done = fmt::format("{} is not a member any more", old_id)};
  MemberStep join{.joining = {server}, .leaving = {}, .done = now_a_member(server)};
  return MemberPlan{.steps = {std::move(leave), std::move(join)},
                    .note = fmt::format("{} keeps its number: it is removed, then added, in two changes", old_id)};
}

client::MemberChange change_of(const MemberStep& step, uint64_t version) {
  client::MemberChange change{
      .joining = {}, .leaving = {}, .new_members = {}, .from_version = static_cast<int64_t>(version)};
  std::vector<std::string> lines;
  lines.reserve(step.joining.size());
  for (const ServerLine& server : step.joining) lines.push_back(format_server_line(server));
  if (!lines.empty()) change.joining = fmt::format("{}", fmt::join(lines, ","));
  if (!step.leaving.empty()) change.leaving = fmt::format("{}", fmt::join(step.leaving, ","));
  return change;
}

bool shows(const MemberConfig& config, const MemberStep& step) {
  const bool all_joined = std::ranges::all_of(step.joining, [&](const ServerLine& server) {
    const ServerLine* present = find(config, server.id);
    return present != nullptr && same(*present, server);
  });
  return all_joined && std::ranges::none_of(step.leaving, [&](int64_t id) { return find(config, id) != nullptr; });
}

}  // namespace conclave::app
