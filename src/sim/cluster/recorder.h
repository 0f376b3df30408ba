// Writes the client's side of a history while a run goes on: who asked what when, who was told what in which order.
// Loop of the virtual world only.
#pragma once

#include <functional>
#include <map>

#include "sim/check/history.h"
#include "sim/world/scheduler.h"

namespace conclave::sim {

class Recorder {
 public:
  // `on_acknowledged` hears of the zxid of each write that a client is told of.
  Recorder(const Scheduler& scheduler, std::function<void(Zxid)> on_acknowledged)
      : scheduler_(scheduler), on_acknowledged_(std::move(on_acknowledged)) {}

  // A session object of a client program: every one has a number of its own.
  check::ClientId new_client() { return ++last_client_; }

  // An operation is asked for now. Returns its place.
  size_t begin(check::Operation operation);
  // What it was answered; now. connection_loss: nobody knows.
  check::Operation& answer(size_t operation, check::Code code, Zxid zxid);

  void session(check::ClientId client, SessionId session, check::SessionChange change, Duration timeout);
  void watch_event(size_t registered_by, check::EventKind kind, std::string path);
  void sign_of_life(check::ClientId client, SessionId session, Instant sent, Instant answered);

  const check::History& history() const { return history_; }
  // The history as it is now, with the log of the cell; the recorder is empty afterwards.
  check::History take(std::vector<check::Transaction> log, std::vector<std::pair<Instant, Instant>> healthy);

  uint64_t answered() const { return answered_; }

 private:
  Instant now() const { return scheduler_.now(); }

  const Scheduler& scheduler_;
  std::function<void(Zxid)> on_acknowledged_;
  check::History history_;
  check::ClientId last_client_ = 0;
  std::map<check::ClientId, uint64_t> seen_;
  uint64_t answered_ = 0;
};

}  // namespace conclave::sim
