#include "app/shell/text.h"

#include <algorithm>
#include <cstdint>
#include <fmt/format.h>

#include "app/config/scalars.h"
#include "app/log/log_line.h"

namespace conclave::app {
namespace {

struct PermissionLetter {
  char letter;
  int32_t bit;
};
constexpr PermissionLetter kPermissions[] = {
    {'c', wire::zookeeper::kPermissionCreate}, {'d', wire::zookeeper::kPermissionDelete},
    {'r', wire::zookeeper::kPermissionRead},   {'w', wire::zookeeper::kPermissionWrite},
    {'a', wire::zookeeper::kPermissionAdmin},
};

Result<client::AclEntry> parse_acl_entry(std::string_view text) {
  const size_t first = text.find(':');
  const size_t last = text.rfind(':');
  if (first == std::string_view::npos || first == last) {
    return fail(ErrorKind::invalid_argument,
                fmt::format("\"{}\" is not of the form scheme:id:permissions, as world:anyone:cdrwa", text));
  }
  client::AclEntry entry{.permissions = 0,
                         .scheme = std::string(text.substr(0, first)),
                         .id = std::string(text.substr(first + 1, last - first - 1))};
  for (const char letter : text.substr(last + 1)) {
    const auto* found = std::ranges::find(kPermissions, letter, &PermissionLetter::letter);
    if (found == std::end(kPermissions)) {
      return fail(ErrorKind::invalid_argument, fmt::format("\"{}\": permissions are letters of cdrwa", text));
    }
    entry.permissions |= found->bit;
  }
  if (entry.permissions == 0) return fail(ErrorKind::invalid_argument, fmt::format("\"{}\" permits nothing", text));
  return entry;
}

// Length of the UTF-8 character at the start of `data`, 0 if there is none.
size_t utf8_length(std::string_view data) {
  const auto lead = static_cast<unsigned char>(data.front());
  const size_t length = lead >= 0xC2 && lead < 0xE0   ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || data.size() < length) return 0;
  const bool continued = std::ranges::all_of(data.substr(1, length - 1),
                                             [](char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; });
  return continued ? length : 0;
}

}  // namespace

std::string stat_text(const client::Stat& stat) {
  return fmt::format(
      "cZxid = {:#x}\nctime = {}\nmZxid = {:#x}\nmtime = {}\npZxid = {:#x}\ncversion = {}\ndataVersion = {}\n"
      "aclVersion = {}\nephemeralOwner = {:#x}\ndataLength = {}\nnumChildren = {}\n",
      stat.czxid.value, format_utc(stat.ctime_ms), stat.mzxid.value, format_utc(stat.mtime_ms), stat.pzxid.value,
      stat.cversion, stat.version, stat.aversion, static_cast<uint64_t>(stat.ephemeral_owner), stat.data_length,
      stat.num_children);
}

Result<client::Acl> parse_acl(std::string_view text) {
  client::Acl acl;
  for (const std::string& item : parse_list(text)) {
    auto entry = parse_acl_entry(item);
    if (!entry) return std::unexpected(entry.error());
    acl.push_back(*std::move(entry));
  }
  if (acl.empty()) return fail(ErrorKind::invalid_argument, "the access control list is empty");
  return acl;
}

std::string acl_text(const client::Acl& acl) {
  std::string out;
  for (const client::AclEntry& entry : acl) {
    out += fmt::format("{}:{}:", entry.scheme, entry.id);
    for (const auto& [letter, bit] : kPermissions) {
      if ((entry.permissions & bit) != 0) out += letter;
    }
    out += '\n';
  }
  return out;
}

std::string printable(std::string_view data) {
  std::string out;
  while (!data.empty()) {
    const auto byte = static_cast<unsigned char>(data.front());
    size_t length = 1;
    if (byte == '\n' || byte == '\t' || (byte >= 0x20 && byte < 0x7F)) {
      out += data.front();
    } else if ((length = utf8_length(data)) > 0) {
      out += data.substr(0, length);
    } else {
      length = 1;
      out += fmt::format("\\x{:02x}", byte);
    }
    data.remove_prefix(length);
  }
  return out;
}

std::string error_text(client::ErrorCode code, std::string_view path) {
  using enum client::ErrorCode;
  const auto about = [path](std::string_view words) {
    return path.empty() ? std::string(words) : fmt::format("{}: {}", printable(path), words);
  };
  switch (code) {
    case no_node:
      return about("there is no such node");
    case node_exists:
      return about("there is such a node already");
    case not_empty:
      return about("the node has children; deleteall removes them too");
    case bad_version:
      return about("the version is another by now");
    case no_auth:
      return about("permission denied; addauth proves an identity");
    case auth_failed:
      return "the credentials were refused";
    case invalid_acl:
      return about("the access control list is not valid; the scheme auth needs addauth before");
    case bad_arguments:
      return about("the server found the request malformed");
    case no_children_for_ephemerals:
      return about("an ephemeral node cannot have children");
    case unimplemented:
      return about("the server does not offer this");
    case not_read_only:
      return "the server is in read-only mode: it knows no master";
    case session_expired:
      return "the session has expired";
    case connection_loss:
      return "the connection was lost; whether the request took effect is not known";
    case quota_exceeded:
      return about("a quota would be exceeded");
    case no_watcher:
      return about("there is no watch on the node");
    default:
      return about(fmt::format("{} ({})", wire::zookeeper::to_string(code), static_cast<int32_t>(code)));
  }
}

std::string event_text(const client::WatchEvent& event) {
  return fmt::format("{}: {}", printable(event.path), wire::zookeeper::to_string(event.type));
}

}  // namespace conclave::app
