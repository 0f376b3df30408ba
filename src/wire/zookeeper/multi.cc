#include "wire/zookeeper/multi.h"

namespace conclave::wire::zookeeper {
namespace {

constexpr MultiHeader kEnd{.op = OpCode::error, .done = true, .error = ErrorCode::system_error};

template <class T, class Body>
bool read_into(Reader* in, Body* body) {
  in->get(&body->template emplace<T>());
  return true;
}

// False if no multi may hold the opcode.
bool read_body(OpCode op, Reader* in, MultiOp* out) {
  switch (op) {
    case OpCode::create:
    case OpCode::create2:
    case OpCode::create_container:
      return read_into<CreateRequest>(in, &out->body);
    case OpCode::create_ttl:
      return read_into<CreateTtlRequest>(in, &out->body);
    case OpCode::delete_node:
      return read_into<DeleteRequest>(in, &out->body);
    case OpCode::set_data:
      return read_into<SetDataRequest>(in, &out->body);
    case OpCode::check:
      return read_into<CheckVersionRequest>(in, &out->body);
    case OpCode::get_data:
    case OpCode::get_children:
      return read_into<PathWatchRequest>(in, &out->body);
    default:
      return false;
  }
}

bool read_body(OpCode op, Reader* in, MultiResult* out) {
  switch (op) {
    case OpCode::create:
      return read_into<PathResponse>(in, &out->body);
    case OpCode::create2:
      return read_into<Create2Response>(in, &out->body);
    case OpCode::set_data:
      return read_into<StatResponse>(in, &out->body);
    case OpCode::get_data:
      return read_into<GetDataResponse>(in, &out->body);
    case OpCode::get_children:
      return read_into<GetChildrenResponse>(in, &out->body);
    case OpCode::error:
      return read_into<ErrorResponse>(in, &out->body);
    case OpCode::delete_node:
    case OpCode::check:
      return true;
    default:
      return false;
  }
}

bool is_read(OpCode op) {
  return op == OpCode::get_data || op == OpCode::get_children;
}

}  // namespace

MultiRequest decode_multi_request(Reader* in, size_t ops_max) {
  MultiRequest request;
  for (auto header = in->get<MultiHeader>(); in->ok() && !header.done; header = in->get<MultiHeader>()) {
    MultiOp op{.op = header.op, .body = {}};
    const bool mixed = !request.ops.empty() && is_read(request.ops.front().op) != is_read(header.op);
    if (mixed || request.ops.size() == ops_max || !read_body(header.op, in, &op)) in->fault();
    if (in->ok()) request.ops.push_back(std::move(op));
  }
  if (!in->ok()) request.ops.clear();
  return request;
}

void encode(const MultiRequest& request, Writer* out) {
  for (const MultiOp& op : request.ops) {
    out->put(MultiHeader{.op = op.op});
    std::visit([&](const auto& body) { out->put(body); }, op.body);
  }
  encode_multi_end(out);
}

MultiResponse decode_multi_response(Reader* in) {
  MultiResponse response;
  for (auto header = in->get<MultiHeader>(); in->ok() && !header.done; header = in->get<MultiHeader>()) {
    MultiResult result{.op = header.op, .body = {}};
    if (!read_body(header.op, in, &result)) in->fault();
    if (in->ok()) response.results.push_back(std::move(result));
  }
  if (!in->ok()) response.results.clear();
  return response;
}

void encode(const MultiResult& result, Writer* out) {
  MultiHeader header{.op = result.op, .error = ErrorCode::ok};
  if (const auto* failed = std::get_if<ErrorResponse>(&result.body)) header.error = failed->error;
  out->put(header);
  std::visit(
      [&]<class Body>(const Body& body) {
        if constexpr (!std::is_same_v<Body, std::monostate>) out->put(body);
      },
      result.body);
}

void encode_multi_end(Writer* out) {
  out->put(kEnd);
}

void encode(const MultiResponse& response, Writer* out) {
  for (const MultiResult& result : response.results) encode(result, out);
  encode_multi_end(out);
}

}  // namespace conclave::wire::zookeeper
