#include "state/txn/member_address.h"

#include "state/txn/codec_parts.h"

namespace conclave::state {
namespace {

constexpr size_t kHostPortBytesMin = 3;

void put(Encoder& out, const HostPort& at) {
  out.bytes(at.host);
  out.fixed(at.port);
}
HostPort get_host_port(Decoder& in) {
  HostPort at{.host = in.string()};
  at.port = in.fixed<uint16_t>();
  return at;
}
void put(Encoder& out, const std::optional<HostPort>& at) {
  out.boolean(at.has_value());
  if (at) put(out, *at);
}
std::optional<HostPort> get_optional(Decoder& in) {
  if (!codec::get_bool(in)) return std::nullopt;
  return get_host_port(in);
}

}  // namespace

void put(Encoder& out, const MemberAddress& address) {
  out.varint(address.peers.size());
  for (const HostPort& peer : address.peers) put(out, peer);
  out.fixed(address.election_port);
  put(out, address.client);
  put(out, address.lock_service);
}

void get(Decoder& in, MemberAddress* address) {
  for (size_t n = in.count(kHostPortBytesMin); n > 0 && in.ok(); --n) address->peers.push_back(get_host_port(in));
  address->election_port = in.fixed<uint16_t>();
  address->client = get_optional(in);
  address->lock_service = get_optional(in);
}

}  // namespace conclave::state
