#include "frontend/zookeeper/translate.h"

#include <utility>

#include "wire/zookeeper/server_line.h"

namespace conclave::frontend::zookeeper {
namespace {

using wire::ErrorCode;
using wire::OpCode;

state::Acl from_wire(const std::vector<wire::Acl>& acl) {
  state::Acl out;
  out.reserve(acl.size());
  for (const wire::Acl& entry : acl) {
    out.push_back({.permissions = static_cast<uint32_t>(entry.permissions),
                   .scheme = std::string(entry.id.scheme),
                   .id = std::string(entry.id.id)});
  }
  return out;
}

struct Mode {
  state::NodeKind kind;
  bool sequential;
};

std::optional<Mode> mode_of(wire::CreateMode mode) {
  switch (mode) {
    case wire::CreateMode::persistent:
      return Mode{state::NodeKind::persistent, false};
    case wire::CreateMode::ephemeral:
      return Mode{state::NodeKind::ephemeral, false};
    case wire::CreateMode::persistent_sequential:
      return Mode{state::NodeKind::persistent, true};
    case wire::CreateMode::ephemeral_sequential:
      return Mode{state::NodeKind::ephemeral, true};
    case wire::CreateMode::container:
      return Mode{state::NodeKind::container, false};
    case wire::CreateMode::persistent_with_ttl:
      return Mode{state::NodeKind::ttl, false};
    case wire::CreateMode::persistent_sequential_with_ttl:
      return Mode{state::NodeKind::ttl, true};
  }
  return std::nullopt;
}

constexpr int64_t kNoTtl = -1;

state::CreateRequest create_of(BytesView path, std::optional<BytesView> data, const std::vector<wire::Acl>& acl,
                               state::NodeKind kind, bool sequential, int64_t ttl_ms) {
  return state::CreateRequest{.path = std::string(path),
                              .data = Bytes(data.value_or("")),
                              .acl = from_wire(acl),
                              .kind = kind,
                              .sequential = sequential,
                              .ttl_ms = kind == state::NodeKind::ttl ? ttl_ms : 0,
                              .data_is_null = !data};
}

using Create = std::expected<state::CreateRequest, ErrorCode>;

// On its own ZooKeeper goes by the opcode: create and create2 make no containers, createContainer makes nothing else.
// createTTL with a plain mode and no TTL makes a plain node here.
Create to_create(OpCode op, BytesView path, std::optional<BytesView> data, const std::vector<wire::Acl>& acl,
                 wire::CreateMode flags, int64_t ttl_ms) {
  const auto mode = mode_of(flags);
  if (!mode) return std::unexpected(ErrorCode::bad_arguments);
  if (mode->kind != state::NodeKind::ttl && ttl_ms >= 0) return std::unexpected(ErrorCode::bad_arguments);
  state::NodeKind kind = mode->kind;
  if (op == OpCode::create_container) {
    if (kind == state::NodeKind::ttl) return std::unexpected(ErrorCode::bad_arguments);
    kind = state::NodeKind::container;
  } else if (op != OpCode::create_ttl && kind == state::NodeKind::container) {
    kind = state::NodeKind::persistent;
  }
  return create_of(path, data, acl, kind, mode->sequential, ttl_ms);
}

// Inside a multi it goes by the mode, and a TTL that the mode does not use is ignored. A TTL mode without a TTL spoils
// the whole multi. A mode that does not exist fails in its turn: the evaluator refuses a TTL of a plain node.
Create to_create_in_multi(BytesView path, std::optional<BytesView> data, const std::vector<wire::Acl>& acl,
                          wire::CreateMode flags, std::optional<int64_t> ttl_ms) {
  const auto mode = mode_of(flags);
  if (!mode) {
    auto refused = create_of(path, data, acl, state::NodeKind::persistent, false, 0);
    refused.ttl_ms = 1;
    return refused;
  }
  if (mode->kind == state::NodeKind::ttl && !ttl_ms) return std::unexpected(ErrorCode::marshalling_error);
  return create_of(path, data, acl, mode->kind, mode->sequential, ttl_ms.value_or(kNoTtl));
}

using Part = std::expected<state::MultiRequest::Op, ErrorCode>;

Part to_part(const wire::CreateRequest& r) {
  return to_create_in_multi(r.path, r.data, r.acl, r.mode, std::nullopt);
}
Part to_part(const wire::CreateTtlRequest& r) {
  return to_create_in_multi(r.path, r.data, r.acl, r.mode, r.ttl_ms);
}
Part to_part(const wire::DeleteRequest& r) {
  return state::DeleteRequest{.path = std::string(r.path), .version = r.version};
}
Part to_part(const wire::SetDataRequest& r) {
  return state::SetDataRequest{
      .path = std::string(r.path), .data = Bytes(r.data.value_or("")), .version = r.version, .data_is_null = !r.data};
}
Part to_part(const wire::CheckVersionRequest& r) {
  return state::CheckRequest{.path = std::string(r.path), .version = r.version};
}
Part to_part(const wire::PathWatchRequest&) {
  return std::unexpected(ErrorCode::marshalling_error);
}  // a read

bool is_ephemeral(const state::MultiRequest::Op& op) {
  const auto* create = std::get_if<state::CreateRequest>(&op);
  return create != nullptr && create->kind == state::NodeKind::ephemeral;
}

// A request on its own; only creates differ from the parts of a multi.
template <class Body>
Part alone(OpCode, const Body& r) {
  return to_part(r);
}
template <>
Part alone(OpCode op, const wire::CreateRequest& r) {
  return to_create(op, r.path, r.data, r.acl, r.mode, kNoTtl);
}
template <>
Part alone(OpCode op, const wire::CreateTtlRequest& r) {
  return to_create(op, r.path, r.data, r.acl, r.mode, r.ttl_ms);
}

template <class Body>
std::expected<Write, ErrorCode> plain(OpCode op, wire::Reader* in) {
  const auto body = in->get<Body>();
  if (!in->ok()) return std::unexpected(ErrorCode::marshalling_error);
  Part part = alone(op, body);
  if (!part) return std::unexpected(part.error());
  Write write;
  write.makes_ephemeral = is_ephemeral(*part);
  write.body = std::visit([](auto&& body_of) { return state::RequestBody(std::move(body_of)); }, std::move(*part));
  return write;
}

// Inside a multi ZooKeeper goes by the create mode, not by the opcode: only container and TTL nodes answer with a stat.
OpCode answered_as(const wire::MultiOp& op) {
  wire::CreateMode mode{};
  if (const auto* plain_create = std::get_if<wire::CreateRequest>(&op.body)) {
    mode = plain_create->mode;
  } else if (const auto* ttl_create = std::get_if<wire::CreateTtlRequest>(&op.body)) {
    mode = ttl_create->mode;
  } else {
    return op.op;
  }
  const auto known = mode_of(mode);
  const bool has_stat = known && (known->kind == state::NodeKind::container || known->kind == state::NodeKind::ttl);
  return has_stat ? OpCode::create2 : OpCode::create;
}

std::expected<Write, ErrorCode> multi(wire::Reader* in, size_t ops_max) {
  const wire::MultiRequest request = decode_multi_request(in, ops_max);
  if (!in->ok()) return std::unexpected(ErrorCode::marshalling_error);
  Write write;
  state::MultiRequest out;
  out.ops.reserve(request.ops.size());
  write.ops.reserve(request.ops.size());
  for (const wire::MultiOp& op : request.ops) {
    Part part = std::visit([](const auto& body) { return to_part(body); }, op.body);
    if (!part) return std::unexpected(part.error());
    write.ops.push_back(answered_as(op));
    write.makes_ephemeral |= is_ephemeral(*part);
    out.ops.push_back(std::move(*part));
  }
  write.body = std::move(out);
  return write;
}

// Written piece by piece rather than through a MultiResult, whose views would need the outcome to outlive it anyway.
void write_result(OpCode op, const state::OpOutcome& outcome, wire::Writer* out) {
  wire::MultiResult result{.op = op, .body = {}};
  switch (op) {
    case OpCode::create:
      result.body = wire::PathResponse{outcome.path};
      break;
    case OpCode::create2:
    case OpCode::create_container:
    case OpCode::create_ttl:
      result.op = OpCode::create2;
      result.body = wire::Create2Response{outcome.path, to_wire(outcome.stat)};
      break;
    case OpCode::set_data:
      result.body = wire::StatResponse{to_wire(outcome.stat)};
      break;
    default:
      break;  // delete and check answer with their header alone
  }
  encode(result, out);
}

void write_multi(const std::vector<OpCode>& ops, const state::Outcome& outcome, wire::Writer* out) {
  for (size_t i = 0; i < ops.size(); ++i) {
    const state::OpOutcome part = i < outcome.ops.size() ? outcome.ops[i] : state::OpOutcome{.code = outcome.code};
    if (outcome.code == state::Code::ok && part.code == state::Code::ok) {
      write_result(ops[i], part, out);
    } else {
      encode(wire::MultiResult{.op = OpCode::error, .body = wire::ErrorResponse{to_wire(part.code)}}, out);
    }
  }
  encode_multi_end(out);
}

}  // namespace

std::expected<state::ReconfigRequest, BadReconfig> read_reconfig(wire::Reader* in) {
  const auto asked = in->get<wire::ReconfigRequest>();
  if (!in->ok()) return std::unexpected(BadReconfig{ErrorCode::marshalling_error, "the request cannot be read"});
  const auto bad = [](std::string reason) {
    return std::unexpected(BadReconfig{ErrorCode::bad_arguments, std::move(reason)});
  };
  const BytesView joining = asked.joining_servers.value_or(""), leaving = asked.leaving_servers.value_or("");
  state::ReconfigRequest request{.whole = !asked.new_members.value_or("").empty(),
                                 .joining = {},
                                 .leaving = {},
                                 .version = asked.current_config_id,
                                 .config = {}};
  if (request.whole && !(joining.empty() && leaving.empty())) return bad("both a whole list and changes of it");
  const auto servers = wire::parse_server_lines(request.whole ? *asked.new_members : joining);
  if (!servers) return bad(servers.error().message);
  const auto gone = wire::parse_server_ids(leaving);
  if (!gone) return bad(gone.error().message);
  for (const wire::ServerLine& server : *servers) {
    state::ReconfigRequest::Joining& member = request.joining.emplace_back();
    member.id = ReplicaId(static_cast<uint8_t>(server.id));
    member.voter = !server.observer;
    for (const wire::HostPort& peer : server.peers) member.address.peers.push_back({peer.host, peer.port});
    member.address.election_port = server.election_port;
    if (server.client) member.address.client = {server.client->host, server.client->port};
  }
  for (const int64_t id : *gone) request.leaving.emplace_back(static_cast<uint8_t>(id));
  return request;
}

wire::Stat to_wire(const state::Stat& stat) {
  return {.czxid = stat.czxid,
          .mzxid = stat.mzxid,
          .ctime_ms = stat.ctime_ms,
          .mtime_ms = stat.mtime_ms,
          .version = stat.version,
          .cversion = stat.cversion,
          .aversion = stat.aversion,
          .ephemeral_owner = stat.ephemeral_owner,
          .data_length = stat.data_length,
          .num_children = stat.num_children,
          .pzxid = stat.pzxid};
}

std::expected<Write, ErrorCode> read_write(OpCode op, wire::Reader* in, size_t multi_ops_max) {
  switch (op) {
    case OpCode::create:
    case OpCode::create2:
    case OpCode::create_container:
      return plain<wire::CreateRequest>(op, in);
    case OpCode::create_ttl:
      return plain<wire::CreateTtlRequest>(op, in);
    case OpCode::delete_node:
      return plain<wire::DeleteRequest>(op, in);
    case OpCode::set_data:
      return plain<wire::SetDataRequest>(op, in);
    case OpCode::check:
      return plain<wire::CheckVersionRequest>(op, in);
    case OpCode::multi:
      return multi(in, multi_ops_max);
    case OpCode::set_acl: {
      const auto request = in->get<wire::SetAclRequest>();
      if (!in->ok()) return std::unexpected(ErrorCode::marshalling_error);
      Write write;
      write.body = state::SetAclRequest{
          .path = std::string(request.path), .acl = from_wire(request.acl), .version = request.version};
      return write;
    }
    default:
      return std::unexpected(ErrorCode::unimplemented);
  }
}

void write_outcome(OpCode op, const std::vector<OpCode>& ops, const state::Outcome& outcome, const state::Stat& checked,
                   wire::Writer* out) {
  static const state::OpOutcome kNothing;
  const state::OpOutcome& only = outcome.ops.empty() ? kNothing : outcome.ops.front();
  switch (op) {
    case OpCode::multi:
      return write_multi(ops, outcome, out);
    case OpCode::create:
      return out->put(wire::PathResponse{only.path});
    case OpCode::create2:
    case OpCode::create_container:
    case OpCode::create_ttl:
      return out->put(wire::Create2Response{only.path, to_wire(only.stat)});
    case OpCode::set_data:
    case OpCode::set_acl:
      return out->put(wire::StatResponse{to_wire(only.stat)});
    case OpCode::check:
      return out->put(wire::StatResponse{to_wire(checked)});
    default:
      return;  // delete
  }
}

}  // namespace conclave::frontend::zookeeper
