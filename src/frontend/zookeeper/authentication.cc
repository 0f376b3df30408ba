#include "frontend/zookeeper/authentication.h"

#include <algorithm>

#include "base/base64.h"
#include "base/sha1.h"

namespace conclave::frontend::zookeeper {
namespace {

void add_once(state::Identity identity, state::Identities* identities) {
  if (std::find(identities->begin(), identities->end(), identity) == identities->end()) {
    identities->push_back(std::move(identity));
  }
}

}  // namespace

std::string digest_id(BytesView user_and_password) {
  const auto digest = sha1(user_and_password);
  std::string id(user_and_password.substr(0, user_and_password.find(':')));
  id += ':';
  id += base64_encode(BytesView(reinterpret_cast<const char*>(digest.data()), digest.size()));
  return id;
}

std::string ip_id(std::string_view host) {
  constexpr std::string_view kMapped = "::ffff:";
  host = host.substr(0, host.find('%'));
  if (host.starts_with(kMapped) && host.find('.') != std::string_view::npos) host.remove_prefix(kMapped.size());
  return std::string(host);
}

bool authenticate(std::string_view scheme, BytesView credentials, std::string_view super_digest,
                  state::Identities* identities) {
  if (scheme == "ip") return true;
  if (scheme != "digest") return false;
  std::string id = digest_id(credentials);
  if (!super_digest.empty() && id == super_digest) add_once({.scheme = "super", .id = ""}, identities);
  add_once({.scheme = "digest", .id = std::move(id)}, identities);
  return true;
}

std::string_view user_name(const state::Identity& identity) {
  if (identity.scheme != "digest") return identity.id;
  return std::string_view(identity.id).substr(0, identity.id.find(':'));
}

}  // namespace conclave::frontend::zookeeper
