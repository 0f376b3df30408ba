// Who takes part in the cell and where, as far as this replica has applied the log: the founding members, then what the
// state says (ADR 15). Loop thread only.
#pragma once

#include <map>
#include <vector>

#include "consensus/api/entry.h"
#include "consensus/api/membership.h"
#include "state/service/service.h"
#include "state/txn/member_address.h"

namespace conclave::replica {

using MemberAddresses = std::map<ReplicaId, state::MemberAddress>;

// What a membership of the log says.
struct CellMembers {
  consensus::Membership membership;  // version 0: nothing is known
  MemberAddresses addresses;         // of those that it concerns, as far as known
  friend bool operator==(const CellMembers&, const CellMembers&) = default;
};

// The payload of an entry of kind membership.
Bytes encode_members(const CellMembers& members);
// Error: corrupt.
Result<CellMembers> decode_members(BytesView payload);

class Members {
 public:
  // `founders`: empty, if it is not known who founded the cell. `configured`: addresses of those of whom the log says
  // none. `service` holds every membership but the founding one, and is kept up to date here.
  Members(const std::vector<consensus::Member>& founders, MemberAddresses configured, state::Service& service);

  const consensus::Membership& current() const { return current_.membership; }
  const CellMembers& all() const { return current_; }
  // Applies an entry of kind membership. False: it cannot follow the one in force, and every replica passes it over.
  // Asserts that its payload can be read: the journal or the transport checked the bytes, and a master made them.
  bool apply(const consensus::Entry& entry);
  // The whole state was replaced by a snapshot.
  void restored();
  // It is known now who founded the cell.
  void founded(const std::vector<consensus::Member>& founders);

 private:
  void add_configured_addresses();

  consensus::Membership founding_;
  const MemberAddresses configured_;
  state::Service& service_;
  CellMembers current_;
};

// The membership that the state holds; version 0: the founding one. Error: corrupt.
Result<CellMembers> membership_of(const state::Service& service);

}  // namespace conclave::replica
