// The master's part of a replica: takes requests in order from every replica, evaluates them against the speculative
// view, proposes the facts, and answers what needs no fact. Lives through one mastership at a time: begin .. end.
// Loop thread only.
//
// Invariants:
//   M1  From each origin, sequences are taken 1, 2, 3 ... without gap or repetition (go-back-N). Once a new incarnation
//       of an origin has been heard, nothing of an earlier one is taken, however late it arrives.
//   M2  Facts are proposed in the order of their zxids; a batch that the engine refuses is offered again before any
//       later one.
//   M3  The first fact of a mastership is the EpochStart of its epoch.
//   M4  What is answered without a fact (a refusal, a session that stays where it is, a sync) waits for a read barrier,
//   which the
//       master's lease grants at once: a deposed master that does not know it yet must not refuse by an old state.
//       Facts evaluated after a refusal are proposed after its answer has left, so that its origin hears them in order.
//   M5  What the gate holds keeps the later requests of its line behind it, in order, and nobody else's.
#pragma once

#include <deque>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/blob_batch.h"
#include "consensus/api/event.h"
#include "replica/line.h"
#include "replica/lock_delays.h"
#include "replica/options.h"
#include "replica/session_leases.h"
#include "state/service/evaluator.h"
#include "wire/peer/peer_message.h"

namespace conclave::replica {

// What the proposer asks of the rest of the replica.
class ProposerPorts {
 public:
  virtual ~ProposerPorts() = default;
  virtual void propose(consensus::Propose proposal) = 0;
  virtual void ask_read_barrier(uint64_t token) = 0;
  // The zxids of this epoch are nearly used up: end this mastership and begin the next one at once.
  virtual void take_next_ballot() = 0;
  // To the origin's forwarder, which may be our own.
  virtual void answer(ReplicaId origin, wire::peer::Answers answers) = 0;
  // Does the cell have the members that `request` wants? False: it waits until Proposer::release(ticket). Or why not.
  virtual std::expected<bool, state::Code> reconfigured(const state::ReconfigRequest& request,
                                                        const state::RequestTag& tag, uint64_t ticket) = 0;
  // What /zookeeper/config is to say of the members in force; empty: nothing.
  virtual std::string member_config() const = 0;
  // May this be proposed now? False: hold it until Proposer::release(ticket).
  virtual bool admit(const state::Transaction& txn, uint64_t ticket) = 0;
};

struct ProposerFigures {
  size_t in_flight = 0;  // transactions evaluated and not yet applied
  size_t backlog = 0;    // requests taken that wait for room in flight
  size_t sessions = 0;
  size_t unconfirmed = 0;   // answers that wait for a barrier
  size_t unanswered = 0;    // requests of other replicas, taken and without an outcome
  size_t held = 0;          // by the gate, and behind what it holds
  size_t answers_kept = 0;  // for other replicas, until these say that they have them
};

class Proposer final : private state::Admission {
 public:
  Proposer(const state::Service& service, const Options& options, ProposerPorts& ports);

  // A mastership begins on top of everything applied; `secret` becomes the cell's if it has none. REQUIRES: every
  // earlier choice is applied (E4).
  void begin(Epoch epoch, Bytes secret, Instant now, int64_t wall_ms);
  void end();
  bool active() const { return evaluator_ != nullptr; }
  Epoch epoch() const { return epoch_; }

  // Requests of another replica. Ignored when they are not for this mastership.
  void take(ReplicaId origin, wire::peer::Forward forward, Instant now, int64_t wall_ms);
  // A request of our own clients, already decoded. REQUIRES: active().
  void take_own(wire::peer::ForwardKind kind, uint64_t number, const state::Request& request, uint64_t incarnation,
                Instant now, int64_t wall_ms);
  // A sign of life of the session's client, seen at `replica`. It counts if that replica owns the session.
  void touch(ReplicaId replica, SessionId session, Instant now);

  // Writes /zookeeper/config if it does not say what it should. REQUIRES: active().
  void publish_members(Instant now, int64_t wall_ms);

