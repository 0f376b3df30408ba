#include "state/tree/node_digest.h"

#include <bit>

#include "base/checksum.h"

namespace conclave::state {
namespace {

template <size_t N>
uint64_t hash_words(const uint64_t (&words)[N], uint64_t seed) {
  static_assert(std::endian::native == std::endian::little);  // the digest is compared between machines
  return xxh3_64({reinterpret_cast<const char*>(words), sizeof(words)}, seed);
}

}  // namespace

uint64_t path_hash(std::string_view path) {
  return xxh3_64(path);
}

uint64_t own_digest(const Node& node, uint64_t path_hash, uint64_t acl_hash) {
  const uint64_t words[] = {xxh3_64(node.data(), path_hash),
                            acl_hash,
                            node.czxid.value,
                            node.mzxid.value,
                            static_cast<uint64_t>(node.ctime_ms),
                            static_cast<uint64_t>(node.mtime_ms),
                            static_cast<uint64_t>(node.owner),
                            uint64_t{static_cast<uint32_t>(node.version)} << 32 | static_cast<uint32_t>(node.aversion),
                            static_cast<uint64_t>(node.lifetime()) | uint64_t{node.null_bit} << 8};
  return hash_words(words, path_hash);
}

uint64_t children_digest(const Node& node, uint64_t path_hash) {
  const uint64_t words[] = {node.pzxid.value, static_cast<uint64_t>(node.creates), node.child_count()};
  return hash_words(words, ~path_hash);
}

}  // namespace conclave::state
