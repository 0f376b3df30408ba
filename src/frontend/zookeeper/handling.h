// What is done with each opcode: the one table. Deny by default: an opcode is served only if it stands here with a
// kind that serves it, and an opcode missing from the switch does not compile (-Wswitch).
#pragma once

#include <string_view>

#include "wire/zookeeper/protocol.h"

namespace conclave::frontend::zookeeper {

namespace wire = conclave::wire::zookeeper;

enum class Handling : uint8_t {
  deny,    // unimplemented, then the connection closes (ZooKeeper's UnimplementedRequestProcessor)
  refuse,  // bad_arguments: a request that only the cell itself may make
  ping,
  auth,   // at once, out of order, as ZooKeeper does
  sasl,   // at once, without a token: no mechanism is configured
  read,   // answered from the local state
  write,  // a request to the cell
  sync,
  reconfig,
  close_session,
};

struct OpcodeRow {
  Handling handling = Handling::deny;
  bool read_only = false;    // also served in read-only mode; others get not_read_only there
  std::string_view letters;  // "last operation" in `cons`
};

constexpr OpcodeRow row_of(wire::OpCode op) {
  using enum wire::OpCode;
  switch (op) {
    case create:
      return {Handling::write, false, "CREA"};
    case create2:
      return {Handling::write, false, "CREA"};
    case create_container:
      return {Handling::write, false, "CREA"};
    case create_ttl:
      return {Handling::write, false, "CREA"};
    case delete_node:
      return {Handling::write, false, "DELE"};
    case set_data:
      return {Handling::write, false, "SETD"};
    case set_acl:
      return {Handling::write, false, "SETA"};
    case check:
      return {Handling::write, false, "CHEC"};
    case multi:
      return {Handling::write, false, "MULT"};
    case sync:
      return {Handling::sync, false, "SYNC"};
    case reconfig:
      return {Handling::reconfig, false, "RECO"};
    case ping:
      return {Handling::ping, true, "PING"};
    case auth:
      return {Handling::auth, true, "AUTH"};
    case close_session:
      return {Handling::close_session, true, "CLOS"};
    case exists:
      return {Handling::read, true, "EXIS"};
    case get_data:
      return {Handling::read, true, "GETD"};
    case get_acl:
      return {Handling::read, true, "GETA"};
    case get_children:
      return {Handling::read, true, "GETC"};
    case get_children2:
      return {Handling::read, true, "GETC"};
    case get_all_children_number:
      return {Handling::read, true, "GETACN"};
    case get_ephemerals:
      return {Handling::read, true, "GETE"};
    case multi_read:
      return {Handling::read, true, "MLTR"};
    case set_watches:
      return {Handling::read, true, "SETW"};
    case set_watches2:
      return {Handling::read, true, "STW2"};
    case add_watch:
      return {Handling::read, true, "ADDW"};
    case check_watches:
      return {Handling::read, true, "CHKW"};
    case remove_watches:
      return {Handling::read, true, "REMW"};
    case who_am_i:
      return {Handling::read, true, "HOMI"};
    case notification:
      return {};  // from servers only
    case error:
      return {};  // inside a multi only
    case create_session:
      return {};  // the connect request does this
    case delete_container:
      return {Handling::refuse, false, "DELC"};
    case sasl:
      return {Handling::sasl, true, "SASL"};
  }
  return {};
}

}  // namespace conclave::frontend::zookeeper
