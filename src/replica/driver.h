// The driver: the only code that turns the outputs of an engine into actions, always in this order: start persisting,
// send, apply what is committed, grant reads, tell the role; and, when durable, send what waited for that and tell the
// engine. Loop thread only.
//
// Invariants:
//   D1  Nothing of `send_when_durable` leaves before every persist of its output and of all earlier ones is durable.
//   D2  Entries are applied in index order, each once.
//   D3  After a failed write nothing is stepped, sent or applied any more (fail-stop, B36).
#pragma once

#include <deque>
#include <memory>
#include <vector>

#include "consensus/api/engine.h"
#include "env/world.h"
#include "replica/engine_observer.h"
#include "storage/journal.h"

namespace conclave::replica {

class DriverHandler {
 public:
  virtual ~DriverHandler() = default;
  virtual void on_committed(const consensus::Entry& entry) = 0;
  virtual void on_reads_granted(const std::vector<consensus::ReadGrant>& reads) = 0;
  virtual void on_reads_refused(const std::vector<uint64_t>& tokens) = 0;
  virtual void on_proposal_refused(uint64_t cookie) = 0;
  virtual void on_role(const consensus::RoleChange& role) = 0;
  virtual void on_snapshot_needed(const consensus::SnapshotNeeded& needed) = 0;
  // The journal failed: the process must stop.
  virtual void on_fatal(const Error& error) = 0;
};

class Driver {
 public:
  Driver(env::World& world, std::unique_ptr<consensus::Engine> engine, std::unique_ptr<storage::Journal> journal,
         Index applied, consensus::Ballot applied_ballot, DriverHandler& handler, EngineObserver* observer = nullptr);

  // Steps the engine with `body` now, or right after the event being performed.
  void feed(consensus::EventBody body);

  Index applied() const { return applied_; }
  consensus::Ballot applied_ballot() const { return applied_ballot_; }
  // The state was replaced by a snapshot; tells the engine.
  void installed(Index index, consensus::Ballot ballot, const consensus::Membership& membership);

  consensus::EngineStatus status() const { return engine_->status(world_.clock.now()); }
  storage::Journal& journal() { return *journal_; }
  const storage::Journal& journal() const { return *journal_; }
  bool failed() const { return failed_; }
  // Begun and not durable yet.
  uint64_t persists_waiting() const { return persist_started_ - persist_durable_; }

 private:
  struct Waiting {
    uint64_t persist;
    std::vector<consensus::Envelope> messages;
  };

  void perform(consensus::Output output);
  void send(const std::vector<consensus::Envelope>& messages);
  void on_durable(uint64_t persist);

  env::World& world_;
  std::unique_ptr<consensus::Engine> engine_;
  std::unique_ptr<storage::Journal> journal_;
  DriverHandler& handler_;
  EngineObserver* observer_;
  Index applied_;
  consensus::Ballot applied_ballot_;
  std::deque<consensus::EventBody> queue_;
  bool draining_ = false;
  uint64_t persist_started_ = 0;
  uint64_t persist_durable_ = 0;
  std::deque<Waiting> waiting_;
  bool failed_ = false;
};

}  // namespace conclave::replica
