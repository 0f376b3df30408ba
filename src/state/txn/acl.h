// Who may do what: ZooKeeper's access control lists.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace conclave::state {

// Permission bits, as on ZooKeeper's wire.
enum Permission : uint32_t { kRead = 1, kWrite = 2, kCreate = 4, kDelete = 8, kAdmin = 16, kAllPermissions = 31 };

struct AclEntry {
  uint32_t permissions = kAllPermissions;
  std::string scheme;  // world, auth, digest, ip, super, x509, sasl, aclfile
  std::string id;
  friend bool operator==(const AclEntry&, const AclEntry&) = default;
  friend auto operator<=>(const AclEntry&, const AclEntry&) = default;
};
using Acl = std::vector<AclEntry>;

// An identity that a connection has proved, matched against AclEntry (scheme, id).
struct Identity {
  std::string scheme;
  std::string id;
  friend bool operator==(const Identity&, const Identity&) = default;
};
using Identities = std::vector<Identity>;

// May do everything: the cell itself, and what a front end looks at on behalf of the cell.
inline const Identities& super_identities() {
  static const Identities who = {{"super", ""}};
  return who;
}

}  // namespace conclave::state
