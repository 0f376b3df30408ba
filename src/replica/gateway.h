// What a front end sees of a replica. Everything happens on the loop thread; a completion is never called from inside
// the call that it completes.
//
// A front end keeps each connection's order of replies itself. The gateway keeps the order of requests: two requests of
// one session take effect in the order submitted, also across a change of master and when the session goes on at
// another replica.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "base/time.h"
#include "env/network.h"
#include "state/service/service.h"

namespace conclave::replica {

enum class Role : uint8_t { looking, follower, observer, leader };

struct PeerStatus {
  ReplicaId id;
  env::Address peer_address;
  env::Address client_address;
  env::Address lock_service_address;  // port 0: unknown
  bool voter = true;
  bool connected = false;
  Index match;               // master only: known durable there
  Duration since_heard{-1};  // negative: never
};

struct Status {
  ReplicaId self;
  Role role = Role::looking;
  std::string engine;  // "paxos"
  ReplicaId master;    // 0: unknown
  std::string ballot;
  Index committed, applied, last, snapshot;
  Zxid zxid;
  bool lease_valid = false;
  size_t damaged = 0;  // log positions being repaired from peers
  size_t sessions_global = 0;
  size_t outstanding = 0;  // requests of our clients not yet answered
  uint64_t elections = 0;
  Duration fsync_p50{0}, fsync_p99{0};
  uint64_t member_version = 0;    // of the members in force; 0: this replica knows no cell yet
  std::string member_change;      // for people: what a change of the members is at; "none"
  std::string waits_for;          // for people: why this replica knows no cell; empty: it does
  std::vector<PeerStatus> peers;  // self included, sorted by id
};

// What a completion gets. `zxid`: the transaction, or for an answer without one the last zxid applied here.
struct Reply {
  state::Outcome outcome;
  Zxid zxid;
};
using Completion = std::move_only_function<void(Reply)>;

class GatewayObserver {
 public:
  virtual ~GatewayObserver() = default;
  // After a transaction changed the state, before any reply to it: deliver watch events now, so that the event leaves
  // before the read or reply that shows the change (ZK-07).
  virtual void on_applied(const state::Applied& applied) = 0;
  // The whole state was replaced by a snapshot from a peer; watches must be checked against it anew.
  virtual void on_state_replaced() = 0;
  // This replica began or stopped being part of a serving cell (a master is known and reachable).
  virtual void on_serving_changed(bool serving) = 0;
  // This replica became the master of `epoch`, or (nothing) is master no more. Its first transaction, which proves that
  // everything of earlier epochs is applied here, is not applied yet: it has the counter 1.
  virtual void on_mastership(std::optional<Epoch> /*epoch*/) {}
};

// Stands before the log of the master: may this change be made now, or does a client still rely on the old state?
class ChangeGate {
 public:
  virtual ~ChangeGate() = default;
  // Called before `txn` is proposed, for all that change nodes or take locks, whoever asked. True: it is proposed now.
  // False: the request is held, and later ones of its session behind it, until Gateway::release(ticket); then it is
  // evaluated anew. Holds end with the mastership.
  virtual bool admit(const state::Transaction& txn, uint64_t ticket) = 0;
};

class Gateway {
 public:
  virtual ~Gateway() = default;

  // At most one observer per front end; it outlives the gateway or removes itself.
  virtual void add_observer(GatewayObserver* observer) = 0;
  virtual void remove_observer(GatewayObserver* observer) = 0;

  // At most one; it outlives the gateway or is taken away (null).
  virtual void set_gate(ChangeGate* gate) = 0;
  // Evaluates what was held under this ticket. Not from inside ChangeGate::admit. An unknown ticket does nothing.
  virtual void release(uint64_t ticket) = 0;

  // This replica, the owner of the sessions that are opened or resumed here.
  virtual ReplicaId id() const = 0;

  // Submits a write. Completed exactly once: with the outcome, or with Code::connection_loss when this replica cannot
  // know it (it lost the cell for longer than its patience, or is stopping).
  // The request that opens or resumes a session makes this replica its owner (ADR 10). Code::session_moved: it is owned
  // by another one now.
  virtual void submit(state::Request request, Completion done) = 0;

  // ZooKeeper's sync: completes once this replica has applied everything acknowledged anywhere before the call.
  virtual void sync(Completion done) = 0;

  // Any sign of life of the session's client; cheap, call it for every frame (it is told to the master in batches,
  // which passes it over unless this replica owns the session).
  virtual void touch(SessionId id) = 0;

  // An id never given before in this cell, for a new session made at this replica.
  virtual SessionId new_session_id() = 0;

  // The local state, for reads. May lag; never goes back.
  virtual const state::Service& state() const = 0;
  virtual bool serving() const = 0;
  virtual Status status() const = 0;
};

}  // namespace conclave::replica
