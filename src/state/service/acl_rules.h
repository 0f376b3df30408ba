// ZooKeeper's rules of access control lists: what a list may hold, what `auth` stands for, whom it lets in. Pure.
#pragma once

#include <cstdint>
#include <expected>
#include <string_view>

#include "state/txn/acl.h"
#include "state/txn/outcome.h"

namespace conclave::state {

// ZooKeeper's world:anyone lists.
const Acl& open_acl();       // all permissions
const Acl& read_only_acl();  // kRead

// Does `acl` grant one of `permissions` to one of `who`? An empty list grants everything, as does the identity `super`
// (ZooKeeperServer.checkACL). `ip` entries match by prefix, all others by equality.
bool acl_permits(const Acl& acl, uint32_t permissions, const Identities& who);

// The list as it is stored (PrepRequestProcessor.fixupACL): duplicates dropped, `auth` replaced by the identities that
// prove something. Errors: invalid_acl for an empty list, an unknown scheme, a malformed id, or `auth` without any
// proven identity.
std::expected<Acl, Code> fix_up_acl(const Acl& acl, const Identities& who);

// The list as one without kAdmin may see it: the hashes of `digest` ids are hidden.
Acl without_secrets(const Acl& acl);

// Is `id` well formed for `scheme`, and does this build know the scheme? world, digest, ip.
bool valid_acl_id(std::string_view scheme, std::string_view id);

}  // namespace conclave::state
