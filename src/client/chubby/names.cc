#include "client/chubby/names.h"

#include <fmt/format.h>

#include "client/chubby/convert.h"

namespace conclave::chubby {
namespace {

constexpr std::string_view kPrefix = "/ls/";
constexpr std::string_view kLocal = "local";

Outcome<std::string> checked_path(std::string path) {
  const bool formed = path == "/" || (path.starts_with('/') && !path.ends_with('/') && !path.contains("//"));
  if (!formed) return failed(CallCode::bad_argument, fmt::format("not a name: {}", path));
  if (path.size() > wire::kPathBytesMax)
    return failed(CallCode::bad_argument, fmt::format("a name of {} bytes", path.size()));
  return path;
}

}  // namespace

Outcome<Name> parse_name(std::string_view name) {
  Name out;
  std::string_view path = name;
  if (name.starts_with(kPrefix)) {
    path.remove_prefix(kPrefix.size());
    const size_t slash = std::min(path.find('/'), path.size());
    out.cell = path.substr(0, slash);
    path.remove_prefix(slash);
    if (out.cell.empty()) return failed(CallCode::bad_argument, fmt::format("not a name: {}", name));
    if (out.cell == kLocal) out.cell.clear();
    if (path.empty()) path = "/";
  }
  auto checked = checked_path(std::string(path));
  if (!checked) return std::unexpected(std::move(checked.error()));
  out.path = std::move(*checked);
  return out;
}

Outcome<std::string> path_below(std::string_view parent, std::string_view relative) {
  if (relative.empty() || relative.starts_with('/'))
    return failed(CallCode::bad_argument, fmt::format("not a name below a handle: {}", relative));
  return checked_path(fmt::format("{}/{}", parent == "/" ? "" : parent, relative));
}

}  // namespace conclave::chubby
