#include "replica/driver.h"

#include "base/assert.h"
#include "base/plant.h"
#include "wire/peer/peer_message.h"

namespace conclave::replica {

Driver::Driver(env::World& world, std::unique_ptr<consensus::Engine> engine, std::unique_ptr<storage::Journal> journal,
               Index applied, consensus::Ballot applied_ballot, DriverHandler& handler, EngineObserver* observer)
    : world_(world),
      engine_(std::move(engine)),
      journal_(std::move(journal)),
      handler_(handler),
      observer_(observer),
      applied_(applied),
      applied_ballot_(applied_ballot) {
  journal_->on_failure([this](const Error& error) {
    failed_ = true;
    queue_.clear();
    handler_.on_fatal(error);
  });
}

void Driver::feed(consensus::EventBody body) {
  if (failed_) return;
  queue_.push_back(std::move(body));
  if (draining_) return;
  draining_ = true;
  while (!queue_.empty()) {
    const consensus::Event event{.now = world_.clock.now(), .body = std::move(queue_.front())};
    queue_.pop_front();
    consensus::Output output = engine_->step(event);
    if (observer_ != nullptr) observer_->on_step(event, output);
    perform(std::move(output));
  }
  draining_ = false;
}

void Driver::perform(consensus::Output output) {
  if (output.persist.number != 0) {
    CONCLAVE_ASSERT(output.persist.number > persist_started_);
    persist_started_ = output.persist.number;
    journal_->append(output.persist, [this, number = output.persist.number] { on_durable(number); });
  }
  send(output.send);
  if (!output.send_when_durable.empty()) {
    if (persist_durable_ == persist_started_ || CONCLAVE_PLANT(sent_before_durable)) {
      send(output.send_when_durable);
    } else {
      waiting_.push_back({.persist = persist_started_, .messages = std::move(output.send_when_durable)});
    }
  }
  for (const consensus::Entry& entry : output.committed) {
    CONCLAVE_ASSERT(entry.index == applied_.next());
    applied_ = entry.index;
    applied_ballot_ = entry.ballot;
    handler_.on_committed(entry);
  }
  if (!output.committed.empty()) queue_.push_back(consensus::Applied{applied_});
  if (!output.reads.empty()) handler_.on_reads_granted(output.reads);
  if (!output.reads_refused.empty()) handler_.on_reads_refused(output.reads_refused);
  for (const uint64_t cookie : output.refused) handler_.on_proposal_refused(cookie);
  for (const consensus::SnapshotNeeded& needed : output.snapshots_needed) handler_.on_snapshot_needed(needed);
  if (output.role) handler_.on_role(*output.role);
}

void Driver::send(const std::vector<consensus::Envelope>& messages) {
  for (const consensus::Envelope& envelope : messages) {
    world_.peers.send(envelope.to, wire::peer::encode_engine_message(envelope.message));
  }
}

void Driver::on_durable(uint64_t persist) {
  if (failed_) return;
  CONCLAVE_ASSERT(persist > persist_durable_);
  persist_durable_ = persist;
  while (!waiting_.empty() && waiting_.front().persist <= persist) {
    send(waiting_.front().messages);
    waiting_.pop_front();
  }
  feed(consensus::Persisted{persist});
}

void Driver::installed(Index index, consensus::Ballot ballot, const consensus::Membership& membership) {
  CONCLAVE_ASSERT(index > applied_);
  applied_ = index;
  applied_ballot_ = ballot;
  feed(consensus::SnapshotInstalled{.index = index, .ballot = ballot, .membership = membership});
}

}  // namespace conclave::replica
