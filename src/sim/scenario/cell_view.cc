#include "sim/scenario/cell_view.h"

#include <fmt/format.h>
#include <functional>
#include <vector>

#include "replica/replica.h"
#include "sim/scenario/session.h"

namespace conclave::sim::scenario {
namespace {

std::string role_text(const replica::Replica& replica) {
  const consensus::RoleChange& role = replica.role();
  const std::string ballot = to_string(role.ballot);
  switch (role.role) {
    case consensus::Role::master:
      return "master " + ballot;
    case consensus::Role::synchronising:
      return "synchronising " + ballot;
    case consensus::Role::candidate:
      return "candidate";
    case consensus::Role::observer:
    case consensus::Role::follower:
      break;
  }
  const std::string who = role.role == consensus::Role::observer ? "observer" : "follower";
  return role.master == ReplicaId(0) ? who + " of nobody" : fmt::format("{} of {}", who, role.master.value);
}

std::string status_text(Cell& cell, ReplicaId id) {
  if (!cell.up(id)) {
    const auto exit = cell.exited(id);
    return !exit ? "down" : (exit->at_start ? "refuses to start: " : "ended: ") + exit->error.message;
  }
  const replica::Replica& replica = cell.at(id);
  const replica::Status status = replica.status();
  std::string text = fmt::format("{}, applied {}, at {}", role_text(replica), status.applied.value,
                                 text_of(replica.state().last_zxid()));
  if (status.last > status.applied) text += fmt::format(", log to {}", status.last.value);
  if (status.snapshot > Index()) text += fmt::format(", snapshot {}", status.snapshot.value);
  if (status.damaged > 0) text += fmt::format(", {} damaged", status.damaged);
  if (!replica.serving()) text += ", not serving";
  return text;
}

void add_nodes(const state::Service& state, const std::string& path, const std::function<std::string(SessionId)>& owner,
               std::string& text) {
  const auto node = state.get(path, {});
  if (path != "/" && node) {
    text += fmt::format(" {}={}", path, text_of(Bytes(node->data)));
    if (node->stat.ephemeral_owner != 0) text += owner(SessionId(node->stat.ephemeral_owner));
  }
  const auto names = state.children(path, {});
  if (!names) return;
  for (const std::string_view name : *names) {
    if (path == "/" && name == "zookeeper") continue;
    add_nodes(state, (path == "/" ? "" : path) + "/" + std::string(name), owner, text);
  }
}

// "1, 2: TEXT" for each text, in the order of the first replica that has it.
void show_alike(Cell& cell, Output& out, const std::function<std::string(const state::Service&)>& text_of_state) {
  std::vector<std::pair<std::string, std::string>> groups;  // text, replicas
  for (const ReplicaId id : cell.replicas()) {
    if (!cell.up(id)) continue;
    const std::string text = text_of_state(cell.at(id).state());
    const auto known = std::ranges::find(groups, text, &std::pair<std::string, std::string>::first);
    if (known == groups.end()) {
      groups.emplace_back(text, std::to_string(id.value));
    } else {
      known->second += fmt::format(",{}", id.value);
    }
  }
  for (const auto& [text, replicas] : groups) out.push_back(replicas + ":" + (text.empty() ? " nothing" : text));
}

}  // namespace

void show_status(Cell& cell, Output& out) {
  for (const ReplicaId id : cell.replicas()) out.push_back(fmt::format("{}: {}", id.value, status_text(cell, id)));
}

void show_tree(Cell& cell, Output& out) {
  show_alike(cell, out, [](const state::Service& state) {
    std::string text;
    add_nodes(state, "/", [](SessionId) { return " (ephemeral)"; }, text);
    return text;
  });
}

void show_sessions(Cell& cell, const std::map<SessionId, std::string>& names, Output& out) {
  show_alike(cell, out, [&names](const state::Service& state) {
    std::string text;
    for (const state::SessionView& session : state.sessions()) {
      const auto name = names.find(session.id);
      text += fmt::format(" {} at {}", name == names.end() ? "?" : name->second, session.owner.value);
    }
    return text;
  });
}

}  // namespace conclave::sim::scenario
