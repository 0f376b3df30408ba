// The operations: each encodes its request and, when the reply comes, turns the body into owned values.
#include "wire/zookeeper/requests.h"

#include <utility>

#include "client/client.h"
#include "wire/zookeeper/multi.h"
#include "wire/zookeeper/replies.h"

namespace conclave::client {

using namespace wire::zookeeper;

namespace {

std::vector<wire::zookeeper::Acl> to_wire(const client::Acl& acl) {
  std::vector<wire::zookeeper::Acl> out;
  for (const AclEntry& entry : acl) {
    out.push_back({.permissions = entry.permissions, .id = {.scheme = entry.scheme, .id = entry.id}});
  }
  return out;
}

client::Acl from_wire(const std::vector<wire::zookeeper::Acl>& acl) {
  client::Acl out;
  for (const auto& entry : acl) {
    out.push_back(
        {.permissions = entry.permissions, .scheme = std::string(entry.id.scheme), .id = std::string(entry.id.id)});
  }
  return out;
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

// A create goes to one of three opcodes, depending on its mode. The body that `send` gets holds views into the
// arguments.
template <class Send>
void send_create(std::string_view path, BytesView data, const CreateOptions& options,
                 std::vector<wire::zookeeper::Acl> acl, Send send) {
  switch (options.mode) {
    case CreateMode::persistent_with_ttl:
    case CreateMode::persistent_sequential_with_ttl:
      return send(
          OpCode::create_ttl,
          CreateTtlRequest{
              .path = path, .data = data, .acl = std::move(acl), .mode = options.mode, .ttl_ms = options.ttl_ms});
    default:
      return send(
          options.mode == CreateMode::container ? OpCode::create_container : OpCode::create2,
          wire::zookeeper::CreateRequest{.path = path, .data = data, .acl = std::move(acl), .mode = options.mode});
  }
}

// Views into `operation`.
MultiOp to_wire(const Operation& operation) {
  return std::visit(Overloaded{
                        [](const CreateOperation& part) {
                          MultiOp out;
                          send_create(part.path, part.data, part.options, to_wire(part.options.acl),
                                      [&](OpCode op, auto body) { out = {.op = op, .body = std::move(body)}; });
                          return out;
                        },
                        [](const RemoveOperation& part) {
                          return MultiOp{.op = OpCode::delete_node, .body = DeleteRequest{part.path, part.version}};
                        },
                        [](const SetOperation& part) {
                          return MultiOp{.op = OpCode::set_data,
                                         .body = SetDataRequest{part.path, part.data, part.version}};
                        },
                        [](const CheckOperation& part) {
                          return MultiOp{.op = OpCode::check, .body = CheckVersionRequest{part.path, part.version}};
                        },
                    },
                    operation);
}

OperationResult from_wire(const MultiResult& result) {
  OperationResult out;
  if (const auto* failed = std::get_if<ErrorResponse>(&result.body)) out.error = failed->error;
  if (const auto* created = std::get_if<Create2Response>(&result.body)) {
    out.path = std::string(created->path);
    out.stat = created->stat;
  }
  // In a multi, servers answer the create of a plain node so.
  if (const auto* created = std::get_if<PathResponse>(&result.body)) out.path = std::string(created->path);
  if (const auto* set = std::get_if<StatResponse>(&result.body)) out.stat = set->stat;
  return out;
}

NodeData read_node(Reader* in) {
  const auto response = in->get<GetDataResponse>();
  return {.data = Bytes(response.data), .stat = response.stat};
}

struct NoBody {
  static constexpr auto kFields = std::tuple();
};

}  // namespace

template <class Body>
void Client::submit(OpCode op, const Body& body, OnReply done) {
  const int32_t xid = ++last_xid_;
  Bytes bytes;
  FrameWriter frame(&bytes);
  Writer writer(&bytes);
  writer.put(RequestHeader{.xid = xid, .op = op});
  if constexpr (std::is_same_v<Body, MultiRequest>) {
    encode(body, &writer);
  } else {
    writer.put(body);
  }
  frame.finish();
  submit_frame(xid, std::move(bytes), std::move(done));
}

// Wraps a completion: errors pass through, a good reply goes through `read(Reader*) -> T`.
template <class T, class Read>
Client::OnReply Client::reading(Completion<T> done, Read read) {
  return [this, done = std::move(done), read = std::move(read)](ErrorCode error, Reader* in) mutable {
    if (error != ErrorCode::ok) {
      later([done = std::move(done), error]() mutable { done(std::unexpected(error)); });
      return;
    }
    if constexpr (std::is_void_v<T>) {
      read(in);
      later([done = std::move(done), ok = in->ok()]() mutable {
        done(ok ? Outcome<void>() : std::unexpected(ErrorCode::marshalling_error));
      });
    } else {
      T value = read(in);
      later([done = std::move(done), value = std::move(value), ok = in->ok()]() mutable {
        done(ok ? Outcome<T>(std::move(value)) : std::unexpected(ErrorCode::marshalling_error));
      });
    }
  };
}

void Client::create(std::string_view path, BytesView data, const CreateOptions& options, Completion<Created> done) {
  auto on_reply = reading<Created>(std::move(done), [](Reader* in) {
    const auto response = in->get<Create2Response>();
    return Created{.path = std::string(response.path), .stat = response.stat};
  });
  send_create(path, data, options, to_wire(options.acl),
              [&](OpCode op, const auto& body) { submit(op, body, std::move(on_reply)); });
}

void Client::multi(const std::vector<Operation>& operations, Completion<MultiOutcome> done) {
  MultiRequest request;
  for (const Operation& operation : operations) request.ops.push_back(to_wire(operation));
  submit(OpCode::multi, request, reading<MultiOutcome>(std::move(done), [count = operations.size()](Reader* in) {
           MultiOutcome out;
           for (const MultiResult& result : decode_multi_response(in).results) {
             out.parts.push_back(from_wire(result));
             if (out.error == ErrorCode::ok) out.error = out.parts.back().error;
           }
           if (out.parts.size() != count) in->fault();
           return out;
         }));
}

void Client::remove(std::string_view path, int32_t version, Completion<void> done) {
  submit(OpCode::delete_node, DeleteRequest{.path = path, .version = version},
         reading<void>(std::move(done), [](Reader*) {}));
}

void Client::exists(std::string_view path, WatchFunction watch, Completion<Stat> done) {
  const bool watching = static_cast<bool>(watch);
  auto on_reply = reading<Stat>(std::move(done), [](Reader* in) { return in->get<StatResponse>().stat; });
  submit(OpCode::exists, PathWatchRequest{.path = path, .watch = watching},
         [this, path = std::string(path), watch = std::move(watch), on_reply = std::move(on_reply)](
             ErrorCode error, Reader* in) mutable {
           if (watch && error == ErrorCode::ok) watches_.add(WatchTable::Kind::data, path, std::move(watch));
           if (watch && error == ErrorCode::no_node) watches_.add(WatchTable::Kind::exists, path, std::move(watch));
           on_reply(error, in);
         });
}

void Client::get(std::string_view path, WatchFunction watch, Completion<NodeData> done) {
  const bool watching = static_cast<bool>(watch);
  submit(OpCode::get_data, PathWatchRequest{.path = path, .watch = watching},
         reading<NodeData>(std::move(done),
                           [this, path = std::string(path), watch = std::move(watch)](Reader* in) mutable {
                             if (watch) watches_.add(WatchTable::Kind::data, path, std::move(watch));
                             return read_node(in);
                           }));
}

void Client::children(std::string_view path, WatchFunction watch, Completion<Children> done) {
  const bool watching = static_cast<bool>(watch);
  submit(OpCode::get_children2, PathWatchRequest{.path = path, .watch = watching},
         reading<Children>(
             std::move(done), [this, path = std::string(path), watch = std::move(watch)](Reader* in) mutable {
               if (watch) watches_.add(WatchTable::Kind::children, path, std::move(watch));
               const auto response = in->get<GetChildren2Response>();
               return Children{.names = {response.children.begin(), response.children.end()}, .stat = response.stat};
             }));
}

void Client::set(std::string_view path, BytesView data, int32_t version, Completion<Stat> done) {
  submit(OpCode::set_data, SetDataRequest{.path = path, .data = data, .version = version},
         reading<Stat>(std::move(done), [](Reader* in) { return in->get<StatResponse>().stat; }));
}

void Client::get_acl(std::string_view path, Completion<NodeAcl> done) {
  submit(OpCode::get_acl, PathRequest{.path = path}, reading<NodeAcl>(std::move(done), [](Reader* in) {
           const auto response = in->get<GetAclResponse>();
           return NodeAcl{.acl = from_wire(response.acl), .stat = response.stat};
         }));
}

void Client::set_acl(std::string_view path, const client::Acl& acl, int32_t version, Completion<Stat> done) {
  submit(OpCode::set_acl, SetAclRequest{.path = path, .acl = to_wire(acl), .version = version},
         reading<Stat>(std::move(done), [](Reader* in) { return in->get<StatResponse>().stat; }));
}

void Client::sync(std::string_view path, Completion<void> done) {
  submit(OpCode::sync, PathRequest{.path = path},
         reading<void>(std::move(done), [](Reader* in) { in->get<PathResponse>(); }));
}

void Client::reconfig(const MemberChange& change, Completion<NodeData> done) {
  submit(OpCode::reconfig,
         ReconfigRequest{.joining_servers = change.joining,
                         .leaving_servers = change.leaving,
                         .new_members = change.new_members,
                         .current_config_id = change.from_version},
         reading<NodeData>(std::move(done), read_node));
}

void Client::count_descendants(std::string_view path, Completion<int32_t> done) {
  submit(OpCode::get_all_children_number, PathRequest{.path = path},
         reading<int32_t>(std::move(done), [](Reader* in) { return in->get<GetAllChildrenNumberResponse>().total; }));
}

void Client::ephemerals(std::string_view prefix, Completion<std::vector<std::string>> done) {
  submit(OpCode::get_ephemerals, PathRequest{.path = prefix},
         reading<std::vector<std::string>>(std::move(done), [](Reader* in) {
           const auto response = in->get<GetEphemeralsResponse>();
           return std::vector<std::string>(response.ephemerals.begin(), response.ephemerals.end());
         }));
}

void Client::who_am_i(Completion<std::vector<Identity>> done) {
  submit(OpCode::who_am_i, NoBody{}, reading<std::vector<Identity>>(std::move(done), [](Reader* in) {
           std::vector<Identity> out;
           for (const ClientInfo& info : in->get<WhoAmIResponse>().clients) {
             out.push_back({.scheme = std::string(info.scheme), .id = std::string(info.user)});
           }
           return out;
         }));
}

void Client::add_watch(std::string_view path, AddWatchMode mode, WatchFunction watch, Completion<void> done) {
  const auto kind = mode == AddWatchMode::persistent ? WatchTable::Kind::persistent : WatchTable::Kind::recursive;
  submit(OpCode::add_watch, AddWatchRequest{.path = path, .mode = mode},
         reading<void>(std::move(done), [this, kind, path = std::string(path), watch = std::move(watch)](Reader* in) {
           in->get<ErrorResponse>();
           watches_.add(kind, path, watch);
         }));
}

void Client::remove_watches(std::string_view path, WatcherType type, Completion<void> done) {
  submit(
      OpCode::remove_watches, WatchesRequest{.path = path, .type = type},
      reading<void>(std::move(done), [this, path = std::string(path), type](Reader*) { watches_.remove(path, type); }));
}

void Client::add_auth(std::string_view scheme, BytesView credentials, Completion<void> done) {
  if (finished()) {
    later([done = std::move(done)]() mutable { done(std::unexpected(ErrorCode::auth_failed)); });
    return;
  }
  credentials_.push_back({.scheme = std::string(scheme), .auth = Bytes(credentials), .done = std::move(done)});
  if (established_) send_auth(credentials_.back());
}

}  // namespace conclave::client
