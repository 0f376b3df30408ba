// A session with a real cell, by the client library.
#pragma once

#include <utility>

#include "client/chubby/client.h"
#include "gateway/cell_session.h"

namespace conclave::gateway {

class ClientSession final : public CellSession {
 public:
  static constexpr Duration kEndPatience = Duration::seconds(5);

  ClientSession(const env::Clock& clock, env::Executor& executor, env::Network& network, env::Entropy& entropy,
                chubby::Options options)
      : client_(clock, executor, network, entropy, std::move(options)) {}

  chubby::LockService& service() override { return client_; }
  Instant lease_end() const override { return client_.lease_end(); }
  void end(Task done) override { client_.end(kEndPatience, std::move(done)); }

 private:
  chubby::Client client_;
};

}  // namespace conclave::gateway
