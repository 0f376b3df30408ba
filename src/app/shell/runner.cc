#include "app/shell/runner.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>
#include <vector>

#include "app/shell/members.h"
#include "app/shell/text.h"

namespace conclave::app {
namespace {

using client::ErrorCode;

CommandResult failed(ErrorCode code, std::string_view path) {
  return {.error = error_text(code, path)};
}
CommandResult printed(std::string output) {
  return {.output = std::move(output)};
}

std::string join(std::string_view parent, std::string_view name) {
  return parent == "/" ? fmt::format("/{}", name) : fmt::format("{}/{}", parent, name);
}

// The path and everything below it, parents before children, names in order. A node that vanishes meanwhile is left
// out.
std::expected<std::vector<std::string>, ErrorCode> tree_below(Access& access, const std::string& root) {
  std::vector<std::string> out;
  std::vector<std::string> open = {root};
  while (!open.empty()) {
    std::string path = std::move(open.back());
    open.pop_back();
    auto children = access.children(path, false);
    if (!children) {
      if (children.error() == ErrorCode::no_node && path != root) continue;
      return std::unexpected(children.error());
    }
    std::ranges::sort(children->names, std::greater());
    for (const std::string& name : children->names) open.push_back(join(path, name));
    out.push_back(std::move(path));
  }
  return out;
}

CommandResult run_ls(const Command& command, Access& access) {
  const std::string& path = command.arguments[0];
  if (command.has('R')) {
    const auto paths = tree_below(access, path);
    if (!paths) return failed(paths.error(), path);
    std::string out;
    for (const std::string& each : *paths) out += each + "\n";
    return printed(std::move(out));
  }
  auto children = access.children(path, command.has('w'));
  if (!children) return failed(children.error(), path);
  std::ranges::sort(children->names);
  std::string out;
  for (const std::string& name : children->names) out += name + "\n";
  if (command.has('s')) out += stat_text(children->stat);
  return {.output = std::move(out), .watching = command.has('w')};
}

CommandResult run_get(const Command& command, Access& access, bool raw) {
  const std::string& path = command.arguments[0];
  const auto node = access.get(path, command.has('w'));
  if (!node) return failed(node.error(), path);
  std::string out = raw ? node->data : printable(node->data);
  out += '\n';
  if (command.has('s')) out += stat_text(node->stat);
  return {.output = std::move(out), .watching = command.has('w')};
}

CommandResult run_set(const Command& command, Access& access) {
  const std::string& path = command.arguments[0];
  const auto version = static_cast<int32_t>(command.number('v', client::kAnyVersion));
  const auto stat = access.set(path, command.arguments[1], version);
  if (!stat) return failed(stat.error(), path);
  return printed(command.has('s') ? stat_text(*stat) : "");
}

CommandResult run_create(const Command& command, Access& access) {
  using client::CreateMode;
  const std::string& path = command.arguments[0];
  const bool ephemeral = command.has('e');
  const bool sequential = command.has('s');
  const bool container = command.has('c');
  const bool ttl = command.numbers.contains('t');
  if (int{ephemeral} + int{container} + int{ttl} > 1 || (container && sequential)) {
    return {.error = "create: -e, -c and -t exclude each other, and so do -c and -s"};
  }
  client::CreateOptions options;
  options.ttl_ms = command.number('t', 0);
  options.mode = container ? CreateMode::container
                 : ttl     ? (sequential ? CreateMode::persistent_sequential_with_ttl : CreateMode::persistent_with_ttl)
                 : ephemeral ? (sequential ? CreateMode::ephemeral_sequential : CreateMode::ephemeral)
                             : (sequential ? CreateMode::persistent_sequential : CreateMode::persistent);
  if (command.arguments.size() > 2) {
    auto acl = parse_acl(command.arguments[2]);
    if (!acl) return {.error = "create: " + acl.error().message};
    options.acl = *std::move(acl);
  }
  const auto created = access.create(path, command.arguments.size() > 1 ? command.arguments[1] : "", options);
  if (!created && created.error() == ErrorCode::no_node) {
    return {.error = path + ": its parent does not exist"};
  }
  if (!created) return failed(created.error(), path);
  return printed(fmt::format("Created {}\n", created->path));
}

CommandResult run_delete(const Command& command, Access& access) {
  const auto version = static_cast<int32_t>(command.number('v', client::kAnyVersion));
  const auto removed = access.remove(command.arguments[0], version);
  return removed ? CommandResult{} : failed(removed.error(), command.arguments[0]);
}

CommandResult run_deleteall(const Command& command, Access& access) {
  const std::string& root = command.arguments[0];
  auto paths = tree_below(access, root);
  if (!paths) return failed(paths.error(), root);
  std::ranges::reverse(*paths);  // children before parents
  size_t count = 0;
  for (const std::string& path : *paths) {
    const bool kept_by_cell = path == "/" || path == "/zookeeper" || path.starts_with("/zookeeper/");
    if (root == "/" && kept_by_cell) continue;
    const auto removed = access.remove(path, client::kAnyVersion);
    if (removed) {
      ++count;
    } else if (removed.error() != ErrorCode::no_node) {
      return failed(removed.error(), path);
    }
  }
  return printed(fmt::format("Deleted {} nodes\n", count));
}

CommandResult run_stat(const Command& command, Access& access) {
  const std::string& path = command.arguments[0];
  const auto stat = access.exists(path, command.has('w'));
  if (stat) return {.output = stat_text(*stat), .watching = command.has('w')};
  if (stat.error() == ErrorCode::no_node && command.has('w')) {
    return {.output = error_text(stat.error(), path) + "\n", .watching = true};
  }
  return failed(stat.error(), path);
}

CommandResult run_watch(const Command& command, Access& access) {
  const auto mode = command.has('r') ? client::AddWatchMode::persistent_recursive : client::AddWatchMode::persistent;
  const auto set = access.add_watch(command.arguments[0], mode);
  if (!set) return failed(set.error(), command.arguments[0]);
  return {.watching = true};
}

CommandResult run_set_acl(const Command& command, Access& access) {
  const std::string& root = command.arguments[0];
  const auto acl = parse_acl(command.arguments[1]);
  if (!acl) return {.error = "setAcl: " + acl.error().message};
  std::vector<std::string> paths = {root};
  if (command.has('R')) {
    auto below = tree_below(access, root);
    if (!below) return failed(below.error(), root);
    paths = *std::move(below);
  }
  std::string out;
  for (const std::string& path : paths) {
    const auto stat = access.set_acl(path, *acl, static_cast<int32_t>(command.number('v', client::kAnyVersion)));
    if (!stat) return failed(stat.error(), path);
    if (command.has('s')) out += stat_text(*stat);
  }
  return printed(std::move(out));
}

CommandResult run_get_acl(const Command& command, Access& access) {
  const auto node = access.get_acl(command.arguments[0]);
  if (!node) return failed(node.error(), command.arguments[0]);
  return printed(acl_text(node->acl) + (command.has('s') ? stat_text(node->stat) : ""));
}

CommandResult run_help(const Command& command) {
  if (!command.arguments.empty()) {
    const CommandSpec* spec = find_command(command.arguments[0]);
    if (spec == nullptr) return {.error = fmt::format("help: there is no command \"{}\"", command.arguments[0])};
    return printed(fmt::format("{}\n    {}\n", usage_of(*spec), spec->help));
  }
  std::string out;
  for (const CommandSpec& spec : shell_commands()) out += fmt::format("  {:<46} {}\n", usage_of(spec), spec.help);
  return printed(std::move(out));
}

CommandResult run_without_path(const Command& command, Access& access) {
  const std::string_view name = command.spec->name;
  if (name == "addauth") {
    const auto added = access.add_auth(command.arguments[0], command.arguments[1]);
    return added ? CommandResult{} : failed(added.error(), "");
  }
  if (name == "whoami") {
    const auto identities = access.who_am_i();
    if (!identities) return failed(identities.error(), "");
    std::string out;
    for (const client::Identity& identity : *identities) out += fmt::format("{}:{}\n", identity.scheme, identity.id);
    return printed(std::move(out));
  }
  if (name == "ephemerals") {
    const auto paths = access.ephemerals(command.arguments.empty() ? "/" : command.arguments[0]);
    if (!paths) return failed(paths.error(), "");
    std::string out;
    for (const std::string& path : *paths) out += path + "\n";
    return printed(std::move(out));
  }
  if (name == "session") return printed(access.describe());
  if (name == "help") return run_help(command);
  return {.quit = true};
}

}  // namespace

CommandResult run_command(const Command& command, Access& access, bool raw) {
  const std::string_view name = command.spec->name;
  if (name == "ls") return run_ls(command, access);
  if (name == "get") return run_get(command, access, raw);
  if (name == "set") return run_set(command, access);
  if (name == "create") return run_create(command, access);
  if (name == "delete") return run_delete(command, access);
  if (name == "deleteall") return run_deleteall(command, access);
  if (name == "stat") return run_stat(command, access);
  if (name == "watch") return run_watch(command, access);
  if (name == "getAcl") return run_get_acl(command, access);
  if (name == "setAcl") return run_set_acl(command, access);
  if (name == "unwatch") {
    const auto removed = access.remove_watches(command.arguments[0]);
    return removed ? CommandResult{} : failed(removed.error(), command.arguments[0]);
  }
  if (name == "sync") {
    const auto synced = access.sync(command.arguments.empty() ? "/" : command.arguments[0]);
    return synced ? CommandResult{} : failed(synced.error(), "");
  }
  if (name == "config") return run_config(command, access, raw);
  if (name == "reconfig") return run_reconfig(command, access, raw);
  if (name == "count") {
    const auto count = access.count_descendants(command.arguments[0]);
    return count ? printed(fmt::format("{}\n", *count)) : failed(count.error(), command.arguments[0]);
  }
  return run_without_path(command, access);
}

}  // namespace conclave::app
