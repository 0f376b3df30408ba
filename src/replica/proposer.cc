#include "replica/proposer.h"

#include <algorithm>

#include "base/assert.h"
#include "base/log.h"
#include "base/plant.h"
#include "base/probe.h"

namespace conclave::replica {

using wire::peer::Answers;
using wire::peer::ForwardKind;

Proposer::Proposer(const state::Service& service, const Options& options, ProposerPorts& ports)
    : service_(service), options_(options), ports_(ports), leases_(options.touch_interval * 2) {}

void Proposer::begin(Epoch epoch, Bytes secret, Instant now, int64_t wall_ms) {
  end();
  epoch_ = epoch;
  evaluator_ = std::make_unique<state::Evaluator>(service_, epoch, options_.evaluator);
  for (const state::SessionView& session : service_.sessions()) {
    const int64_t timeout_ms = CONCLAVE_PLANT(leases_shortened_by_new_master) ? 0 : session.timeout_ms;
    leases_.add(session.id, timeout_ms, now, session.caching);
  }
  for (const state::LockClaim& lost : service_.locks_lost()) begin_lock_delay(lost, now);
  next_reaping_ = now + options_.container_check_interval;
  own_request(state::EpochStartRequest{std::move(secret)}, SessionId(), now, wall_ms);
}

void Proposer::end() {
  evaluator_.reset();
  origins_.clear();
  backlog_.clear();
  leases_.clear();
  lock_delays_.clear();
  held_.clear();
  behind_.clear();
  fresh_.clear();
  batch_.clear();
  offered_.clear();
  published_.clear();
  refused_ = false;
  in_flight_ = 0;
  bytes_in_flight_ = 0;
  unconfirmed_.clear();
  barriers_.clear();
  refusals_unconfirmed_ = 0;
}

Proposer::Origin* Proposer::stream_of(ReplicaId from, uint64_t incarnation) {
  const auto [known, is_first] = origins_.try_emplace(from, Origin{.incarnation = incarnation});
  Origin& origin = known->second;
  if (is_first || origin.incarnation == incarnation) return &origin;
  const bool ended = std::ranges::find(origin.former, incarnation) != origin.former.end();
  if (ended && !CONCLAVE_PLANT(former_stream_taken)) {
    CONCLAVE_PROBE("replica.former-stream");
    return nullptr;
  }
  std::vector<uint64_t> former = std::move(origin.former);
  former.push_back(origin.incarnation);
  origin = Origin{.incarnation = incarnation, .former = std::move(former)};
  return &origin;
}

void Proposer::take(ReplicaId from, wire::peer::Forward forward, Instant now, int64_t wall_ms) {
  if (!active() || forward.epoch != epoch_) return;
  Origin* const stream = stream_of(from, forward.incarnation);
  if (stream == nullptr) return;
  Origin& origin = *stream;
  if (!CONCLAVE_PLANT(answers_kept_for_ever)) {
    origin.answers.erase(origin.answers.begin(), origin.answers.lower_bound(forward.answered_below));
  }

  uint64_t sequence = forward.first_sequence;
  Answers again{.epoch = epoch_, .incarnation = forward.incarnation, .items = {}};
  for (wire::peer::Forward::Item& forwarded : forward.items) {
    if (sequence > origin.next_sequence) break;  // a gap: the origin will go back
    if (sequence < origin.next_sequence) {
      if (const auto known = origin.answers.find(sequence); known != origin.answers.end()) {
        again.items.push_back(known->second);
      }
      ++sequence;
      continue;
    }
    Item item{.origin = from,
              .incarnation = forward.incarnation,
              .number = forwarded.number,
              .kind = forwarded.kind,
              .request = {}};
    if (forwarded.kind == ForwardKind::request) {
      auto request = state::decode_request(forwarded.body.view());
      if (!request) {
        log::warning("replica", "a peer forwarded a malformed request; it is ignored until it makes sense",
                     {{"peer", to_string(from)}, {"reason", request.error().message}});
        break;
      }
      item.request = std::move(*request);
    }
    origin.sequence_of[item.number] = sequence;
    origin.next_sequence = ++sequence;
    handle(std::move(item), now, wall_ms);
  }
  if (!again.items.empty()) ports_.answer(from, std::move(again));
}

void Proposer::take_own(ForwardKind kind, uint64_t number, const state::Request& request, uint64_t incarnation,
                        Instant now, int64_t wall_ms) {
  CONCLAVE_ASSERT(active());
  const ReplicaId self = options_.consensus.self;
  if (kind == ForwardKind::request && backlog_.empty() && has_capacity()) {  // the hot path copies nothing
    evaluate(request, {.replica = self, .incarnation = incarnation, .number = number}, now, wall_ms);
    return;
  }
  handle({.origin = self, .incarnation = incarnation, .number = number, .kind = kind, .request = request}, now,
         wall_ms);
}

void Proposer::touch(ReplicaId replica, SessionId session, Instant now) {
  if (!active()) return;
  if (const auto known = service_.session(session); known && known->owner == replica) leases_.touch(session, now);
}

void Proposer::handle(Item item, Instant now, int64_t wall_ms) {
  if (!backlog_.empty() || !has_capacity()) {
    backlog_.push_back(std::move(item));
    return;
  }
  switch (item.kind) {
    case ForwardKind::request:
      evaluate(item.request, {.replica = item.origin, .incarnation = item.incarnation, .number = item.number}, now,
               wall_ms);
      return;
    case ForwardKind::sync:
      confirm({.origin = item.origin,
               .incarnation = item.incarnation,
               .item = {.number = item.number, .outcome = {}, .after_zxid = Zxid(), .after_index = Index()},
               .sync = true});
      return;
  }
}

void Proposer::evaluate(const state::Request& request, const state::RequestTag& tag, Instant now, int64_t wall_ms) {
  const auto as_item = [&] {
    return Item{.origin = tag.replica, .incarnation = tag.incarnation, .number = tag.number, .request = request};
  };
  const auto line = line_of(request, tag);
  if (!behind_.empty() && line) {
    if (const auto behind = behind_.find(*line); behind != behind_.end()) return behind->second.push_back(as_item());
  }
  auto evaluated = std::holds_alternative<state::ReconfigRequest>(request.body)
                       ? evaluate_reconfig(request, tag, wall_ms)
                       : evaluator_->evaluate(request, {.time_ms = wall_ms, .origin = tag, .admission = this});
  if (std::holds_alternative<state::NotAdmitted>(evaluated)) {
    CONCLAVE_PROBE("replica.change-held");
    leases_.note_request(request.session, now);
    held_.emplace(++last_ticket_, as_item());
    if (line) behind_.try_emplace(*line);
    return;
  }
  if (const auto* refusal = std::get_if<state::Refusal>(&evaluated)) {
    if (tag.number == 0) return;
    if (refusal->outcome.code != state::Code::session_moved) leases_.note_request(request.session, now);
    Bytes outcome;
    encode(refusal->outcome, &outcome);
    confirm({.origin = tag.replica,
             .incarnation = tag.incarnation,
             .item = {.number = tag.number,
                      .outcome = std::move(outcome),
                      .after_zxid = refusal->after,
                      .after_index = Index()}});
    return;
  }
  const auto& txn = std::get<state::Transaction>(evaluated);
  if (const auto* created = std::get_if<state::CreateSessionRequest>(&request.body)) {
    leases_.add(created->id, created->timeout_ms, now, created->caching);
  } else if (std::holds_alternative<state::CloseSessionRequest>(request.body)) {
    leases_.remove(request.session);
  } else {
    leases_.note_request(request.session, now);
  }
  encode(txn, fresh_.begin());
  bytes_in_flight_ += fresh_.end();
  ++in_flight_;
}

// The request is evaluated as the writing of the node that shows the members: who may write it may change them.
Proposer::Evaluated Proposer::evaluate_reconfig(const state::Request& request, const state::RequestTag& tag,
                                                int64_t wall_ms) {
  class WhenDone final : public state::Admission {
   public:
    WhenDone(Proposer& proposer, const state::ReconfigRequest& wanted, const state::RequestTag& origin)
        : proposer_(proposer), wanted_(wanted), tag_(origin) {}
    bool admits(const state::Transaction& txn) override {
      verdict = proposer_.ports_.reconfigured(wanted_, tag_, proposer_.last_ticket_ + 1);
      return verdict.value_or(false) && proposer_.admits(txn);
    }
    std::expected<bool, state::Code> verdict = false;

   private:
    Proposer& proposer_;
    const state::ReconfigRequest& wanted_;
    const state::RequestTag& tag_;
  };
  WhenDone admission(*this, std::get<state::ReconfigRequest>(request.body), tag);
  state::Request filled = request;
  std::get<state::ReconfigRequest>(filled.body).config = ports_.member_config();
  auto evaluated = evaluator_->evaluate(filled, {.time_ms = wall_ms, .origin = tag, .admission = &admission});
  if (admission.verdict) {
    if (std::holds_alternative<state::Transaction>(evaluated)) {
      published_ = std::get<state::ReconfigRequest>(filled.body).config;
    }
    return evaluated;
  }
  const state::Code code = admission.verdict.error();
  return state::Refusal{{code, {{.kind = state::OpKind::set_data, .code = code}}}, evaluator_->last_proposed()};
}

void Proposer::release(uint64_t ticket, Instant now, int64_t wall_ms) {
  auto held = held_.extract(ticket);
  if (held.empty()) return;
  Item& first = held.mapped();
  std::deque<Item> items;
  if (const auto line = line_of(first.request, {first.origin, first.incarnation, first.number})) {
    items = std::move(behind_.extract(*line).mapped());
  }
  items.push_front(std::move(first));
  // All of them came before anything in the backlog, where more of their line may be.
  backlog_.insert(backlog_.begin(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
  drain_backlog(now, wall_ms);
}

void Proposer::confirm(Unconfirmed waiting) {
  if (!waiting.sync && CONCLAVE_PLANT(refusal_not_confirmed)) {
    return answer(waiting.origin, waiting.incarnation, std::move(waiting.item));
  }
  if (!waiting.sync) ++refusals_unconfirmed_;
  unconfirmed_.push_back(std::move(waiting));
}

void Proposer::answer(ReplicaId to, uint64_t incarnation, Answers::Item item) {
  if (to != options_.consensus.self) {
    Origin& origin = origins_[to];
    if (origin.incarnation != incarnation) return;  // that stream has ended
    if (const auto known = origin.sequence_of.find(item.number); known != origin.sequence_of.end()) {
      origin.answers[known->second] = item;
      origin.sequence_of.erase(known);
    }
  }
  ports_.answer(to, {.epoch = epoch_, .incarnation = incarnation, .items = {std::move(item)}});
}

void Proposer::on_applied(const state::Applied& applied, size_t payload_bytes, Instant now, int64_t wall_ms) {
  if (!active() || applied.skipped || applied.zxid.epoch() != epoch_) return;
  evaluator_->on_applied(applied.zxid);
  for (const state::LockClaim& lost : applied.lost_locks) begin_lock_delay(lost, now);
  CONCLAVE_ASSERT(in_flight_ > 0);
  --in_flight_;
  bytes_in_flight_ -= payload_bytes;
  if (applied.origin.number != 0 && applied.origin.replica != options_.consensus.self) {
    const auto origin = origins_.find(applied.origin.replica);
    if (origin != origins_.end() && origin->second.incarnation == applied.origin.incarnation) {
      origin->second.sequence_of.erase(applied.origin.number);
    }
  }
  if (!backlog_.empty()) drain_backlog(now, wall_ms);
}

void Proposer::begin_lock_delay(const state::LockClaim& lost, Instant now) {
  const state::Lock* lock = service_.lock(lost.path);
  lock_delays_.begin(lost, lock->place_of(lost.holder)->delay_ms, now);
}

void Proposer::drain_backlog(Instant now, int64_t wall_ms) {
  while (!backlog_.empty() && has_capacity()) {
    std::deque<Item> rest;
    rest.swap(backlog_);  // so that handle() sees an empty backlog and takes the item
    Item item = std::move(rest.front());
    rest.pop_front();
    handle(std::move(item), now, wall_ms);
    CONCLAVE_ASSERT(backlog_.empty());
    backlog_.swap(rest);
  }
}

bool Proposer::has_capacity() const {
  return !refused_ && !evaluator_->epoch_nearly_exhausted() && in_flight_ < options_.transactions_in_flight_max &&
         bytes_in_flight_ < options_.transaction_bytes_in_flight_max;
}

void Proposer::flush() {
  if (!active()) return;
  if (!unconfirmed_.empty()) {
    const uint64_t token = ++token_;
    barriers_[token] = std::move(unconfirmed_);
    unconfirmed_.clear();
    ports_.ask_read_barrier(token);
  }
  fresh_.take(&batch_);
  while (!batch_.empty() && !refused_ && refusals_unconfirmed_ == 0) propose_batch();
}

// Offers the batch, or as much of it as an idle engine takes at once.
void Proposer::propose_batch() {
  const size_t most = std::min(batch_.size(), options_.consensus.slots_in_flight_max);
  std::vector<Blob> rest(std::make_move_iterator(batch_.begin() + static_cast<ptrdiff_t>(most)),
                         std::make_move_iterator(batch_.end()));
  batch_.resize(most);
  offered_ = batch_;
  consensus::Propose proposal{
      .cookie = ++cookie_, .kind = consensus::EntryKind::transaction, .payloads = std::move(batch_)};
  batch_ = std::move(rest);
  ports_.propose(std::move(proposal));
  offered_.clear();
}

void Proposer::on_refused() {
  if (!active()) return;
  CONCLAVE_PROBE("replica.batch-refused");
  refused_ = true;
  offered_.insert(offered_.end(), std::make_move_iterator(batch_.begin()), std::make_move_iterator(batch_.end()));
  batch_ = std::move(offered_);
  offered_.clear();
}

void Proposer::offer_again(Instant now, int64_t wall_ms) {
  if (!active() || !refused_) return;
  refused_ = false;
  drain_backlog(now, wall_ms);
}

void Proposer::on_read_granted(uint64_t token, Index index) {
  auto barrier = barriers_.extract(token);
  if (barrier.empty()) return;
  for (Unconfirmed& confirmed : barrier.mapped()) {
    if (confirmed.sync) {
      confirmed.item.after_index = CONCLAVE_PLANT(sync_does_not_wait) ? Index() : index;
    } else {
      --refusals_unconfirmed_;
    }
    answer(confirmed.origin, confirmed.incarnation, std::move(confirmed.item));
  }
}

void Proposer::on_read_refused(uint64_t token) {
  // Still master: ask again at the next flush. Otherwise the origins ask the next master.
  auto barrier = barriers_.extract(token);
  if (barrier.empty()) return;
  unconfirmed_.insert(unconfirmed_.end(), std::make_move_iterator(barrier.mapped().begin()),
                      std::make_move_iterator(barrier.mapped().end()));
}

void Proposer::on_tick(Instant now, int64_t wall_ms) {
  if (!active()) return;
  refused_ = false;
  if (evaluator_->epoch_nearly_exhausted()) {
    // What is under way would be lost with the epoch, and an expired session have its whole timeout once more.
    if (in_flight_ > 0) return flush();
    CONCLAVE_PROBE("replica.epoch-used-up");
    log::info("replica", "the zxids of this epoch are nearly used up; going on in the next one",
              {{"epoch", to_string(epoch_)}});
    return ports_.take_next_ballot();
  }
  for (const SessionId session : leases_.expire(now)) {
    CONCLAVE_PROBE("replica.session-expired");
    log::info("replica", "session expired", {{"session", to_string(session)}});
    own_request(state::CloseSessionRequest{.expired = true}, session, now, wall_ms);
  }
  for (state::LockClaim& lost : lock_delays_.over(now)) {
    log::info("replica", "lock-delay is over", {{"path", lost.path}, {"session", to_string(lost.holder.session)}});
    own_request(state::EndLockDelayRequest{std::move(lost.path), lost.holder.session, lost.holder.handle}, SessionId(),
                now, wall_ms);
  }
  if (now >= next_reaping_) {
    next_reaping_ = now + options_.container_check_interval;
    size_t reaped = 0;
    for (const std::string& path : service_.due_for_reaping(wall_ms)) {
      if (++reaped > options_.reaped_per_check_max) break;
      own_request(state::ReapRequest{path}, SessionId(), now, wall_ms);
    }
  }
  drain_backlog(now, wall_ms);
  flush();
}

void Proposer::own_request(state::RequestBody body, SessionId session, Instant now, int64_t wall_ms) {
  state::Request request{.session = session, .identities = state::super_identities(), .body = std::move(body)};
  evaluate(request, {}, now, wall_ms);
}

void Proposer::publish_members(Instant now, int64_t wall_ms) {
  const std::string text = ports_.member_config();
  if (text.empty() || text == published_) return;
  published_ = text;
  const auto current = service_.get("/zookeeper/config", state::super_identities());
  if (current && current->data == text) return;
  own_request(state::SetDataRequest{.path = "/zookeeper/config", .data = text}, SessionId(), now, wall_ms);
}

ProposerFigures Proposer::figures() const {
  ProposerFigures figures{.in_flight = in_flight_,
                          .backlog = backlog_.size(),
                          .sessions = leases_.size(),
                          .unconfirmed = unconfirmed_.size()};
  figures.held = held_.size();
  for (const auto& [session, behind] : behind_) figures.held += behind.size();
  for (const auto& [token, waiting] : barriers_) figures.unconfirmed += waiting.size();
  for (const auto& [id, origin] : origins_) {
    figures.unanswered += origin.sequence_of.size();
    figures.answers_kept += origin.answers.size();
  }
  return figures;
}

}  // namespace conclave::replica
