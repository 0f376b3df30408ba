#include "frontend/zookeeper/reads.h"

#include <optional>

#include "base/plant.h"
#include "frontend/zookeeper/authentication.h"
#include "frontend/zookeeper/translate.h"
#include "wire/zookeeper/multi.h"

namespace conclave::frontend::zookeeper {
namespace {

using wire::ErrorCode;
using wire::OpCode;

// Registers the watch of a read that has succeeded.
ErrorCode watched(bool wanted, std::string_view path, WatchTable table, const ReadContext& reader) {
  if (!wanted || reader.watches.watch(path, table)) return ErrorCode::ok;
  return ErrorCode::quota_exceeded;
}

template <class Names>
void write_names(const Names& names, wire::Writer* out) {
  out->put(static_cast<int32_t>(names.size()));
  for (const auto& name : names) out->put(BytesView(name));
}

// A read of one node whose path was not null.
struct NodeRead {
  BytesView path;
  bool watch = false;
};

ErrorCode exists(const NodeRead& request, const ReadContext& reader, wire::Writer* out) {
  if (request.path.find('\0') != BytesView::npos) return ErrorCode::bad_arguments;
  const auto stat = reader.state.stat(request.path, reader.who);
  if (!stat && stat.error() != state::Code::no_node) return to_wire(stat.error());
  // The watch stays if there is no node: it waits for the creation.
  if (const auto code = watched(request.watch, request.path, WatchTable::data, reader); code != ErrorCode::ok) {
    return code;
  }
  if (!stat) return ErrorCode::no_node;
  out->put(to_wire(*stat));
  return ErrorCode::ok;
}

ErrorCode get_data(const NodeRead& request, const ReadContext& reader, wire::Writer* out) {
  const auto node = reader.state.get(request.path, reader.who);
  if (!node) return to_wire(node.error());
  out->put(node->data_is_null ? std::nullopt : std::optional(node->data));
  out->put(to_wire(node->stat));
  return watched(request.watch, request.path, WatchTable::data, reader);
}

ErrorCode get_children(const NodeRead& request, bool with_stat, const ReadContext& reader, wire::Writer* out) {
  const auto children = reader.state.children(request.path, reader.who);
  if (!children) return to_wire(children.error());
  write_names(*children, out);
  if (with_stat) {
    const auto stat = reader.state.stat(request.path, reader.who);
    if (!stat) return to_wire(stat.error());
    out->put(to_wire(*stat));
  }
  return watched(request.watch, request.path, WatchTable::children, reader);
}

ErrorCode get_acl(BytesView path, const ReadContext& reader, wire::Writer* out) {
  const auto acl = reader.state.acl(path, reader.who);
  if (!acl) return to_wire(acl.error());
  const auto stat = reader.state.stat(path, reader.who);
  if (!stat) return to_wire(stat.error());
  const bool secrets = reader.state.permitted(*acl, state::kAdmin, reader.who);
  out->put(static_cast<int32_t>(acl->size()));
  for (const state::AclEntry& entry : *acl) {
    out->put(static_cast<int32_t>(entry.permissions));
    out->put(BytesView(entry.scheme));
    const size_t colon = entry.id.find(':');
    if (secrets || entry.scheme != "digest" || colon == std::string::npos) {
      out->put(BytesView(entry.id));
    } else {
      out->put(BytesView(entry.id.substr(0, colon) + ":x"));  // CVE-2019-0201
    }
  }
  out->put(to_wire(*stat));
  return ErrorCode::ok;
}

ErrorCode get_ephemerals(BytesView prefix, const ReadContext& reader, wire::Writer* out) {
  const bool all = prefix.find_first_not_of(" \t\n\r\f\v") == BytesView::npos || prefix == "/";
  std::vector<std::string> paths = reader.state.ephemerals(reader.session);
  if (!all) std::erase_if(paths, [&](const std::string& path) { return !path.starts_with(prefix); });
  write_names(paths, out);
  return ErrorCode::ok;
}

ErrorCode multi_read(wire::Reader* in, const ReadContext& reader, wire::Writer* out) {
  const wire::MultiRequest request = decode_multi_request(in, reader.multi_ops_max);
  if (!in->ok()) return ErrorCode::marshalling_error;
  for (const wire::MultiOp& op : request.ops) {
    const auto* part = std::get_if<wire::PathWatchRequest>(&op.body);
    if (part == nullptr || !part->path) return ErrorCode::marshalling_error;
    const NodeRead read{.path = *part->path, .watch = false};  // as ZooKeeper, which drops the flag here
    const size_t start = out->out()->size();
    out->put(wire::MultiHeader{.op = op.op, .error = ErrorCode::ok});
    const ErrorCode code =
        op.op == OpCode::get_data ? get_data(read, reader, out) : get_children(read, /*with_stat=*/false, reader, out);
    if (code == ErrorCode::ok) continue;
    out->out()->resize(start);
    encode(wire::MultiResult{.op = OpCode::error, .body = wire::ErrorResponse{code}}, out);
  }
  encode_multi_end(out);
  return ErrorCode::ok;
}

void who_am_i(const ReadContext& reader, wire::Writer* out) {
  out->put(static_cast<int32_t>(reader.who.size()));
  for (const state::Identity& identity : reader.who) {
    out->put(wire::ClientInfo{.scheme = identity.scheme, .user = user_name(identity)});
  }
}

ErrorCode add_watch(const wire::AddWatchRequest& request, const ReadContext& reader, wire::Writer* out) {
  PersistentMode mode{};
  switch (request.mode) {
    case wire::AddWatchMode::persistent:
      mode = PersistentMode::persistent;
      break;
    case wire::AddWatchMode::persistent_recursive:
      mode = PersistentMode::recursive;
      break;
    default:
      return ErrorCode::marshalling_error;
  }
  if (!reader.watches.watch_persistent(request.path, mode)) return ErrorCode::quota_exceeded;
  out->put(wire::ErrorResponse{ErrorCode::ok});
  return ErrorCode::ok;
}

std::optional<WatchScope> scope_of(wire::WatcherType type) {
  switch (type) {
    case wire::WatcherType::children:
      return WatchScope::children;
    case wire::WatcherType::data:
      return WatchScope::data;
    case wire::WatcherType::any:
      return WatchScope::any;
  }
  return std::nullopt;
}

// DataTree.setWatches: what happened to a path after `relative_zxid` fires now; where nothing did, the watch is set.
ErrorCode set_watches(const wire::SetWatches2Request& request, const ReadContext& reader) {
  WatchPort& watches = reader.watches;
  const auto stat_of = [&](BytesView path) { return reader.state.stat(path, reader.who); };
  bool fits = true;
  for (const BytesView path : request.data) {
    const auto stat = stat_of(path);
    if (!stat) {
      watches.notify(WatchEvent::deleted, path);
    } else if (stat->mzxid > request.relative_zxid && !CONCLAVE_PLANT(missed_event_not_told)) {
      watches.notify(WatchEvent::data_changed, path);
    } else {
      fits &= watches.watch(path, WatchTable::data);
    }
  }
  for (const BytesView path : request.exists) {
    if (stat_of(path)) {
      watches.notify(WatchEvent::created, path);
    } else {
      fits &= watches.watch(path, WatchTable::data);
    }
  }
  for (const BytesView path : request.children) {
    const auto stat = stat_of(path);
    if (!stat) {
      watches.notify(WatchEvent::deleted, path);
    } else if (stat->pzxid > request.relative_zxid) {
      watches.notify(WatchEvent::children_changed, path);
    } else {
      fits &= watches.watch(path, WatchTable::children);
    }
  }
  for (const BytesView path : request.persistent) fits &= watches.watch_persistent(path, PersistentMode::persistent);
  for (const BytesView path : request.persistent_recursive) {
    fits &= watches.watch_persistent(path, PersistentMode::recursive);
  }
  return fits ? ErrorCode::ok : ErrorCode::quota_exceeded;
}

wire::SetWatches2Request widened(wire::SetWatchesRequest request) {
  return {.relative_zxid = request.relative_zxid,
          .data = std::move(request.data),
          .exists = std::move(request.exists),
          .children = std::move(request.children),
          .persistent = {},
          .persistent_recursive = {}};
}

}  // namespace

ErrorCode run_read(OpCode op, wire::Reader* in, const ReadContext& reader, wire::Writer* out) {
  switch (op) {
    case OpCode::exists:
    case OpCode::get_data:
    case OpCode::get_children:
    case OpCode::get_children2: {
      const auto raw = in->get<wire::PathWatchRequest>();
      if (!in->ok() || !raw.path) return ErrorCode::marshalling_error;
      const NodeRead request{.path = *raw.path, .watch = raw.watch};
      if (op == OpCode::exists) return exists(request, reader, out);
      if (op == OpCode::get_data) return get_data(request, reader, out);
      return get_children(request, op == OpCode::get_children2, reader, out);
    }
    case OpCode::get_acl:
    case OpCode::get_ephemerals:
    case OpCode::get_all_children_number: {
      const auto request = in->get<wire::PathRequest>();
      if (!in->ok()) return ErrorCode::marshalling_error;
      if (op == OpCode::get_ephemerals) return get_ephemerals(request.path.value_or(""), reader, out);
      if (!request.path) return ErrorCode::marshalling_error;
      if (op == OpCode::get_acl) return get_acl(*request.path, reader, out);
      const auto count = reader.state.count_descendants(*request.path, reader.who);
      if (!count) return to_wire(count.error());
      out->put(*count + (request.path->empty() ? 1 : 0));  // ZooKeeper's "" has "/" beneath it
      return ErrorCode::ok;
    }
    case OpCode::multi_read:
      return multi_read(in, reader, out);
    case OpCode::who_am_i:
      return who_am_i(reader, out), ErrorCode::ok;
    case OpCode::add_watch: {
      const auto request = in->get<wire::AddWatchRequest>();
      return in->ok() ? add_watch(request, reader, out) : ErrorCode::marshalling_error;
    }
    case OpCode::check_watches:
    case OpCode::remove_watches: {
      const auto request = in->get<wire::WatchesRequest>();
      const auto scope = scope_of(request.type);
      if (!in->ok() || !scope) return ErrorCode::marshalling_error;
      // ZooKeeper looks for recursive watches above the path here, and stumbles.
      const bool relative = !request.path.empty() && request.path.front() != '/';
      if (op == OpCode::check_watches && relative) return ErrorCode::marshalling_error;
      const bool found = op == OpCode::check_watches ? reader.watches.watches(request.path, *scope)
                                                     : reader.watches.unwatch(request.path, *scope);
      return found ? ErrorCode::ok : ErrorCode::no_watcher;
    }
    case OpCode::set_watches: {
      auto request = in->get<wire::SetWatchesRequest>();
      return in->ok() ? set_watches(widened(std::move(request)), reader) : ErrorCode::marshalling_error;
    }
    case OpCode::set_watches2: {
      const auto request = in->get<wire::SetWatches2Request>();
      return in->ok() ? set_watches(request, reader) : ErrorCode::marshalling_error;
    }
    default:
      return ErrorCode::unimplemented;
  }
}

}  // namespace conclave::frontend::zookeeper
