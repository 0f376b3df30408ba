// The Chubby front end of one replica: accepts clients, and serves them while this replica is the master. Loop thread
// only.
//
//   Server server(clock, executor, entropy, gateway, settings);
//   if (auto listening = server.listen(network); !listening) ...
//
// Destroying it closes every connection; the gateway must be alive then, and its late completions find nobody.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "env/entropy.h"
#include "env/network.h"
#include "frontend/chubby/connection.h"
#include "frontend/chubby/master.h"
#include "frontend/chubby/settings.h"
#include "replica/gateway.h"

namespace conclave::frontend::chubby {

struct ServerFigures {
  size_t connections = 0;
  size_t waiting = 0;  // until this master is ready
  MasterFigures master;
};

class Server final : public replica::GatewayObserver, public replica::ChangeGate, private ConnectionHost {
 public:
  Server(env::Clock& clock, env::Executor& executor, env::Entropy& entropy, replica::Gateway& gateway,
         Settings settings);
  ~Server() override;

  // Binds every address of the settings, for streams and for datagrams; all or none.
  Result<> listen(env::Network& network);
  std::vector<env::Address> addresses() const;
  // Stops listening and closes every connection.
  void stop();

  // replica::GatewayObserver
  void on_applied(const state::Applied& applied) override;
  void on_state_replaced() override {}  // of a replica that is not the master
  void on_serving_changed(bool) override {}
  void on_mastership(std::optional<Epoch> epoch) override;
  // replica::ChangeGate
  bool admit(const state::Transaction& txn, uint64_t ticket) override;

  ServerFigures figures() const;
  // Null: this replica is not the master.
  const Master* master() const { return master_.get(); }

 private:
  // ConnectionHost
  void on_hello(Connection* connection, const wire::Hello& hello) override;
  void on_message(Connection* connection, wire::ClientMessage message) override;
  void gone(Connection* connection) override;

  Result<> listen_at(env::Network& network, const env::Address& address);
  void accept(std::unique_ptr<env::Stream> stream);
  // Came at the socket of that place in `sockets_`.
  void on_datagram(size_t socket, const env::Address& from, BytesView bytes);
  void answer_hello(Connection* connection, const wire::Hello& hello);
  void open_session(Connection* connection, state::Identities who);
  void resume_session(Connection* connection, SessionId session, const Bytes& password, state::Identities who);
  void welcome(Connection* connection, SessionId session, BytesView password, state::Identities who);
  void refuse(Connection* connection, std::string reason);
  void send_elsewhere(Connection* connection, std::string reason);
  // Null: it has gone meanwhile, or this replica is not the master of that epoch any more.
  Connection* still_here(uint64_t number, Epoch epoch) const;
  void tick();

  env::Clock& clock_;
  env::Executor& executor_;
  env::Entropy& entropy_;
  replica::Gateway& gateway_;
  const Settings settings_;
  std::vector<std::unique_ptr<env::Listener>> listeners_;
  std::vector<std::unique_ptr<env::DatagramSocket>> sockets_;
  std::map<uint64_t, std::unique_ptr<Connection>> connections_;
  std::map<uint64_t, wire::Hello> waiting_;  // by connection: until the master is ready
  std::map<SessionId, uint64_t> holders_;    // the connection that a session is at, or comes back at
  std::vector<std::unique_ptr<Connection>> buried_;
  uint64_t last_number_ = 0;
  Unsettled unsettled_;
  std::unique_ptr<Master> master_;  // null: this replica is not
  env::TimerId timer_ = 0;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::frontend::chubby
