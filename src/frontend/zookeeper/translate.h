// Between the wire and the state: request bodies become state requests, state's stats, lists and outcomes become wire
// records. Pure.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "state/txn/outcome.h"
#include "state/txn/request.h"
#include "wire/zookeeper/multi.h"

namespace conclave::frontend::zookeeper {

namespace wire = conclave::wire::zookeeper;

wire::Stat to_wire(const state::Stat& stat);
inline wire::ErrorCode to_wire(state::Code code) {
  return static_cast<wire::ErrorCode>(code);
}

// A write as the state takes it, and what its reply needs to know of it.
struct Write {
  state::RequestBody body;
  bool makes_ephemeral = false;   // a create of an ephemeral node, alone or in a multi
  std::vector<wire::OpCode> ops;  // multi only: opcode of each part, which decides how its result is written
};

// Errors: marshalling_error for a body that cannot be read, bad_arguments for a create mode or TTL that does not exist
// (inside a multi the part is made such that the evaluator refuses it). REQUIRES: row_of(op) says write.
std::expected<Write, wire::ErrorCode> read_write(wire::OpCode op, wire::Reader* in, size_t multi_ops_max);

struct BadReconfig {
  wire::ErrorCode code;  // marshalling_error or bad_arguments
  std::string reason;
};
// The members that a client asks for.
std::expected<state::ReconfigRequest, BadReconfig> read_reconfig(wire::Reader* in);

// Appends the body of the reply to a successful write, or to any multi. `outcome` is of a request made by read_write;
// `ops` is its Write::ops. `checked` is the stat that a plain check answers with.
void write_outcome(wire::OpCode op, const std::vector<wire::OpCode>& ops, const state::Outcome& outcome,
                   const state::Stat& checked, wire::Writer* out);

}  // namespace conclave::frontend::zookeeper