  // Evaluates what was held under this ticket, and what came behind it.
  void release(uint64_t ticket, Instant now, int64_t wall_ms);

  void on_applied(const state::Applied& applied, size_t payload_bytes, Instant now, int64_t wall_ms);
  void on_refused();
  // What the engine refused it may take now: a change of members is over.
  void offer_again(Instant now, int64_t wall_ms);
  void on_read_granted(uint64_t token, Index index);
  void on_read_refused(uint64_t token);

  // End of a turn of the loop: proposes what was evaluated in it, in one batch.
  void flush();
  // Expires sessions, ends lock-delays, reaps due containers, offers a refused batch again. Call it every few tens of
  // milliseconds.
  void on_tick(Instant now, int64_t wall_ms);

  ProposerFigures figures() const;

 private:
  // Requests of one replica's process.
  struct Origin {
    uint64_t incarnation = 0;
    std::vector<uint64_t> former;  // incarnations whose stream has ended
    uint64_t next_sequence = 1;
    std::map<uint64_t, wire::peer::Answers::Item> answers;  // by sequence, until the origin has them
    std::map<uint64_t, uint64_t> sequence_of;               // of answers still awaited: number to sequence
  };
  struct Item {
    ReplicaId origin;
    uint64_t incarnation = 0;
    uint64_t number = 0;
    wire::peer::ForwardKind kind = wire::peer::ForwardKind::request;
    state::Request request;
  };
  // An answer that needs no fact, until a barrier says that it may leave.
  struct Unconfirmed {
    ReplicaId origin;
    uint64_t incarnation;
    wire::peer::Answers::Item item;
    bool sync = false;  // holds at the barrier's index
  };

  using Evaluated = std::variant<state::Transaction, state::Refusal, state::NotAdmitted>;

  // The stream that `incarnation` of `from` is in; null when that one has ended.
  Origin* stream_of(ReplicaId from, uint64_t incarnation);
  void handle(Item item, Instant now, int64_t wall_ms);
  void evaluate(const state::Request& request, const state::RequestTag& tag, Instant now, int64_t wall_ms);
  bool admits(const state::Transaction& txn) override { return ports_.admit(txn, last_ticket_ + 1); }
  void confirm(Unconfirmed waiting);
  void answer(ReplicaId origin, uint64_t incarnation, wire::peer::Answers::Item item);
  void propose_batch();
  void drain_backlog(Instant now, int64_t wall_ms);
  bool has_capacity() const;
  void begin_lock_delay(const state::LockClaim& lost, Instant now);
  void own_request(state::RequestBody body, SessionId session, Instant now, int64_t wall_ms);
  Evaluated evaluate_reconfig(const state::Request& request, const state::RequestTag& tag, int64_t wall_ms);

  const state::Service& service_;
  const Options& options_;
  ProposerPorts& ports_;

  Epoch epoch_;
  std::unique_ptr<state::Evaluator> evaluator_;
  std::map<ReplicaId, Origin> origins_;
  std::deque<Item> backlog_;  // taken, and waiting for room in flight
  SessionLeases leases_;
  LockDelays lock_delays_;

  std::string published_;  // of the configuration, by this mastership
  uint64_t last_ticket_ = 0;
  std::map<uint64_t, Item> held_;            // by ticket
  std::map<Line, std::deque<Item>> behind_;  // of lines with something held: what came later

  BlobBatch fresh_;          // evaluated in this turn
  std::vector<Blob> batch_;  // what is to be proposed before that: refused, and waiting
  bool refused_ = false;     // the engine did not take batch_: wait for a tick
  uint64_t cookie_ = 0;
  std::vector<Blob> offered_;  // in the proposal being stepped, to take back when refused
  size_t in_flight_ = 0;
  size_t bytes_in_flight_ = 0;

  std::vector<Unconfirmed> unconfirmed_;                   // of this turn, for one shared barrier
  std::map<uint64_t, std::vector<Unconfirmed>> barriers_;  // by token
  size_t refusals_unconfirmed_ = 0;                        // in both
  uint64_t token_ = 0;
  Instant next_reaping_{0};
};

}  // namespace conclave::replica
