// gRPC's side of the gateway: takes calls and streams on gRPC's threads and carries each to the loop, where the Gateway
// answers it. The only part that knows gRPC.
//
// Invariants:
//   R1  Reactors are used on the loop only, after they were started, and destroyed there: by a task that is posted when
//       gRPC is done with them, so behind all others of theirs.
//   R2  Each is finished once, and nothing is written to it afterwards.
#pragma once

#include <memory>

#include "app/gateway/listening.h"
#include "env/executor.h"
#include "gateway/gateway.h"

namespace conclave::app {

class GrpcServer {
 public:
  // Errors: a file that cannot be read, an address that cannot be bound.
  static Result<std::unique_ptr<GrpcServer>> start(const Listening& listening, env::Executor& loop,
                                                   gateway::Gateway& gateway);
  ~GrpcServer();

  // Of the port that is listened on; where 0 was asked for, a free one.
  uint16_t port() const;
  // Takes no more calls, and gives those under way so long. Blocks; not on the loop, which must run meanwhile.
  void shut_down(Duration patience);

 private:
  struct Parts;
  explicit GrpcServer(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace conclave::app
