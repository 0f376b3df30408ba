// ZooKeeper's rules of access control lists: what a list may hold, what `auth` stands for, whom it lets in; and
// Chubby's ACL names (CH-25, CH-26): the scheme `aclfile`, whose id is the name of a file that lists principals. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "base/bytes.h"
#include "state/txn/acl.h"
#include "state/txn/outcome.h"

namespace conclave::state {

// ZooKeeper's world:anyone lists.
const Acl& open_acl();       // all permissions
const Acl& read_only_acl();  // kRead

// The directory of the files that `aclfile` entries name.
inline constexpr std::string_view kAclDirectory = "/acl";
bool is_acl_file(std::string_view path);

// Where acl_permits finds those files.
class AclFiles {
 public:
  // The content of the file of this name; empty when there is none. Good until the next change.
  virtual BytesView acl_file(std::string_view name) const = 0;

 protected:
  ~AclFiles() = default;
};

// Does `acl` grant one of `permissions` to one of `who`? An empty list grants everything, as does the identity `super`
// (ZooKeeperServer.checkACL). `ip` entries match by prefix, `aclfile` entries if the file lists one of `who`, all
// others by equality. Without `aclfile` entries nothing is allocated.
//
// A file has one principal a line, `scheme:id`, with the schemes of a list but `auth` and `aclfile`: there is no
// nesting. Blank lines and those that begin with # are comments, and what is no principal names nobody, so that a file
// which is missing or makes no sense lets nobody in.
bool acl_permits(const Acl& acl, uint32_t permissions, const Identities& who, const AclFiles& files);

// The list as it is stored (PrepRequestProcessor.fixupACL): duplicates dropped, `auth` replaced by the identities that
// prove something. Errors: invalid_acl for an empty list, an unknown scheme, a malformed id, or `auth` without any
// proven identity.
std::expected<Acl, Code> fix_up_acl(const Acl& acl, const Identities& who);

// The list as one without kAdmin may see it: the hashes of `digest` ids are hidden.
Acl without_secrets(const Acl& acl);

// Is `id` well formed for `scheme`, and does this build know the scheme? world, digest, ip, aclfile.
bool valid_acl_id(std::string_view scheme, std::string_view id);

}  // namespace conclave::state
