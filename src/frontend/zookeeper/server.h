// The ZooKeeper front end of one replica: accepts clients and serves ZooKeeper 3.8's client protocol through the
// gateway. Loop thread only. It may be made before the gateway serves; clients are refused until then.
//
//   Server server(world..., gateway, settings);
//   if (auto listening = server.listen(network); !listening) ...
//
// Destroying it closes every connection; the gateway must be alive then, and its late completions find nobody.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "env/network.h"
#include "frontend/zookeeper/connection.h"
#include "frontend/zookeeper/hub.h"
#include "frontend/zookeeper/settings.h"
#include "replica/gateway.h"

namespace conclave::frontend::zookeeper {

// What the front end holds at one moment.
struct ServerFigures {
  size_t connections = 0;
  size_t closing = 0;   // of them, or already left and not destroyed yet
  size_t sessions = 0;  // that have a connection here
  size_t local_sessions = 0;
  size_t addresses = 0;  // that connections are counted for
  size_t watches = 0;
  size_t watchers = 0;
  uint64_t outstanding = 0;  // requests, as counted
  // Of the connections together, and of the one that has most.
  size_t requests = 0;
  size_t requests_most = 0;
  size_t unread_bytes_most = 0;
  size_t unsent_bytes_most = 0;
};

class Server final : public replica::GatewayObserver, private ConnectionHost {
 public:
  Server(env::Clock& clock, env::Executor& executor, env::Entropy& entropy, replica::Gateway& gateway,
         Settings settings);
  ~Server() override;

  // Binds every address of the settings; all or none.
  Result<> listen(env::Network& network);
  std::vector<env::Address> addresses() const;
  // Serves one accepted stream; closes it if a limit of connections is reached.
  void accept(std::unique_ptr<env::Stream> stream);
  // Stops listening and closes every connection.
  void stop();

  // replica::GatewayObserver
  void on_applied(const state::Applied& applied) override;
  void on_state_replaced() override;
  void on_serving_changed(bool serving) override;

  const ServerStatistics& statistics() const { return hub_.statistics; }
  size_t connection_count() const { return connections_.size(); }
  size_t watch_count() const { return hub_.watches.watch_count(); }
  ServerFigures figures() const;

 private:
  // ConnectionHost
  void holds_session(Connection* connection) override;
  void needs_flush(Connection* connection) override;
  void needs_unsent_check(Connection* connection) override;
  void gone(Connection* connection) override;
  std::optional<Bytes> four_letter_word(std::string_view word) override;
  bool read_only_mode() const override;

  // Runs `task` later, unless the server is gone by then.
  void later(void (Server::*task)());
  void schedule(Duration delay, void (Server::*task)(), env::TimerId* timer);
  void flush_all();
  void check_unsent_all();
  void bury();
  void sweep();
  bool admit(const env::Address& peer);
  std::vector<Connection*> all();
  // The established connection of this session, or null.
  Connection* connection_of(SessionId session) const;

  Hub hub_;
  std::shared_ptr<Server*> self_;
  std::vector<std::unique_ptr<env::Listener>> listeners_;
  std::map<WatcherId, std::unique_ptr<Connection>> connections_;  // ordered: nothing depends on hashing
  absl::flat_hash_map<SessionId, Connection*> sessions_;
  std::map<std::string, size_t> per_address_;
  std::vector<WatcherId> to_flush_;
  std::vector<WatcherId> to_check_;
  std::vector<std::unique_ptr<Connection>> buried_;
  WatcherId last_number_ = 0;
  Instant started_;
  Bytes event_frame_;  // kept for its capacity
  env::TimerId sweep_timer_ = 0;
  env::TimerId check_timer_ = 0;
  bool burial_posted_ = false;
};

}  // namespace conclave::frontend::zookeeper
