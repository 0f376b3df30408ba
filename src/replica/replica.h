// One replica of a cell: puts engine, journal, state, sessions and snapshots together and is the gateway of its front
// ends. Loop thread only; there is no lock here.
//
// A turn of the loop: events are stepped as they come (Driver); requests submitted during the turn are evaluated or
// forwarded together at its end (finish_turn), so that a busy replica batches by itself and an idle one waits for
// nothing.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "env/world.h"
#include "replica/driver.h"
#include "replica/forwarder.h"
#include "replica/gateway.h"
#include "replica/life_signs.h"
#include "replica/options.h"
#include "replica/proposer.h"
#include "replica/reconfiguration.h"
#include "replica/recovery.h"
#include "replica/roster.h"
#include "replica/snapshot_keeper.h"
#include "replica/snapshot_transfer.h"
#include "state/service/service.h"
#include "storage/snapshot_store.h"

namespace conclave::replica {

// What a replica holds at one moment, part by part.
struct ReplicaFigures {
  ProposerFigures proposer;
  ForwarderFigures forwarder;
  consensus::EngineStatus engine;
  storage::JournalHoldings journal;
  uint64_t persists_waiting = 0;  // of the engine, not durable yet
  size_t life_signs = 0;          // kept for the master

  Index snapshot;                       // the newest one
  std::vector<Index> snapshots;         // complete files, newest first
  uint64_t entries_since_snapshot = 0;  // applied since the newest one was begun
  bool taking_snapshot = false;
  bool snapshot_failed = false;  // and the next attempt has to wait
  bool receiving_snapshot = false;
};

class Replica final : public Gateway,
                      private env::PeerReceiver,
                      private DriverHandler,
                      private ProposerPorts,
                      private ForwarderPorts {
 public:
  // Recovers from the data directory. Errors name what is wrong and where; nothing is changed on disk by a refusal.
  static Result<std::unique_ptr<Replica>> open(const env::World& world, Options options);
  ~Replica() override;

  // Joins the cell. `fatal` is called once if the disk fails: the process must then stop.
  void start(std::move_only_function<void(Error)> fatal);
  // Hands the lead to another replica if we have it, then calls `done`: at most `patience` later. Clients get
  // connection_loss for what is still unanswered then.
  void stop(Duration patience, Task done);

  void add_observer(GatewayObserver* observer) override;
  void remove_observer(GatewayObserver* observer) override;
  void set_gate(ChangeGate* gate) override { gate_ = gate; }
  void release(uint64_t ticket) override;
  ReplicaId id() const override { return options_.consensus.self; }
  void submit(state::Request request, Completion done) override;
  void sync(Completion done) override;
  void touch(SessionId id) override;
  SessionId new_session_id() override;
  const state::Service& state() const override { return *service_; }
  bool serving() const override { return serving_; }
  Status status() const override;
  ReplicaFigures figures() const;
  const consensus::Membership& membership() const { return roster_.current(); }
  // The cell is to have these members. It is done, step by step, while this replica is the master; a new master goes on
  // only with what the voters have begun. Errors: unavailable (not the master), and those of MemberChange::want.
  Result<> change_members(WantedMembers wanted);
  // What the engine reported last: its role, ballot and master.
  const consensus::RoleChange& role() const { return role_; }

 private:
  Replica(const env::World& world, Options options, Recovered recovered, Founding founding,
          std::unique_ptr<consensus::Engine> engine);

  // env::PeerReceiver
  void on_peer_frame(ReplicaId from, BytesView frame) override;
  void on_peer_up(ReplicaId peer) override;
  void on_peer_down(ReplicaId peer) override;
  // DriverHandler
  void on_committed(const consensus::Entry& entry) override;
  void on_reads_granted(const std::vector<consensus::ReadGrant>& reads) override;
  void on_reads_refused(const std::vector<uint64_t>& tokens) override;
  void on_proposal_refused(uint64_t cookie) override;
  void on_role(const consensus::RoleChange& role) override;
  void on_snapshot_needed(const consensus::SnapshotNeeded& needed) override;
  void on_fatal(const Error& error) override;
  // ProposerPorts
  void propose(consensus::Propose proposal) override;
  void ask_read_barrier(uint64_t token) override;
  void take_next_ballot() override;
  void answer(ReplicaId origin, wire::peer::Answers answers) override;
  std::expected<bool, state::Code> reconfigured(const state::ReconfigRequest& request, const state::RequestTag& tag,
                                                uint64_t ticket) override {
    return reconfiguration_.judge(request, tag, ticket, now());
  }
  std::string member_config() const override {
    return options_.member_config ? options_.member_config(roster_.members().all()) : std::string();
  }
  bool admit(const state::Transaction& txn, uint64_t ticket) override {
    return gate_ == nullptr || gate_->admit(txn, ticket);
  }
  // ForwarderPorts
  void forward(ReplicaId master, wire::peer::Forward forward) override;
  void take_own(wire::peer::ForwardKind kind, uint64_t number, const state::Request& request) override;

  void schedule_turn_end();
  void finish_turn();
  void tick();
  void send_life_signs();
  void review_serving();
  void install(const storage::SnapshotFile& file);
  void end_mastership();
  void update_serving(bool serving, std::string_view why);
  Instant now() const { return world_.clock.now(); }

  env::World world_;
  const Options options_;
  std::unique_ptr<state::Service> service_;
  std::unique_ptr<storage::SnapshotStore> snapshots_;
  Roster roster_;
  Driver driver_;
  Reconfiguration reconfiguration_;
  Proposer proposer_;
  Forwarder forwarder_;
  SnapshotKeeper keeper_;
  SnapshotTransfer transfer_;
  std::vector<GatewayObserver*> observers_;
  ChangeGate* gate_ = nullptr;
  std::move_only_function<void(Error)> fatal_;

  consensus::RoleChange role_;
  uint64_t elections_ = 0;
  bool members_to_publish_ = false;
  bool serving_ = false;
  Instant cell_lost_at_{0};  // valid while serving_ and no master is known
  bool cell_available_ = false;
  LifeSigns signs_;
  Instant next_touch_report_{0};
  uint64_t session_counter_ = 0;
  bool turn_end_scheduled_ = false;
  bool stopping_ = false;
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);  // posted tasks that outlive us do nothing
};

}  // namespace conclave::replica
