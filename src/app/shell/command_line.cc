#include "app/shell/command_line.h"

#include <algorithm>
#include <fmt/ranges.h>
#include <iterator>

#include "app/config/scalars.h"

namespace conclave::app {
namespace {

constexpr CommandSpec kCommands[] = {
    {"ls", "[-s] [-R] [-w] path", "children of a node; -s with its stat, -R of all below, -w and watch", "sRw", "", 1,
     1, true},
    {"get", "[-s] [-w] path", "data of a node; -s with its stat, -w and watch", "sw", "", 1, 1, true},
    {"set", "[-s] [-v version] path data", "change data; -v only if the version is this one, -s show the stat", "s",
     "v", 2, 2, true},
    {"create", "[-e] [-s] [-c] [-t ttl] path [data] [acl]",
     "make a node; -e ephemeral, -s sequential, -c container, -t time to live in ms", "esc", "t", 1, 3, true},
    {"delete", "[-v version] path", "remove a node without children", "", "v", 1, 1, true},
    {"deleteall", "path", "remove a node and all below it", "", "", 1, 1, true},
    {"stat", "[-w] path", "stat of a node; -w and watch, also where there is no node", "w", "", 1, 1, true},
    {"watch", "[-r] path", "show every change of a node, -r and of all below it, until unwatch", "r", "", 1, 1, true},
    {"unwatch", "path", "remove the watches on a node", "", "", 1, 1, true},
    {"getAcl", "[-s] path", "who may do what with a node; -s with its stat", "s", "", 1, 1, true},
    {"setAcl", "[-s] [-R] [-v version] path acl", "change that, e.g. world:anyone:r,ip:10.0.0.1:cdrwa; -R of all below",
     "sR", "v", 2, 2, true},
    {"addauth", "scheme credentials", "prove an identity, e.g. digest user:password", "", "", 2, 2, false},
    {"sync", "[path]", "wait until this replica knows all that was acknowledged before", "", "", 0, 1, true},
    {"config", "[-c] [-s] [-w]",
     "members of the cell; -c version and client addresses only, -s with the stat of the list, -w and watch", "csw", "",
     0, 0, false},
    {"reconfig",
     "[-s] [-v version] [[-file path] | [-members ID=ADDRESSES[,...]]] | [-add ID=ADDRESSES[,...]]* [-remove "
     "ID[,...]]*",
     "change the members: a whole new list, or who joins and leaves; ADDRESSES are host:port1:port2[:role];port3, -v "
     "only if the list has this version (hexadecimal, as config shows it)",
     "s", "", 0, 0, false, "v file members add remove"},
    {"count", "path", "number of all nodes below", "", "", 1, 1, true},
    {"ephemerals", "[path]", "ephemeral nodes of this session, all or those below a path", "", "", 0, 1, true},
    {"whoami", "", "identities of this connection", "", "", 0, 0, false},
    {"session", "", "this session: id, time-out, server", "", "", 0, 0, false},
    {"help", "[command]", "this list, or one command", "", "", 0, 1, false},
    {"quit", "", "end the session and leave", "", "", 0, 0, false},
};

std::unexpected<Error> usage_fault(const CommandSpec& spec, std::string_view what) {
  return fail(ErrorKind::invalid_argument, fmt::format("{}: {}; usage: {}", spec.name, what, usage_of(spec)));
}

bool is_option(std::string_view word) {
  return word.size() > 1 && word[0] == '-' && std::isalpha(static_cast<unsigned char>(word[1])) != 0;
}

bool takes_text(const CommandSpec& spec, std::string_view option) {
  std::string_view names = spec.text_options;
  while (!names.empty()) {
    const size_t space = std::min(names.find(' '), names.size());
    if (names.substr(0, space) == option) return true;
    names.remove_prefix(std::min(space + 1, names.size()));
  }
  return false;
}

}  // namespace

std::optional<std::string> Command::text(std::string_view option) const {
  const auto found = texts.find(option);
  if (found == texts.end()) return std::nullopt;
  return fmt::format("{}", fmt::join(found->second, ","));
}

std::span<const CommandSpec> shell_commands() {
  return kCommands;
}

const CommandSpec* find_command(std::string_view name) {
  if (name == "exit") name = "quit";
  if (name == "rmr") name = "deleteall";
  const auto* found = std::ranges::find(kCommands, name, &CommandSpec::name);
  return found == std::end(kCommands) ? nullptr : found;
}

std::string usage_of(const CommandSpec& spec) {
  return spec.arguments.empty() ? std::string(spec.name) : fmt::format("{} {}", spec.name, spec.arguments);
}

std::string path_fault(std::string_view path) {
  if (!path.starts_with('/')) return fmt::format("the path \"{}\" does not begin with a slash", path);
  if (path.size() > 1 && path.ends_with('/')) return fmt::format("the path \"{}\" ends in a slash", path);
  if (path.find("//") != std::string_view::npos) return fmt::format("the path \"{}\" has an empty name in it", path);
  return {};
}

Result<Command> parse_command(std::span<const std::string> words) {
  Command command;
  command.spec = find_command(words.front());
  if (command.spec == nullptr) {
    return fail(ErrorKind::invalid_argument, fmt::format("there is no command \"{}\"; try help", words.front()));
  }
  const CommandSpec& spec = *command.spec;
  bool options_end = false;
  for (size_t i = 1; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--" && !options_end) {
      options_end = true;
      continue;
    }
    if (options_end || !is_option(word)) {
      command.arguments.push_back(word);
      continue;
    }
    if (takes_text(spec, word.substr(1))) {
      if (i + 1 == words.size()) return usage_fault(spec, fmt::format("{} needs a value", word));
      command.texts[word.substr(1)].push_back(words[++i]);
      continue;
    }
    for (size_t letter = 1; letter < word.size(); ++letter) {
      const char flag = word[letter];
      if (spec.flags.find(flag) != std::string_view::npos) {
        command.flags.insert(flag);
        continue;
      }
      if (spec.number_flags.find(flag) == std::string_view::npos) {
        return usage_fault(spec, fmt::format("there is no option -{}", flag));
      }
      const bool attached = letter + 1 < word.size();
      if (!attached && i + 1 == words.size()) return usage_fault(spec, fmt::format("-{} needs a number", flag));
      const std::string text = attached ? word.substr(letter + 1) : words[++i];
      const auto value = parse_integer(text);
      if (!value) return usage_fault(spec, fmt::format("-{}: {}", flag, value.error().message));
      command.numbers[flag] = *value;
      break;
    }
  }
  if (command.arguments.size() < spec.arguments_min) return usage_fault(spec, "an argument is missing");
  if (command.arguments.size() > spec.arguments_max) {
    return usage_fault(spec, fmt::format("\"{}\" is one argument too many", command.arguments[spec.arguments_max]));
  }
  if (spec.path_first && !command.arguments.empty()) {
    if (const std::string fault = path_fault(command.arguments.front()); !fault.empty())
      return usage_fault(spec, fault);
  }
  return command;
}

}  // namespace conclave::app
