#include "replica/replica.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"
#include "consensus/factory/factory.h"

namespace conclave::replica {

namespace {

constexpr Duration kMaintenanceInterval = Duration::millis(20);

std::string_view role_name(consensus::Role role) {
  switch (role) {
    case consensus::Role::follower:
      return "follower";
    case consensus::Role::candidate:
      return "candidate";
    case consensus::Role::synchronising:
      return "synchronising";
    case consensus::Role::master:
      return "master";
    case consensus::Role::observer:
      return "observer";
  }
  return "unknown";
}

env::Address to_env(const state::HostPort& at) {
  return {at.host, at.port};
}

}  // namespace

Result<std::unique_ptr<Replica>> Replica::open(const env::World& world, Options options) {
  auto recovered = recover(world, options);
  if (!recovered) return std::unexpected(recovered.error());
  options.consensus.seed = world.entropy.u64();
  storage::Identity& identity = recovered->identity;
  Founding founding(options.consensus.self, identity.disk, std::exchange(options.consensus.members, {}),
                    identity.founders.empty() ? options.founders : identity.founders, recovered->log.empty(),
                    options.lock_service, world.entropy);
  if (founding.founders() != identity.founders) {  // of a cell of one, or told
    identity.founders = founding.founders();
    if (auto saved = storage::save_identity(world.journal_files, storage::kJournalDirectory, identity); !saved) {
      return std::unexpected(saved.error());
    }
  }
  options.consensus.disk = founding.disk();
  options.consensus.disk_was_listed = identity.listed;
  options.consensus.members = founding.founders();
  if (options.engine_observer != nullptr) options.engine_observer->on_recovered(recovered->log);
  const consensus::Recovered start{.snapshot_index = recovered->log.snapshot_index,
                                   .snapshot_ballot = recovered->log.snapshot_ballot};
  auto engine = consensus::make_engine(options.engine, options.consensus, std::exchange(recovered->log, start));
  return std::unique_ptr<Replica>(
      new Replica(world, std::move(options), std::move(*recovered), std::move(founding), std::move(engine)));
}

Replica::Replica(const env::World& world, Options options, Recovered recovered, Founding founding,
                 std::unique_ptr<consensus::Engine> engine)
    : world_(world),
      options_(std::move(options)),
      service_(std::move(recovered.service)),
      snapshots_(std::move(recovered.snapshots)),
      roster_(
          world_, options_, std::move(recovered.identity), std::move(founding), *service_,
          [this](const std::vector<consensus::Member>& founders) {
            if (driver_.failed()) return;
            driver_.feed(consensus::Founded{founders});
            schedule_turn_end();
          },
          [this](const Error& error) { on_fatal(error); }),
      driver_(world_, std::move(engine), std::move(recovered.journal), recovered.log.snapshot_index,
              recovered.log.snapshot_ballot, *this, options_.engine_observer),
      reconfiguration_(roster_.members(), roster_.met(), driver_, options_.newcomer_patience,
                       [this](uint64_t ticket) { release(ticket); }),
      proposer_(*service_, options_, *this),
      forwarder_(options_.consensus.self, world_.entropy.u64(), *this),
      keeper_(world_, options_, *service_, *snapshots_, driver_),
      transfer_(world_, options_, *snapshots_, keeper_, driver_,
                [this](const storage::SnapshotFile& file) { install(file); }),
      signs_(world_.entropy.u64() >> 1) {
  if (!snapshots_->list().empty()) keeper_.adopted(snapshots_->list().front());
}

Replica::~Replica() {
  *alive_ = false;
}

void Replica::start(std::move_only_function<void(Error)> fatal) {
  fatal_ = std::move(fatal);
  roster_.start();
  world_.peers.start(this);
  tick();
}

void Replica::stop(Duration patience, Task done) {
  stopping_ = true;
  const Instant deadline = now() + patience;
  if (role_.role == consensus::Role::master) {
    // The best informed of the connected voters takes over, so that the cell pauses for a round trip only.
    ReplicaId target;
    Index best;
    for (const auto& peer : driver_.status().peers) {
      if (peer.id != options_.consensus.self && world_.peers.connected(peer.id) && peer.match >= best) {
        const consensus::Member* member = roster_.current().find(peer.id);
        if (member == nullptr || !member->voter) continue;
        target = peer.id;
        best = peer.match;
      }
    }
    if (target != ReplicaId()) driver_.feed(consensus::TransferLead{target});
  }
  struct Waiter {
    static void wait(Replica* replica, Instant until, Task finished) {
      const bool leads = replica->role_.role == consensus::Role::master;
      const bool alone = replica->roster_.current().members.size() == 1;
      if (replica->driver_.failed() || replica->now() >= until ||
          ((!leads || alone) && replica->forwarder_.outstanding() == 0)) {
        replica->forwarder_.fail_all();
        finished();
        return;
      }
      replica->world_.executor.schedule(
          Duration::millis(10), [replica, alive = replica->alive_, until, finished = std::move(finished)]() mutable {
            if (*alive) wait(replica, until, std::move(finished));
          });
    }
  };
  Waiter::wait(this, deadline, std::move(done));
}

void Replica::add_observer(GatewayObserver* observer) {
  observers_.push_back(observer);
}
void Replica::remove_observer(GatewayObserver* observer) {
  std::erase(observers_, observer);
}

void Replica::submit(state::Request request, Completion done) {
  forwarder_.submit(std::move(request), std::move(done), now());
  schedule_turn_end();
}

void Replica::sync(Completion done) {
  forwarder_.submit_sync(std::move(done), now());
  schedule_turn_end();
}

void Replica::release(uint64_t ticket) {
  proposer_.release(ticket, now(), world_.clock.wall_ms());
  schedule_turn_end();
}

void Replica::touch(SessionId id) {
  if (proposer_.active()) {
    proposer_.touch(options_.consensus.self, id, now());
  } else {
    signs_.touch(id, now());
  }
}

SessionId Replica::new_session_id() {
  // As ZooKeeper's: the replica, then milliseconds, then a counter, so that ids of one replica never meet another's.
  if (session_counter_ == 0) {
    session_counter_ = (static_cast<uint64_t>(world_.clock.wall_ms()) << 24 >> 8) | (world_.entropy.u64() & 0xFFFF);
  }
  ++session_counter_;
  const uint64_t replica = options_.consensus.self.value;
  return SessionId(static_cast<int64_t>((replica << 56) | (session_counter_ & 0x00FF'FFFF'FFFF'FFFF)));
}

void Replica::schedule_turn_end() {
  if (turn_end_scheduled_) return;
  turn_end_scheduled_ = true;
  world_.executor.post([this, alive = alive_] {
    if (*alive) finish_turn();
  });
}

void Replica::finish_turn() {
  turn_end_scheduled_ = false;
  if (driver_.failed()) return;
  if (proposer_.active() && members_to_publish_) {
    reconfiguration_.advance(now());
    if (!roster_.current().joint() && !reconfiguration_.request_waits()) {
      members_to_publish_ = false;
      proposer_.publish_members(now(), world_.clock.wall_ms());
    }
  }
  forwarder_.flush(service_->last_zxid(), driver_.applied(), now());
  proposer_.flush();
  keeper_.maybe_begin();
}

void Replica::tick() {
  world_.executor.schedule(options_.consensus.tick, [this, alive = alive_] {
    if (*alive) tick();
  });
  if (driver_.failed()) return;
  driver_.feed(consensus::Tick{});
  const Instant time = now();
  if (time >= next_touch_report_) {
    next_touch_report_ = time + std::min(options_.touch_interval, kMaintenanceInterval * 5);
    send_life_signs();
    roster_.remind();
  }
  proposer_.on_tick(time, world_.clock.wall_ms());
  forwarder_.on_tick(time, options_.forward_retry);
  reconfiguration_.advance(time);
  transfer_.on_tick();
  roster_.on_tick();
  review_serving();
  finish_turn();
}

void Replica::send_life_signs() {
  if (role_.master == ReplicaId() || role_.master == options_.consensus.self) return;
  if (CONCLAVE_PLANT(touches_not_sent)) return signs_.clear();
  if (auto report = signs_.report()) world_.peers.send(role_.master, encode(*std::move(report)));
}

// Clients are served for a grace of time without a master, and as long with one that does not hear us. It counts from
// the first sign of life that no master has heard, not from when that was noticed.
void Replica::review_serving() {
  if (roster_.left_out()) return update_serving(false, "this replica is not a member of the cell");
  const Instant long_ago = now() - options_.serving_grace;
  const auto unheard_since = signs_.unheard_since();
  const bool heard = !unheard_since || *unheard_since >= long_ago;
  if (!cell_available_) {
    if (serving_ && (!heard || cell_lost_at_ < long_ago)) update_serving(false, "no master is known");
    return;
  }
  if (!heard && serving_) CONCLAVE_PROBE("replica.master-does-not-hear-us");
  update_serving(heard, heard ? "the master hears this replica" : "the master does not hear this replica");
}

// --- peers

void Replica::on_peer_frame(ReplicaId from, BytesView frame) {
  if (driver_.failed()) return;
  auto message = wire::peer::decode(frame);
  if (!message) {
    log::warning("replica", "a peer sent a message that cannot be read",
                 {{"peer", to_string(from)}, {"reason", message.error().message}});
    return;
  }
  if (auto* engine = std::get_if<wire::peer::EngineMessage>(&*message)) {
    driver_.feed(consensus::MessageReceived{.from = from, .message = std::move(engine->message)});
  } else if (auto* forwarded = std::get_if<wire::peer::Forward>(&*message)) {
    proposer_.take(from, std::move(*forwarded), now(), world_.clock.wall_ms());
  } else if (auto* answers = std::get_if<wire::peer::Answers>(&*message)) {
    forwarder_.on_answers(std::move(*answers));
    forwarder_.complete_ready(service_->last_zxid(), driver_.applied());
  } else if (const auto* touches = std::get_if<wire::peer::Touches>(&*message)) {
    if (proposer_.active()) {
      for (const SessionId session : touches->sessions) proposer_.touch(from, session, now());
      world_.peers.send(from, encode(wire::peer::TouchesHeard{.number = touches->number}));
    }
  } else if (const auto* heard = std::get_if<wire::peer::TouchesHeard>(&*message)) {
    signs_.acknowledged(heard->number);
  } else if (const auto* offer = std::get_if<wire::peer::SnapshotOffer>(&*message)) {
    transfer_.on_offer(from, *offer);
  } else if (const auto* pull = std::get_if<wire::peer::SnapshotPull>(&*message)) {
    transfer_.on_pull(from, *pull);
  } else if (auto* chunk = std::get_if<wire::peer::SnapshotChunk>(&*message)) {
    transfer_.on_chunk(from, std::move(*chunk));
  } else if (const auto* introduction = std::get_if<wire::peer::Introduction>(&*message)) {
    roster_.on_introduction(from, *introduction);
  }
  schedule_turn_end();
}

void Replica::on_peer_up(ReplicaId peer) {
  roster_.on_peer_up(peer);
  driver_.feed(consensus::PeerHint{.peer = peer, .up = true});
  if (peer == role_.master) forwarder_.on_master_connected(now());
}

void Replica::on_peer_down(ReplicaId peer) {
  roster_.on_peer_down(peer);
  driver_.feed(consensus::PeerHint{.peer = peer, .up = false});
}

// --- the engine's outputs

void Replica::on_committed(const consensus::Entry& entry) {
  const size_t payload_bytes = entry.payload.size();
  keeper_.on_applied(payload_bytes);
  if (entry.kind == consensus::EntryKind::membership) {
    if (roster_.apply(entry)) members_to_publish_ = true;
    proposer_.offer_again(now(), world_.clock.wall_ms());
    review_serving();
    return schedule_turn_end();
  }
  if (entry.kind != consensus::EntryKind::transaction) return;
  const auto txn = state::decode_transaction(entry.payload.view());
  // The bytes were checked by the journal or the transport and were made by a master: anything else is a broken build.
  CONCLAVE_ASSERT(txn.has_value());
  const state::Applied applied = service_->apply(*txn);
  if (applied.skipped) return;
  const Instant time = now();
  if (CONCLAVE_PLANT(reply_before_event)) forwarder_.on_applied(applied, entry.index, time);
  for (GatewayObserver* observer : observers_) observer->on_applied(applied);
  proposer_.on_applied(applied, payload_bytes, time, world_.clock.wall_ms());
  forwarder_.on_applied(applied, entry.index, time);
  schedule_turn_end();
}

void Replica::on_reads_granted(const std::vector<consensus::ReadGrant>& reads) {
  for (const consensus::ReadGrant& read : reads) proposer_.on_read_granted(read.token, read.index);
  schedule_turn_end();
}

void Replica::on_reads_refused(const std::vector<uint64_t>& tokens) {
  for (const uint64_t token : tokens) proposer_.on_read_refused(token);
}

void Replica::on_proposal_refused(uint64_t cookie) {
  if (cookie != Reconfiguration::kCookie) proposer_.on_refused();
}

void Replica::on_role(const consensus::RoleChange& role) {
  const bool was_master = role_.role == consensus::Role::master;
  if (role.role == consensus::Role::candidate && role_.role != consensus::Role::candidate) ++elections_;
  log::info("replica", "role",
            {{"role", role_name(role.role)},
             {"ballot", to_string(role.ballot)},
             {"master", to_string(role.master)},
             {"reason", role.reason}});
  role_ = role;
  const bool leads = role.role == consensus::Role::master;
  if (was_master && !leads) end_mastership();
  const bool follows =
      (role.role == consensus::Role::follower || role.role == consensus::Role::observer) && role.master != ReplicaId();
  forwarder_.on_master(leads || follows ? role.master : ReplicaId(), role.ballot.epoch());
  if (leads) {
    Bytes secret = service_->cell_secret().empty() ? world_.entropy.bytes(state::kCellSecretBytes) : Bytes();
    proposer_.begin(role.ballot.epoch(), std::move(secret), now(), world_.clock.wall_ms());
    reconfiguration_.begin();
    members_to_publish_ = true;
    for (GatewayObserver* observer : observers_) observer->on_mastership(role.ballot.epoch());
    signs_.clear();
  } else if (follows) {
    signs_.on_master(role.ballot);
  }
  if (cell_available_ && serving_) cell_lost_at_ = now();
  cell_available_ = leads || follows;
  review_serving();
  schedule_turn_end();
}

void Replica::end_mastership() {
  if (!proposer_.active()) return;
  proposer_.end();
  reconfiguration_.end();
  for (GatewayObserver* observer : observers_) observer->on_mastership(std::nullopt);
}

void Replica::update_serving(bool serving, std::string_view why) {
  if (serving_ == serving) return;
  serving_ = serving;
  log::info("replica", serving_ ? "serving" : "not serving", {{"reason", why}});
  if (!serving_) forwarder_.fail_all();
  for (GatewayObserver* observer : observers_) observer->on_serving_changed(serving_);
}

void Replica::on_snapshot_needed(const consensus::SnapshotNeeded& needed) {
  transfer_.on_needed(needed.to, needed.at_least);
}

void Replica::on_fatal(const Error& error) {
  log::error("replica", "the journal failed: this replica stops", {{"reason", error.message}});
  forwarder_.fail_all();
  if (fatal_) std::exchange(fatal_, nullptr)(error);
}

void Replica::install(const storage::SnapshotFile& file) {
  keeper_.abandon();
  end_mastership();
  const auto loaded = load_snapshot(*snapshots_, file, *service_);
  if (!loaded) {
    on_fatal(loaded.error());
    return;
  }
  CONCLAVE_PROBE("replica.state-replaced");
  log::info("replica", "state replaced by a snapshot of a peer", {{"index", to_string(file.meta.index)}});
  roster_.restored();
  keeper_.adopted(file);
  forwarder_.on_state_replaced(service_->last_zxid(), now());
  for (GatewayObserver* observer : observers_) observer->on_state_replaced();
  driver_.installed(file.meta.index, file.meta.ballot, roster_.current());
  schedule_turn_end();
}

// --- membership

Result<> Replica::change_members(WantedMembers wanted) {
  if (!proposer_.active()) return fail(ErrorKind::unavailable, "this replica is not the master");
  if (auto taken = reconfiguration_.want(std::move(wanted), now()); !taken) return taken;
  schedule_turn_end();
  return {};
}

// --- ports

void Replica::propose(consensus::Propose proposal) {
  driver_.feed(std::move(proposal));
}

void Replica::ask_read_barrier(uint64_t token) {
  driver_.feed(consensus::ReadBarrier{token});
}

void Replica::take_next_ballot() {
  driver_.feed(consensus::TransferLead{options_.consensus.self});
}

void Replica::answer(ReplicaId origin, wire::peer::Answers answers) {
  if (origin == options_.consensus.self) {
    // At once, as those of another master: a later request of the session may apply before this turn ends (F4).
    forwarder_.on_answers(std::move(answers));
    forwarder_.complete_ready(service_->last_zxid(), driver_.applied());
  } else {
    world_.peers.send(origin, encode(wire::peer::PeerMessage(std::move(answers))));
  }
}

void Replica::forward(ReplicaId master, wire::peer::Forward forward) {
  world_.peers.send(master, encode(wire::peer::PeerMessage(std::move(forward))));
}

void Replica::take_own(wire::peer::ForwardKind kind, uint64_t number, const state::Request& request) {
  proposer_.take_own(kind, number, request, forwarder_.incarnation(), now(), world_.clock.wall_ms());
}

ReplicaFigures Replica::figures() const {
  ReplicaFigures figures{.proposer = proposer_.figures(),
                         .forwarder = forwarder_.figures(),
                         .engine = driver_.status(),
                         .journal = driver_.journal().holdings(),
                         .persists_waiting = driver_.persists_waiting(),
                         .life_signs = signs_.size(),
                         .snapshot = keeper_.newest(),
                         .snapshots = {},
                         .entries_since_snapshot = keeper_.entries_since(),
                         .taking_snapshot = keeper_.busy(),
                         .snapshot_failed = keeper_.waits_after_failure(),
                         .receiving_snapshot = transfer_.receiving()};
  for (const storage::SnapshotFile& file : snapshots_->list()) figures.snapshots.push_back(file.meta.index);
  return figures;
}

Status Replica::status() const {
  const consensus::EngineStatus engine = driver_.status();
  const storage::JournalFigures journal = driver_.journal().figures();
  Status status{
      .self = options_.consensus.self,
      .role = Role::looking,
      .engine = std::string(consensus::to_string(options_.engine)),
      .master = role_.master,
      .ballot = to_string(engine.ballot),
      .committed = engine.committed,
      .applied = driver_.applied(),
      .last = engine.last,
      .snapshot = keeper_.newest(),
      .zxid = service_->last_zxid(),
      .lease_valid = engine.lease_valid,
      .damaged = engine.damaged,
      .sessions_global = service_->session_count(),
      .outstanding = forwarder_.outstanding(),
      .elections = elections_,
      .fsync_p50 = journal.sync_p50,
      .fsync_p99 = journal.sync_p99,
      .member_version = roster_.current().version,
      .member_change = reconfiguration_.state(),
      .waits_for = roster_.waits_for(),
      .peers = {},
  };
  if (role_.role == consensus::Role::master) {
    status.role = Role::leader;
  } else if (cell_available_) {
    status.role = role_.role == consensus::Role::observer ? Role::observer : Role::follower;
  }
  for (const consensus::Member& member : roster_.current().members) {
    PeerStatus peer{.id = member.id, .voter = member.voter};
    const MemberAddresses& addresses = roster_.members().all().addresses;
    if (const auto address = addresses.find(member.id); address != addresses.end()) {
      if (!address->second.peers.empty()) peer.peer_address = to_env(address->second.peers.front());
      if (address->second.client) peer.client_address = to_env(*address->second.client);
      if (address->second.lock_service) peer.lock_service_address = to_env(*address->second.lock_service);
    }
    peer.connected = member.id == options_.consensus.self || world_.peers.connected(member.id);
    const auto known = std::ranges::find(engine.peers, member.id, &consensus::EngineStatus::Peer::id);
    if (known != engine.peers.end()) {
      peer.match = known->match;
      peer.since_heard = known->since_heard;
    }
    status.peers.push_back(std::move(peer));
  }
  return status;
}

}  // namespace conclave::replica
