#include "replica/forwarder.h"

#include <algorithm>

#include "base/assert.h"
#include "base/blob_batch.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"
#include "replica/line.h"

namespace conclave::replica {

using wire::peer::Forward;
using wire::peer::ForwardKind;

namespace {
// Bound on the payload of one Forward message.
constexpr size_t kForwardBytesMax = 1 << 20;
}  // namespace

Forwarder::Forwarder(ReplicaId self, uint64_t incarnation, ForwarderPorts& ports)
    : self_(self), incarnation_(incarnation), ports_(ports) {}

void Forwarder::submit(state::Request request, Completion done, Instant now) {
  Pending pending;
  pending.request = std::move(request);
  pending.complete = std::move(done);
  add(std::move(pending), now);
}

void Forwarder::submit_sync(Completion done, Instant now) {
  Pending pending;
  pending.kind = ForwardKind::sync;
  pending.complete = std::move(done);
  add(std::move(pending), now);
}

void Forwarder::add(Pending pending, Instant now) {
  if (live_ == 0) oldest_since_ = now;
  pending_.push_back(std::move(pending));
  ++live_;
}

Forwarder::Pending* Forwarder::find(uint64_t number) {
  if (number < first_number_ || number - first_number_ >= pending_.size()) return nullptr;
  Pending& pending = pending_[number - first_number_];
  return pending.done ? nullptr : &pending;
}

void Forwarder::on_master(ReplicaId master, Epoch epoch) {
  if (master == master_ && epoch == master_epoch_) return;
  master_ = master;
  master_epoch_ = epoch;
  open_epoch_ = Epoch();
}

void Forwarder::try_open(Epoch applied_epoch, Instant now) {
  if (applied_epoch != applied_epoch_) {
    // A new epoch has begun: nothing of an older one can apply any more, so answers that wait for that never come true.
    applied_epoch_ = applied_epoch;
    answers_.clear();
  }
  if (open() || master_ == ReplicaId()) return;
  if (master_epoch_ != applied_epoch_ && !CONCLAVE_PLANT(resubmitted_too_early)) return;
  open_epoch_ = master_epoch_;
  oldest_since_ = now;
  next_unsent_ = first_number_;  // everything unanswered goes (again)
  if (numbered_epoch_ != open_epoch_) {
    numbered_epoch_ = open_epoch_;
    base_number_ = first_number_;
  }
}

void Forwarder::on_applied(const state::Applied& applied, Index index, Instant now) {
  if (applied.skipped) return;
  if (applied.zxid.epoch() != applied_epoch_) try_open(applied.zxid.epoch(), now);
  if (applied.origin.replica == self_ && applied.origin.incarnation == incarnation_) {
    const uint64_t number = applied.origin.number;
    if (const Pending* pending = find(number)) {
      give_up_before(number, pending->request);
      finish(*find(number), {.outcome = applied.outcome, .zxid = applied.zxid});
    }
  }
  while (!answers_.empty() && answers_.front().after_zxid <= applied.zxid && answers_.front().after_index <= index) {
    Answer answer = std::move(answers_.front());
    answers_.pop_front();
    finish_answer(std::move(answer), applied.zxid);
  }
}

void Forwarder::on_answers(wire::peer::Answers answers) {
  if (answers.incarnation != incarnation_ || !open() || answers.epoch != open_epoch_) return;
  for (wire::peer::Answers::Item& item : answers.items) {
    if (find(item.number) == nullptr) continue;
    answers_.push_back({.number = item.number,
                        .outcome = std::move(item.outcome),
                        .after_zxid = item.after_zxid,
                        .after_index = item.after_index});
  }
}

void Forwarder::finish(Pending& pending, Reply reply) {
  pending.done = true;
  --live_;
  Completion complete = std::move(pending.complete);
  pending.request = {};
  drop_front();
  complete(std::move(reply));
}

void Forwarder::finish_answer(Answer answer, Zxid applied_zxid) {
  Pending* pending = find(answer.number);
  if (pending == nullptr) return;  // completed by an earlier copy of this answer
  Reply reply{.outcome = {}, .zxid = applied_zxid};
  if (pending->kind == ForwardKind::request) {
    give_up_before(answer.number, pending->request);
    pending = find(answer.number);
    auto outcome = state::decode_outcome(answer.outcome);
    if (outcome) {
      reply.outcome = std::move(*outcome);
    } else {
      log::error("replica", "answer of the master cannot be read", {{"reason", outcome.error().message}});
      reply.outcome.code = state::Code::system_error;
    }
  }
  finish(*pending, std::move(reply));
}

void Forwarder::give_up_before(uint64_t number, const state::Request& request) {
  const SessionId session = request.session;
  // One that waits for none may have overtaken what the gate holds (M5): it tells nothing of those before it.
  if (session == SessionId() || !line_of(request, {.replica = self_, .incarnation = incarnation_, .number = number}))
    return;
  for (uint64_t earlier = std::max(oldest_request_, first_number_); earlier < number; ++earlier) {
    Pending* pending = find(earlier);
    if (pending == nullptr || pending->kind != ForwardKind::request) {
      if (earlier == oldest_request_) ++oldest_request_;
      continue;
    }
    if (pending->request.session != session || CONCLAVE_PLANT(lost_refusal_asked_again)) continue;
    CONCLAVE_PROBE("replica.lost-refusal");
    log::info("replica", "an answer of the master was lost on the way: the client must ask again",
              {{"session", to_string(session)}});
    finish(*pending, {.outcome = {.code = state::Code::connection_loss, .ops = {}}, .zxid = Zxid()});
  }
}

void Forwarder::drop_front() {
  while (!pending_.empty() && pending_.front().done) {
    pending_.pop_front();
    ++first_number_;
  }
}

void Forwarder::on_master_connected(Instant now) {
  if (!open() || master_ == self_) return;
  send_from(first_number_, now);
}

void Forwarder::on_tick(Instant now, Duration retry) {
  // By the oldest one alone: others may go on for ever around one whose answer was lost.
  if (oldest_ != first_number_) oldest_since_ = now;
  oldest_ = first_number_;
  if (open() && master_ != self_ && live_ > 0 && now - oldest_since_ > retry) on_master_connected(now);
}

void Forwarder::on_state_replaced(Zxid zxid, Instant now) {
  fail_all();
  try_open(zxid.epoch(), now);
}

void Forwarder::flush(Zxid applied_zxid, Index applied_index, Instant now) {
  try_open(applied_zxid.epoch(), now);
  if (open()) {
    if (master_ == self_) {
      while (next_unsent_ < first_number_ + pending_.size()) {
        const uint64_t number = std::max(next_unsent_, first_number_);
        next_unsent_ = number + 1;
        const Pending* pending = find(number);
        if (pending == nullptr) continue;
        ports_.take_own(pending->kind, number, pending->request);
      }
    } else if (next_unsent_ < first_number_ + pending_.size()) {
      send_from(next_unsent_, now);
    }
  }
  complete_ready(applied_zxid, applied_index);
}

void Forwarder::complete_ready(Zxid applied_zxid, Index applied_index) {
  // Not a simple loop over the front: an answer that another one overtook may be ready as well.
  std::deque<Answer> ready;
  std::erase_if(answers_, [&](Answer& answer) {
    const bool is_ready = answer.after_zxid <= applied_zxid && answer.after_index <= applied_index;
    if (is_ready) ready.push_back(std::move(answer));
    return is_ready;
  });
  for (Answer& answer : ready) finish_answer(std::move(answer), applied_zxid);
}

void Forwarder::send_from(uint64_t number, Instant now) {
  const uint64_t end = first_number_ + pending_.size();
  if (number == first_number_) oldest_since_ = now;
  while (number < end) {
    Forward forward{.epoch = open_epoch_,
                    .incarnation = incarnation_,
                    .first_sequence = number - base_number_ + 1,
                    .answered_below = first_number_ - base_number_ + 1,
                    .items = {}};
    BlobBatch bodies;
    for (size_t bytes = 0; number < end && bytes < kForwardBytesMax; ++number) {
      const Pending& pending = pending_[number - first_number_];
      // What is done keeps its place, as a sync that nobody waits for: this master may not have taken it.
      const ForwardKind kind = pending.done ? ForwardKind::sync : pending.kind;
      if (kind == ForwardKind::request) encode(pending.request, bodies.begin());
      bytes += bodies.end() + 16;
      forward.items.push_back({.kind = kind, .number = number, .body = {}});
    }
    std::vector<Blob> parts;
    bodies.take(&parts);
    for (size_t i = 0; i < parts.size(); ++i) forward.items[i].body = std::move(parts[i]);
    ports_.forward(master_, std::move(forward));
  }
  next_unsent_ = end;
}

void Forwarder::fail_all() {
  answers_.clear();
  std::deque<Pending> failed;
  failed.swap(pending_);
  first_number_ += failed.size();
  live_ = 0;
  // The master may have taken some of them and not others: begin a new stream, so that neither side waits for the rest.
  ++incarnation_;
  base_number_ = first_number_;
  next_unsent_ = first_number_;
  for (Pending& pending : failed) {
    if (pending.done) continue;
    pending.complete({.outcome = {.code = state::Code::connection_loss, .ops = {}}, .zxid = Zxid()});
  }
}

}  // namespace conclave::replica
