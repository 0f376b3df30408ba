// The members of a cell and what each says of itself, as a table or JSON. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "app/status/report.h"
#include "wire/zookeeper/server_line.h"

namespace conclave::app {

// Where its clients reach it: the address of the list, with the host of its peer address where that is every interface.
// Nothing: the list names none.
std::optional<env::Address> client_address_of(const wire::zookeeper::ServerLine& server);
// Of all that have one, in their order.
std::vector<env::Address> client_addresses_of(const wire::zookeeper::MemberConfig& config);

// What a leader among these says of a change of members; empty: none of them leads, or it says nothing.
std::string change_of_members(const CellReport& cell);

struct MemberList {
  wire::zookeeper::MemberConfig config;
  CellReport cell;  // of the members' client addresses, and maybe of more
};

std::string members_text(const MemberList& list);
std::string members_json(const MemberList& list);

}  // namespace conclave::app
