// Who a connection is: ZooKeeper's auth schemes digest, ip and super (world and auth exist in access control lists
// only). Pure.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "state/txn/acl.h"

namespace conclave::frontend::zookeeper {

// The id of a digest identity: "user:" + base64(SHA-1("user:password")), for "user:password".
std::string digest_id(BytesView user_and_password);

// The address as an `ip` identity has it: IPv4-mapped IPv6 ("::ffff:10.0.0.1") becomes IPv4, a zone ("%eth0") is cut.
std::string ip_id(std::string_view host);

// Proves an identity by an auth packet and adds it, once, to `identities`. digest: any "user:password" proves that it
// knows it; if its digest equals `super_digest`, the connection is super as well. ip: proved from the start. Any other
// scheme is refused: false.
bool authenticate(std::string_view scheme, BytesView credentials, std::string_view super_digest,
                  state::Identities* identities);

// The name that whoAmI tells of an identity: for digest what stands before the colon, for super nothing.
std::string_view user_name(const state::Identity& identity);

}  // namespace conclave::frontend::zookeeper
