// The origin's part of a replica: holds every request of our clients until its outcome is known here, sends it to the
// master (go-back-N), and sends it again to the next master when it is certain that the former one's fact can never
// apply. Loop thread only; no I/O of its own.
//
// Invariants:
//   F1  Requests reach the master of an epoch in the order they were submitted, each taken once (Proposer M1).
//   F2  Forwarding to the master of epoch E opens when the first transaction of E has been applied here. From then on
//   no
//       fact of an older epoch can apply (primary order), so what is still unanswered may be submitted again.
//   F3  Every request completes exactly once.
//   F4  Requests of one session complete as if done in the order submitted. The master takes them in order (F1), so
//   when
//       a later one has its outcome, an earlier one without was refused, and the answer was lost on the way. Asking
//       again would have it done after the later one: it completes with connection_loss instead. (Not when the later
//       one is of those that wait for none, line.h: the earlier one may be held by the gate, and be done yet.)
#pragma once

#include <deque>
#include <functional>
#include <variant>
#include <vector>

#include "replica/gateway.h"
#include "replica/options.h"
#include "wire/peer/peer_message.h"

namespace conclave::replica {

class ForwarderPorts {
 public:
  virtual ~ForwarderPorts() = default;
  virtual void forward(ReplicaId master, wire::peer::Forward forward) = 0;
  // To our own proposer, which is active in the open epoch. A sync has an empty request.
  virtual void take_own(wire::peer::ForwardKind kind, uint64_t number, const state::Request& request) = 0;
};

struct ForwarderFigures {
  size_t requests = 0;         // held: without an outcome, or behind one that is
  size_t outstanding = 0;      // of them, without an outcome
  size_t answers_waiting = 0;  // until what they depend on is applied
};

class Forwarder {
 public:
  Forwarder(ReplicaId self, uint64_t incarnation, ForwarderPorts& ports);

  void submit(state::Request request, Completion done, Instant now);
  void submit_sync(Completion done, Instant now);

  // Who leads, and in which epoch; 0 when unknown. Closes forwarding until that epoch has begun here.
  void on_master(ReplicaId master, Epoch epoch);
  // Completes the request of `applied`, if it is ours, and opens the epoch if this is its first transaction.
  void on_applied(const state::Applied& applied, Index index, Instant now);
  void on_answers(wire::peer::Answers answers);
  // The connection to the master broke and is back, or the oldest request was not answered for `retry`: go back.
  void on_master_connected(Instant now);
  void on_tick(Instant now, Duration retry);
  // The state came from a snapshot: what happened to requests under way can no longer be told.
  void on_state_replaced(Zxid zxid, Instant now);

  // Completes the answered requests whose answer holds now. Call it when answers arrive, before anything else is
  // applied: a read that waits behind a refused write must not see what its session wrote later.
  void complete_ready(Zxid applied_zxid, Index applied_index);

  // End of a turn: sends what was submitted, completes what can be.
  void flush(Zxid applied_zxid, Index applied_index, Instant now);

  // Completes everything with connection_loss; used when stopping and when the cell was away for too long.
  void fail_all();
  size_t outstanding() const { return live_; }
  ForwarderFigures figures() const {
    return {.requests = pending_.size(), .outstanding = live_, .answers_waiting = answers_.size()};
  }
  uint64_t incarnation() const { return incarnation_; }

 private:
  struct Pending {
    wire::peer::ForwardKind kind = wire::peer::ForwardKind::request;
    bool done = false;
    state::Request request;
    Completion complete;
  };
  struct Answer {
    uint64_t number;
    Bytes outcome;
    Zxid after_zxid;
    Index after_index;
  };

  void add(Pending pending, Instant now);
  Pending* find(uint64_t number);
  void finish(Pending& pending, Reply reply);
  void finish_answer(Answer answer, Zxid applied_zxid);
  void drop_front();
  // `number` of `session` has its outcome: gives up requests of the session that are earlier and have none (F4).
  void give_up_before(uint64_t number, const state::Request& request);
  void try_open(Epoch applied_epoch, Instant now);
  void send_from(uint64_t number, Instant now);
  bool open() const { return open_epoch_ != Epoch(); }

  const ReplicaId self_;
  uint64_t incarnation_;  // of the stream of requests: a new one begins when requests were given up
  ForwarderPorts& ports_;

  std::deque<Pending> pending_;
  uint64_t first_number_ = 1;    // of pending_.front()
  size_t live_ = 0;              // pending and not done
  uint64_t oldest_request_ = 1;  // no number below is a request that is not done

  ReplicaId master_;
  Epoch master_epoch_;
  Epoch applied_epoch_;
  Epoch open_epoch_;            // 0: closed
  Epoch numbered_epoch_;        // the epoch that base_number_ belongs to
  uint64_t base_number_ = 1;    // sequence of number n in the open epoch: n - base_number_ + 1
  uint64_t next_unsent_ = 1;    // number
  uint64_t oldest_ = 1;         // first_number_ when last looked at
  Instant oldest_since_{0};     // when it became that, or was last sent
  std::deque<Answer> answers_;  // waiting until what they depend on is applied
};

}  // namespace conclave::replica
