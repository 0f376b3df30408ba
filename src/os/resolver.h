// Name resolution off the loop. getaddrinfo blocks for as long as DNS is silent, so each look-up has a thread of its
// own, up to a bound: a dead name must not delay the others (B15). Literal addresses never come here.
//
// Threads still blocked when the resolver dies are left behind; they share only a small state with it and end by
// themselves. Loop thread only; results are posted to the loop.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "os/loop.h"
#include "os/socket.h"

namespace conclave::os {

class Resolver {
 public:
  static constexpr size_t kThreadsMax = 16;
  using Done = std::move_only_function<void(Result<std::vector<SocketAddress>>)>;
  // Replaceable for tests: a look-up that blocks, fails or counts.
  using LookUp = std::function<Result<std::vector<SocketAddress>>(const env::Address&)>;

  explicit Resolver(
      Loop& loop,
      LookUp look_up = [](const env::Address& address) { return conclave::os::resolve(address, /*passive=*/false); });
  ~Resolver();

  // `done` is called once, from the loop, unless the resolver dies first. `unavailable` if kThreadsMax are busy.
  void resolve(env::Address address, Done done);
  size_t busy() const;

 private:
  struct Shared;
  Loop& loop_;
  LookUp look_up_;
  std::shared_ptr<Shared> shared_;
};

}  // namespace conclave::os
