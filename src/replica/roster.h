// With whom this replica takes part in its cell, kept together in one place: who founded it (Founding), who its members
// are by the log (Members), and whom it is connected with because of that (env::PeerNetwork). Loop thread only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "env/world.h"
#include "replica/founding.h"
#include "replica/members.h"
#include "replica/options.h"
#include "storage/identity.h"
#include "wire/peer/peer_message.h"

namespace conclave::replica {

class Roster {
 public:
  // `on_founded`: this replica knows now, and its disk too, that it is a founder. `on_failure`: its disk cannot keep
  // that.
  Roster(const env::World& world, const Options& options, storage::Identity identity, Founding founding,
         state::Service& service, std::function<void(const std::vector<consensus::Member>&)> on_founded,
         std::function<void(const Error&)> on_failure);
  ~Roster();

  const Members& members() const { return members_; }
  const consensus::Membership& current() const { return members_.current(); }
  const Founding& met() const { return founding_; }
  bool cell_known() const { return current().version != 0; }
  // It knows its cell, which does not list it.
  bool left_out() const { return cell_known() && !current().concerns(self_); }
  // For people: why this replica is no member of a cell; empty: it is one.
  std::string waits_for() const;

  // Tells the network whom to connect with, before that is started, and the log what this replica waits for.
  void start();
  void on_peer_up(ReplicaId peer);
  void on_peer_down(ReplicaId peer) { founding_.on_down(peer); }
  void on_introduction(ReplicaId from, const wire::peer::Introduction& introduction);
  // As Members::apply and Members::restored.
  bool apply(const consensus::Entry& entry);
  void restored();
  // Parts from those whose time is over.
  void on_tick();
  // Says again who this replica is, if the members do not tell. Call it a few times a second.
  void remind();

 private:
  bool known_by_name() const;
  void introduce(ReplicaId to);
  void introduce_to_all();
  void note_listed();
  // `then`: on the loop, when the identity is durable.
  void save_identity(Task then);
  void renew_peers();

  const env::World& world_;
  const Options& options_;
  const ReplicaId self_;
  storage::Identity identity_;  // as the disk has it, or will when what is under way is done
  Founding founding_;
  Members members_;
  std::map<ReplicaId, Instant> leavers_;  // no members any more, and to be parted from then
  const std::function<void(const std::vector<consensus::Member>&)> on_founded_;
  const std::function<void(const Error&)> on_failure_;
  const std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

}  // namespace conclave::replica
