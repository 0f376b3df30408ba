// Between the tree and what Chubby's clients see of it. Pure.
#pragma once

#include <optional>
#include <string_view>

#include "state/service/service.h"
#include "wire/chubby/message.h"

namespace conclave::frontend::chubby {

namespace wire = conclave::wire::chubby;

// Was the node made through this front end? Only such are cached (ADR 12).
constexpr bool is_chubby(state::NodeKind kind) {
  return kind == state::NodeKind::file || kind == state::NodeKind::directory || state::lives_while_open(kind);
}
// A node made through ZooKeeper is both a file and a directory.
constexpr bool is_file(state::NodeKind kind) {
  return kind != state::NodeKind::directory && kind != state::NodeKind::open_directory;
}
constexpr bool is_directory(state::NodeKind kind) {
  return state::may_have_children(kind);
}

// The rights that three names of files in /acl give (CH-25); the empty name stands for everybody.
state::Acl to_acl(const wire::AclNames& names);
// Nothing: the list was not made from names.
std::optional<wire::AclNames> to_names(const state::Acl& acl);

wire::Stat to_wire(const state::NodeView& node, const state::Lock* lock, const state::Acl& acl);

// The answer to a request that was refused.
wire::Code to_wire(state::Code code);

}  // namespace conclave::frontend::chubby
