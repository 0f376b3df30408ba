#include "replica/members.h"

#include <utility>

#include "base/assert.h"
#include "base/codec.h"
#include "base/log.h"

namespace conclave::replica {
namespace {

constexpr size_t kAddressBytesMin = 6;

consensus::Membership founding_of(const std::vector<consensus::Member>& founders) {
  if (founders.empty()) return {};
  return {.version = 1, .members = founders, .outgoing = {}};
}

}  // namespace

Bytes encode_members(const CellMembers& members) {
  Bytes addresses;
  Encoder out(&addresses);
  out.varint(members.addresses.size());
  for (const auto& [id, address] : members.addresses) {
    out.u8(id.value);
    put(out, address);
  }
  return consensus::encode_membership(members.membership, addresses);
}

Result<CellMembers> decode_members(BytesView payload) {
  auto decoded = consensus::decode_membership(payload);
  if (!decoded) return std::unexpected(decoded.error());
  CellMembers members{.membership = std::move(decoded->membership), .addresses = {}};
  if (decoded->extra.empty()) return members;
  Decoder in(decoded->extra);
  for (size_t n = in.count(kAddressBytesMin); n > 0 && in.ok(); --n) {
    const ReplicaId id(in.u8());
    get(in, &members.addresses[id]);
  }
  if (!in.done()) return fail(ErrorKind::corrupt, "membership: malformed addresses");
  return members;
}

Result<CellMembers> membership_of(const state::Service& service) {
  if (service.membership().empty()) return CellMembers{};
  return decode_members(service.membership());
}

Members::Members(const std::vector<consensus::Member>& founders, MemberAddresses configured, state::Service& service)
    : founding_(founding_of(founders)), configured_(std::move(configured)), service_(service) {
  restored();
}

void Members::founded(const std::vector<consensus::Member>& founders) {
  founding_ = founding_of(founders);
  restored();
}

void Members::restored() {
  auto held = membership_of(service_);
  CONCLAVE_ASSERT(held.has_value());  // whoever loaded the state has looked at it
  current_ = *std::move(held);
  if (current_.membership.version == 0) current_.membership = founding_;
  add_configured_addresses();
}

void Members::add_configured_addresses() {
  for (const auto& [id, address] : configured_) {
    if (current_.membership.concerns(id)) current_.addresses.emplace(id, address);
  }
}

bool Members::apply(const consensus::Entry& entry) {
  auto next = decode_members(entry.payload.view());
  CONCLAVE_ASSERT(next.has_value());
  const std::string_view fault = consensus::why_not(current_.membership, next->membership);
  if (!fault.empty()) {
    log::info("replica", "passes over a membership",
              {{"index", to_string(entry.index)}, {"membership", to_string(next->membership)}, {"why", fault}});
    return false;
  }
  current_ = *std::move(next);
  add_configured_addresses();
  service_.set_membership(entry.payload.view());
  log::info("replica", "membership",
            {{"index", to_string(entry.index)}, {"membership", to_string(current_.membership)}});
  return true;
}

}  // namespace conclave::replica
