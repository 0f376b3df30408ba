#include "wire/zookeeper/protocol.h"

namespace conclave::wire::zookeeper {

std::string_view to_string(OpCode op) {
  switch (op) {
    case OpCode::notification:
      return "notification";
    case OpCode::create:
      return "create";
    case OpCode::delete_node:
      return "delete";
    case OpCode::exists:
      return "exists";
    case OpCode::get_data:
      return "getData";
    case OpCode::set_data:
      return "setData";
    case OpCode::get_acl:
      return "getACL";
    case OpCode::set_acl:
      return "setACL";
    case OpCode::get_children:
      return "getChildren";
    case OpCode::sync:
      return "sync";
    case OpCode::ping:
      return "ping";
    case OpCode::get_children2:
      return "getChildren2";
    case OpCode::check:
      return "check";
    case OpCode::multi:
      return "multi";
    case OpCode::create2:
      return "create2";
    case OpCode::reconfig:
      return "reconfig";
    case OpCode::check_watches:
      return "checkWatches";
    case OpCode::remove_watches:
      return "removeWatches";
    case OpCode::create_container:
      return "createContainer";
    case OpCode::delete_container:
      return "deleteContainer";
    case OpCode::create_ttl:
      return "createTTL";
    case OpCode::multi_read:
      return "multiRead";
    case OpCode::auth:
      return "auth";
    case OpCode::set_watches:
      return "setWatches";
    case OpCode::sasl:
      return "sasl";
    case OpCode::get_ephemerals:
      return "getEphemerals";
    case OpCode::get_all_children_number:
      return "getAllChildrenNumber";
    case OpCode::set_watches2:
      return "setWatches2";
    case OpCode::add_watch:
      return "addWatch";
    case OpCode::who_am_i:
      return "whoAmI";
    case OpCode::create_session:
      return "createSession";
    case OpCode::close_session:
      return "closeSession";
    case OpCode::error:
      return "error";
  }
  return "unknown";
}

std::optional<OpCode> opcode_from_wire(int32_t number) {
  const auto op = static_cast<OpCode>(number);
  if (to_string(op) == "unknown") return std::nullopt;
  return op;
}

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::ok:
      return "ok";
    case ErrorCode::system_error:
      return "system error";
    case ErrorCode::runtime_inconsistency:
      return "runtime inconsistency";
    case ErrorCode::data_inconsistency:
      return "data inconsistency";
    case ErrorCode::connection_loss:
      return "connection loss";
    case ErrorCode::marshalling_error:
      return "marshalling error";
    case ErrorCode::unimplemented:
      return "unimplemented";
    case ErrorCode::operation_timeout:
      return "operation timeout";
    case ErrorCode::bad_arguments:
      return "bad arguments";
    case ErrorCode::unknown_session:
      return "unknown session";
    case ErrorCode::new_config_no_quorum:
      return "new configuration has no quorum";
    case ErrorCode::reconfig_in_progress:
      return "reconfiguration in progress";
    case ErrorCode::api_error:
      return "api error";
    case ErrorCode::no_node:
      return "no node";
    case ErrorCode::no_auth:
      return "not authorised";
    case ErrorCode::bad_version:
      return "bad version";
    case ErrorCode::no_children_for_ephemerals:
      return "ephemeral nodes have no children";
    case ErrorCode::node_exists:
      return "node exists";
    case ErrorCode::not_empty:
      return "node has children";
    case ErrorCode::session_expired:
      return "session expired";
    case ErrorCode::invalid_callback:
      return "invalid callback";
    case ErrorCode::invalid_acl:
      return "invalid acl";
    case ErrorCode::auth_failed:
      return "authentication failed";
    case ErrorCode::session_moved:
      return "session moved";
    case ErrorCode::not_read_only:
      return "not a read-only call";
    case ErrorCode::ephemeral_on_local_session:
      return "ephemeral node on a local session";
    case ErrorCode::no_watcher:
      return "no such watcher";
    case ErrorCode::request_timeout:
      return "request timeout";
    case ErrorCode::reconfig_disabled:
      return "reconfiguration disabled";
    case ErrorCode::session_closed_require_sasl_auth:
      return "session closed: SASL authentication required";
    case ErrorCode::quota_exceeded:
      return "quota exceeded";
    case ErrorCode::throttled_op:
      return "throttled";
  }
  return "unknown error";
}

std::string_view to_string(EventType type) {
  switch (type) {
    case EventType::none:
      return "None";
    case EventType::node_created:
      return "NodeCreated";
    case EventType::node_deleted:
      return "NodeDeleted";
    case EventType::node_data_changed:
      return "NodeDataChanged";
    case EventType::node_children_changed:
      return "NodeChildrenChanged";
    case EventType::data_watch_removed:
      return "DataWatchRemoved";
    case EventType::child_watch_removed:
      return "ChildWatchRemoved";
    case EventType::persistent_watch_removed:
      return "PersistentWatchRemoved";
  }
  return "unknown";
}

std::string_view to_string(KeeperState state) {
  switch (state) {
    case KeeperState::unknown:
      return "Unknown";
    case KeeperState::disconnected:
      return "Disconnected";
    case KeeperState::no_sync_connected:
      return "NoSyncConnected";
    case KeeperState::sync_connected:
      return "SyncConnected";
    case KeeperState::auth_failed:
      return "AuthFailed";
    case KeeperState::connected_read_only:
      return "ConnectedReadOnly";
    case KeeperState::sasl_authenticated:
      return "SaslAuthenticated";
    case KeeperState::closed:
      return "Closed";
    case KeeperState::expired:
      return "Expired";
  }
  return "unknown";
}

}  // namespace conclave::wire::zookeeper
