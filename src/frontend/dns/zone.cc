#include "frontend/dns/zone.h"

#include <algorithm>
#include <fmt/format.h>

#include "client/chubby/names.h"

namespace conclave::frontend::dns {
namespace {

// What a name of the tree is made of here: bytes beyond ASCII are none of a host's name, and a slash would be a way out
// of the zone.
bool can_be_a_node(std::string_view label) {
  if (label == "." || label == ".." || label == kOwnRecords) return false;
  return std::ranges::all_of(label, [](char c) { return c > ' ' && c <= '~' && c != '/'; });
}

}  // namespace

Result<Zone> parse_zone(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" is no zone: {}", text, why));
  };
  const size_t equals = text.find('=');
  if (equals == std::string_view::npos) return refuse("write NAME=PATH");
  auto apex = Name::parse(text.substr(0, equals));
  if (!apex) return refuse(apex.error().message);
  const auto name = conclave::chubby::parse_name(text.substr(equals + 1));
  if (!name) return refuse(name.error().message);
  if (text.substr(equals + 1) != name->path) return refuse("write the path from /, without /ls/CELL");
  return Zone{.apex = *std::move(apex), .path = name->path};
}

std::optional<std::string> path_of(const Zone& zone, const Name& name) {
  std::string path = zone.path == "/" ? "" : zone.path;
  const std::vector<std::string_view> labels = name.labels();
  for (size_t i = labels.size() - zone.apex.label_count(); i-- > 0;) {
    if (!can_be_a_node(labels[i])) return std::nullopt;
    path += '/';
    path += lower(labels[i]);
  }
  return path.empty() ? "/" : path;
}

}  // namespace conclave::frontend::dns
