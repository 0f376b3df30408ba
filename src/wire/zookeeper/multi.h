// multi (all or nothing) and multiRead (each on its own): lists of operations, each behind a MultiHeader, closed by a
// header that says `done`. Views: see records.h. Pure.
#pragma once

#include <variant>
#include <vector>

#include "wire/zookeeper/replies.h"
#include "wire/zookeeper/requests.h"

namespace conclave::wire::zookeeper {

// The body that goes with `op`: CreateRequest for create, create2 and createContainer, CreateTtlRequest for createTTL,
// DeleteRequest, SetDataRequest and CheckVersionRequest for theirs, PathWatchRequest for getData and getChildren.
struct MultiOp {
  OpCode op = OpCode::error;
  std::variant<CreateRequest, CreateTtlRequest, DeleteRequest, SetDataRequest, CheckVersionRequest, PathWatchRequest>
      body;
  friend bool operator==(const MultiOp&, const MultiOp&) = default;
};

struct MultiRequest {
  std::vector<MultiOp> ops;
  friend bool operator==(const MultiRequest&, const MultiRequest&) = default;
};

// Reads up to `ops_max` operations; more of them, an opcode that no multi may hold, and a mixture of reads and writes
// are faults of `in` (ZooKeeper answers each with a marshalling error).
MultiRequest decode_multi_request(Reader* in, size_t ops_max);
void encode(const MultiRequest& request, Writer* out);

// Result of one operation: create has PathResponse, create2 (also for createContainer and createTTL) Create2Response,
// setData StatResponse, delete and check nothing, getData and getChildren their own. A failed one has op = error and an
// ErrorResponse. In a multi that failed every result is such: ok before the culprit, runtime_inconsistency after it.
struct MultiResult {
  OpCode op = OpCode::error;
  std::variant<std::monostate, PathResponse, Create2Response, StatResponse, GetDataResponse, GetChildrenResponse,
               ErrorResponse>
      body;
  friend bool operator==(const MultiResult&, const MultiResult&) = default;
};

struct MultiResponse {
  std::vector<MultiResult> results;
  friend bool operator==(const MultiResponse&, const MultiResponse&) = default;
};

MultiResponse decode_multi_response(Reader* in);
void encode(const MultiResponse& response, Writer* out);
// The parts of encode(MultiResponse), for a server that writes results as it makes them.
void encode(const MultiResult& result, Writer* out);
void encode_multi_end(Writer* out);

}  // namespace conclave::wire::zookeeper
