#include "state/tree/path.h"

#include <algorithm>
#include <cstdint>

namespace conclave::state {
namespace {

// Reads one character beyond ASCII at `*at`. False when it is malformed or one that ZooKeeper refuses.
bool skip_allowed_character(std::string_view path, size_t* at) {
  const auto byte = [&](size_t i) -> uint32_t { return i < path.size() ? static_cast<uint8_t>(path[i]) : 0; };
  const auto continues = [&](size_t i) { return (byte(i) & 0xC0) == 0x80; };
  const uint32_t lead = byte(*at);
  if ((lead & 0xE0) == 0xC0 && continues(*at + 1)) {
    const uint32_t code = (lead & 0x1F) << 6 | (byte(*at + 1) & 0x3F);
    *at += 2;
    return code > 0x9F;  // below 0x80: overlong; 80-9F: control
  }
  if ((lead & 0xF0) == 0xE0 && continues(*at + 1) && continues(*at + 2)) {
    const uint32_t code = (lead & 0x0F) << 12 | (byte(*at + 1) & 0x3F) << 6 | (byte(*at + 2) & 0x3F);
    *at += 3;
    if (code < 0x800) return false;                      // overlong
    if (code >= 0xD800 && code <= 0xF8FF) return false;  // surrogates and private area
    return code < 0xFFF0;
  }
  return false;  // malformed, or beyond the basic plane: surrogates in UTF-16
}

}  // namespace

bool valid_path(std::string_view path) {
  if (path.empty() || path.front() != '/') return false;
  if (path.size() == 1) return true;
  if (path.back() == '/') return false;
  size_t start = 1;  // of the current component
  for (size_t i = 1; i < path.size();) {
    const auto c = static_cast<uint8_t>(path[i]);
    if (c == '/') {
      const std::string_view component = path.substr(start, i - start);
      if (component.empty() || component == "." || component == "..") return false;
      start = ++i;
    } else if (c < 0x20 || c == 0x7F) {
      return false;
    } else if (c < 0x80) {
      ++i;
    } else if (!skip_allowed_character(path, &i)) {
      return false;
    }
  }
  const std::string_view last = path.substr(start);
  return last != "." && last != "..";
}

std::string_view parent_path(std::string_view path) {
  const size_t slash = path.rfind('/');
  return slash == 0 ? kRootPath : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

size_t path_depth(std::string_view path) {
  return path.size() <= 1 ? 0 : static_cast<size_t>(std::count(path.begin(), path.end(), '/'));
}

bool within(std::string_view path, std::string_view ancestor) {
  if (ancestor == kRootPath) return true;
  return path.starts_with(ancestor) && (path.size() == ancestor.size() || path[ancestor.size()] == '/');
}

bool is_special_path(std::string_view path) {
  return path == kRootPath || path == kZooKeeperPath || path == kQuotaPath || path == kConfigPath;
}

}  // namespace conclave::state
