// The digest of one node: two 64-bit terms that are added, wrapping, into the sum over the state (S1). Two terms, so
// that a create or delete beneath a node costs nothing for its data. Pure.
#pragma once

#include <cstdint>
#include <string_view>

#include "state/tree/node.h"

namespace conclave::state {

uint64_t path_hash(std::string_view path);
// Covers path, data, ACL (by the hash of its contents) and every field but those that children move.
uint64_t own_digest(const Node& node, uint64_t path_hash, uint64_t acl_hash);
// Covers path, pzxid, creates and the number of children.
uint64_t children_digest(const Node& node, uint64_t path_hash);

}  // namespace conclave::state
