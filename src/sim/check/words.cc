#include "sim/check/words.h"

#include <fmt/format.h>

namespace conclave::sim::check {

std::string_view name_of(Action action) {
  switch (action) {
    case Action::create:
      return "create";
    case Action::remove:
      return "remove";
    case Action::set:
      return "set";
    case Action::check:
      return "check";
    case Action::get:
      return "get";
    case Action::exists:
      return "exists";
    case Action::children:
      return "children";
    case Action::sync:
      return "sync";
    case Action::multi:
      return "multi";
    case Action::close_session:
      return "close session";
  }
  return "?";
}

std::string_view name_of(EventKind kind) {
  switch (kind) {
    case EventKind::created:
      return "created";
    case EventKind::deleted:
      return "deleted";
    case EventKind::data_changed:
      return "data changed";
    case EventKind::children_changed:
      return "children changed";
  }
  return "?";
}

std::string name_of(Code code) {
  switch (code) {
    case Code::ok:
      return "ok";
    case Code::connection_loss:
      return "connection loss";
    case Code::bad_arguments:
      return "bad arguments";
    case Code::no_node:
      return "no node";
    case Code::bad_version:
      return "bad version";
    case Code::no_children_for_ephemerals:
      return "no children for ephemerals";
    case Code::node_exists:
      return "node exists";
    case Code::not_empty:
      return "not empty";
    case Code::session_expired:
      return "session expired";
    case Code::session_moved:
      return "session moved";
    case Code::not_read_only:
      return "not read-only";
  }
  return fmt::format("error {}", static_cast<int32_t>(code));
}

std::string name_of(Zxid zxid) {
  return fmt::format("0x{:x}", zxid.value);
}

std::string name_of(const NodeStat& stat) {
  return fmt::format(
      "czxid {} mzxid {} pzxid {} version {} cversion {} data_length {} num_children {} ephemeral_owner {:#x}",
      name_of(stat.czxid), name_of(stat.mzxid), name_of(stat.pzxid), stat.version, stat.cversion, stat.data_length,
      stat.num_children, stat.ephemeral_owner.value);
}

std::string name_of(Instant at) {
  return fmt::format("{}.{:03} s", at.us / 1'000'000, at.us / 1000 % 1000);
}

std::string name_of(const History& history, size_t operation) {
  const Operation& op = history.operations[operation];
  const std::string_view path = op.call.path.empty() && !op.parts.empty() ? op.parts.front().path : op.call.path;
  return fmt::format("operation {} (client {}, {}{}{}, invoked at {})", operation, op.client, name_of(op.call.action),
                     path.empty() ? "" : " ", path, name_of(op.invoked));
}

}  // namespace conclave::sim::check
