#include "state/service/acl_rules.h"

#include <algorithm>
#include <charconv>
#include <optional>

#include "state/tree/path.h"

namespace conclave::state {
namespace {

// Java's Integer.parseInt: an optional sign and at least one digit.
std::optional<int32_t> parse_int(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<uint32_t> parse_ipv4(std::string_view text) {
  uint32_t address = 0;
  for (int part = 0; part < 4; ++part) {
    const size_t dot = text.find('.');
    if ((dot == std::string_view::npos) != (part == 3)) return std::nullopt;
    const auto value = parse_int(text.substr(0, dot));
    if (!value || *value < 0 || *value > 255) return std::nullopt;
    address = address << 8 | static_cast<uint32_t>(*value);
    text.remove_prefix(part == 3 ? text.size() : dot + 1);
  }
  return address;
}

struct IpRange {
  uint32_t address;
  uint32_t mask;
};
std::optional<IpRange> parse_ip_range(std::string_view text) {
  const size_t slash = text.find('/');
  const auto address = parse_ipv4(text.substr(0, slash));
  if (!address) return std::nullopt;
  int32_t bits = 32;
  if (slash != std::string_view::npos) {
    const auto parsed = parse_int(text.substr(slash + 1));
    if (!parsed || *parsed < 0 || *parsed > 32) return std::nullopt;
    bits = *parsed;
  }
  return IpRange{*address, bits == 0 ? 0 : ~uint32_t{0} << (32 - bits)};
}

bool ip_matches(std::string_view who, std::string_view range_text) {
  const auto range = parse_ip_range(range_text);
  const auto address = parse_ipv4(who);
  return range && address && (*address & range->mask) == (range->address & range->mask);
}

// "user:hash". ZooKeeper splits at every colon and forgets empty parts at the end, so "user:" is one part.
bool valid_digest_id(std::string_view id) {
  while (id.ends_with(':')) id.remove_suffix(1);
  return std::count(id.begin(), id.end(), ':') == 1;
}

constexpr std::string_view kAclFileScheme = "aclfile";

// Is one of `who` the principal (scheme, id)?
bool names(std::string_view scheme, std::string_view id, const Identities& who) {
  if (scheme == "world") return id == "anyone";
  return std::ranges::any_of(who, [&](const Identity& identity) {
    if (identity.scheme != scheme) return false;
    return scheme == "ip" ? ip_matches(identity.id, id) : identity.id == id;
  });
}

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") + 1 - begin);
}

bool file_names(std::string_view file, const Identities& who) {
  while (!file.empty()) {
    const size_t end = std::min(file.find('\n'), file.size());
    const std::string_view line = trimmed(file.substr(0, end));
    file.remove_prefix(std::min(end + 1, file.size()));
    const size_t colon = line.find(':');
    if (line.starts_with('#') || colon == std::string_view::npos) continue;
    const std::string_view scheme = line.substr(0, colon);
    if (scheme != kAclFileScheme && names(scheme, line.substr(colon + 1), who)) return true;
  }
  return false;
}

// The name of a file in the directory: one component of a path.
bool valid_acl_file_name(std::string_view id) {
  return !id.empty() && id.find('/') == std::string_view::npos && valid_path(std::string("/").append(id));
}

// The identities that `auth` expands to: an address proves nobody, and `super` is no scheme that a list may name.
bool proves_somebody(const Identity& identity) {
  return identity.scheme == "digest";
}

}  // namespace

const Acl& open_acl() {
  static const Acl acl = {{kAllPermissions, "world", "anyone"}};
  return acl;
}
const Acl& read_only_acl() {
  static const Acl acl = {{kRead, "world", "anyone"}};
  return acl;
}

bool is_acl_file(std::string_view path) {
  return path.size() > kAclDirectory.size() && parent_path(path) == kAclDirectory;
}

bool acl_permits(const Acl& acl, uint32_t permissions, const Identities& who, const AclFiles& files) {
  if (acl.empty()) return true;
  const bool super = std::ranges::any_of(who, [](const Identity& identity) { return identity.scheme == "super"; });
  if (super) return true;
  return std::ranges::any_of(acl, [&](const AclEntry& entry) {
    if ((entry.permissions & permissions) == 0) return false;
    if (entry.scheme == kAclFileScheme) return file_names(files.acl_file(entry.id), who);
    return names(entry.scheme, entry.id, who);
  });
}

bool valid_acl_id(std::string_view scheme, std::string_view id) {
  if (scheme == "world") return id == "anyone";
  if (scheme == "digest") return valid_digest_id(id);
  if (scheme == "ip") return parse_ip_range(id).has_value();
  if (scheme == kAclFileScheme) return valid_acl_file_name(id);
  return false;
}

std::expected<Acl, Code> fix_up_acl(const Acl& acl, const Identities& who) {
  if (acl.empty()) return std::unexpected(Code::invalid_acl);
  Acl out;
  for (auto entry = acl.begin(); entry != acl.end(); ++entry) {
    if (std::find(acl.begin(), entry, *entry) != entry) continue;  // a duplicate
    if (entry->scheme == "auth") {
      const size_t before = out.size();
      for (const Identity& identity : who)
        if (proves_somebody(identity)) out.push_back({entry->permissions, identity.scheme, identity.id});
      if (out.size() == before) return std::unexpected(Code::invalid_acl);
    } else if (valid_acl_id(entry->scheme, entry->id)) {
      out.push_back(*entry);
    } else {
      return std::unexpected(Code::invalid_acl);
    }
  }
  return out;
}

Acl without_secrets(const Acl& acl) {
  Acl out = acl;
  for (AclEntry& entry : out) {
    const size_t colon = entry.id.find(':');
    if (entry.scheme == "digest" && colon != std::string::npos) entry.id = entry.id.substr(0, colon) + ":x";
  }
  return out;
}

}  // namespace conclave::state
