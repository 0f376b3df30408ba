#include "app/shell/completion.h"

#include <algorithm>

#include "app/config/scalars.h"
#include "app/shell/command_line.h"

namespace conclave::app {
namespace {

std::vector<std::string> complete_command(std::string_view word) {
  std::vector<std::string> out;
  for (const CommandSpec& spec : shell_commands()) {
    if (spec.name.starts_with(word)) out.emplace_back(spec.name);
  }
  std::ranges::sort(out);
  return out;
}

std::vector<std::string> complete_path(std::string_view word, Access& access) {
  const size_t slash = word.rfind('/');
  if (slash == std::string_view::npos) return word.empty() ? std::vector<std::string>{"/"} : std::vector<std::string>();
  const std::string parent(slash == 0 ? "/" : word.substr(0, slash));
  const std::string_view start = word.substr(slash + 1);
  const auto children = access.children(parent, false);
  if (!children) return {};
  std::vector<std::string> out;
  for (const std::string& name : children->names) {
    if (name.starts_with(start)) out.push_back((parent == "/" ? "/" : parent + "/") + name);
  }
  std::ranges::sort(out);
  return out;
}

}  // namespace

std::vector<std::string> complete(std::string_view before, std::string_view word, Access& access) {
  const std::string_view typed = trim(before);
  if (typed.empty()) return complete_command(word);
  const std::string_view name = typed.substr(0, typed.find_first_of(" \t"));
  if (name == "help") return complete_command(word);
  const CommandSpec* spec = find_command(name);
  if (spec == nullptr || !spec->path_first) return {};
  return complete_path(word, access);
}

}  // namespace conclave::app
