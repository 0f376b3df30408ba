// Who takes part in the cell, as far as this replica has applied the log: the founding members, then what the state
// says (ADR 15). Loop thread only.
#pragma once

#include "consensus/api/engine.h"
#include "consensus/api/entry.h"
#include "state/service/service.h"

namespace conclave::replica {

class Members {
 public:
  // `founders`: empty, if it is not known who founded the cell. `service` holds every membership but the founding one,
  // and is kept up to date here.
  Members(const std::vector<consensus::Member>& founders, state::Service& service);

  const consensus::Membership& current() const { return current_; }
  // Applies an entry of kind membership. False: it cannot follow the one in force, and every replica passes it over.
  // Asserts that its payload can be read: the journal or the transport checked the bytes, and a master made them.
  bool apply(const consensus::Entry& entry);
  // The whole state was replaced by a snapshot.
  void restored();
  // It is known now who founded the cell.
  void founded(const std::vector<consensus::Member>& founders);

 private:
  consensus::Membership founding_;
  state::Service& service_;
  consensus::Membership current_;
};

// The membership that the state holds; version 0: the founding one. Error: corrupt.
Result<consensus::Membership> membership_of(const state::Service& service);

}  // namespace conclave::replica
