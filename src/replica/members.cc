#include "replica/members.h"

#include <utility>

#include "base/assert.h"
#include "base/log.h"

namespace conclave::replica {
namespace {

consensus::Membership founding_of(const std::vector<consensus::Member>& founders) {
  if (founders.empty()) return {};
  return {.version = 1, .members = founders, .outgoing = {}};
}

}  // namespace

Result<consensus::Membership> membership_of(const state::Service& service) {
  if (service.membership().empty()) return consensus::Membership{};
  auto payload = consensus::decode_membership(service.membership());
  if (!payload) return std::unexpected(payload.error());
  return std::move(payload->membership);
}

Members::Members(const std::vector<consensus::Member>& founders, state::Service& service)
    : founding_(founding_of(founders)), service_(service) {
  restored();
}

void Members::founded(const std::vector<consensus::Member>& founders) {
  founding_ = founding_of(founders);
  restored();
}

void Members::restored() {
  auto held = membership_of(service_);
  CONCLAVE_ASSERT(held.has_value());  // whoever loaded the state has looked at it
  current_ = held->version == 0 ? founding_ : *std::move(held);
}

bool Members::apply(const consensus::Entry& entry) {
  auto payload = consensus::decode_membership(entry.payload.view());
  CONCLAVE_ASSERT(payload.has_value());
  const std::string_view fault = consensus::why_not(current_, payload->membership);
  if (!fault.empty()) {
    log::info("replica", "passes over a membership",
              {{"index", to_string(entry.index)}, {"membership", to_string(payload->membership)}, {"why", fault}});
    return false;
  }
  current_ = std::move(payload->membership);
  service_.set_membership(entry.payload.view());
  log::info("replica", "membership", {{"index", to_string(entry.index)}, {"membership", to_string(current_)}});
  return true;
}

}  // namespace conclave::replica
