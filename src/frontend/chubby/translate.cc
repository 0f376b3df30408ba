#include "frontend/chubby/translate.h"

#include "base/checksum.h"

namespace conclave::frontend::chubby {
namespace {

constexpr uint32_t kWriteRights = state::kWrite | state::kCreate | state::kDelete;
constexpr std::string_view kScheme = "aclfile";

state::AclEntry entry_of(uint32_t rights, const std::string& name) {
  if (name.empty()) return {rights, "world", "anyone"};
  return {rights, std::string(kScheme), name};
}

}  // namespace

state::Acl to_acl(const wire::AclNames& names) {
  return {entry_of(state::kRead, names.read()), entry_of(kWriteRights, names.write()),
          entry_of(state::kAdmin, names.change_acl())};
}

std::optional<wire::AclNames> to_names(const state::Acl& acl) {
  wire::AclNames names;
  uint32_t covered = 0;
  for (const state::AclEntry& entry : acl) {
    const bool everybody = entry.scheme == "world";
    if (!everybody && entry.scheme != kScheme) return std::nullopt;
    const std::string name = everybody ? std::string() : entry.id;
    if ((covered & entry.permissions) != 0) return std::nullopt;  // two names for one right
    covered |= entry.permissions;
    if ((entry.permissions & state::kRead) != 0) names.set_read(name);
    if ((entry.permissions & state::kWrite) != 0) names.set_write(name);
    if ((entry.permissions & state::kAdmin) != 0) names.set_change_acl(name);
  }
  constexpr uint32_t kAll = state::kRead | state::kWrite | state::kAdmin;
  return (covered & kAll) == kAll ? std::optional(names) : std::nullopt;
}

wire::Stat to_wire(const state::NodeView& node, const state::Lock* lock, const state::Acl& acl) {
  wire::Stat out;
  out.set_instance(node.stat.czxid.value);
  out.set_content_generation(node.stat.mzxid.value);
  if (lock != nullptr) out.set_lock_generation(lock->generation().value);
  out.set_acl_generation(static_cast<uint64_t>(node.stat.aversion));
  out.set_directory(!is_file(node.kind));
  if (is_file(node.kind)) {
    out.set_checksum(xxh3_64(node.data));
    out.set_length(node.data.size());
  }
  out.set_ephemeral(state::lives_while_open(node.kind) || node.kind == state::NodeKind::ephemeral);
  out.set_modified_ms(node.stat.mtime_ms);
  if (auto names = to_names(acl)) *out.mutable_acl() = *std::move(names);
  return out;
}

wire::Code to_wire(state::Code code) {
  using state::Code;
  switch (code) {
    case Code::ok:
      return wire::OK;
    case Code::no_node:
      return wire::NO_NODE;
    case Code::node_exists:
      return wire::NODE_EXISTS;
    case Code::not_empty:
      return wire::NOT_EMPTY;
    case Code::no_auth:
    case Code::auth_failed:
      return wire::PERMISSION_DENIED;
    case Code::instance_gone:
      return wire::HANDLE_INVALID;
    case Code::bad_version:
      return wire::GENERATION_MISMATCH;
    case Code::no_children_for_ephemerals:
      return wire::NOT_A_DIRECTORY;
    case Code::lock_held:
      return wire::LOCK_HELD;
    case Code::lock_delayed:
      return wire::LOCK_DELAYED;
    case Code::lock_not_held:
      return wire::LOCK_NOT_HELD;
    case Code::call_refused_before:
      return wire::REFUSED_BEFORE;
    case Code::bad_arguments:
    case Code::invalid_acl:
    case Code::quota_exceeded:
    case Code::call_stale:
      return wire::BAD_ARGUMENT;
    default:
      return wire::UNAVAILABLE;
  }
}

}  // namespace conclave::frontend::chubby
