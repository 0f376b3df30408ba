#include "sim/check/expiry.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

#include "sim/check/index.h"
#include "sim/check/model.h"
#include "sim/check/ownership.h"
#include "sim/check/words.h"

namespace conclave::sim::check {
namespace {

class Expiry {
 public:
  Expiry(const History& history, const ExpiryOptions& options)
      : history_(history), options_(options), model_(history), index_(history) {
    for (const SignOfLife& sign : history.signs_of_life) signs_[sign.session].push_back(sign);
    for (auto& [session, signs] : signs_) std::ranges::stable_sort(signs, {}, &SignOfLife::answered);
    for (const Operation& op : history.operations) {
      const SessionId session = index_.session_of(op);
      note_try(session, op.invoked);
      if (op.call.action == Action::close_session) close_asked_.try_emplace(session, op.invoked);
    }
    for (const SessionEvent& event : history.session_events) note_try(event.session, event.at);
    note_decided();
  }

  Violations run(Figures* figures) {
    for (size_t position = 0; position < history_.log.size(); ++position) {
      for (const Change& change : history_.log[position].changes) {
        if (const auto* opened = std::get_if<SessionOpened>(&change)) check_late(*opened, position);
        const auto* closed = std::get_if<SessionClosed>(&change);
        if (closed == nullptr || !closed_by_cell(*closed, history_.log[position])) continue;
        ++expiries_;
        check_early(*closed, position);
      }
    }
    if (figures != nullptr) figures->expiries += expiries_;
    return std::move(violations_);
  }

 private:
  void note_try(SessionId session, Instant at) {
    Instant& last = last_try_[session];
    last = std::max(last, at);
  }

  // For every transaction a time before which its master cannot have decided on it: the last of those before it was
  // asked for then, or the last of the epoch before was applied then, which a new master waits for (ADR 6).
  void note_decided() {
    const Ownership ownership(history_, model_, index_);
    Instant after{0};
    for (size_t i = 0; i < history_.log.size(); ++i) {
      if (i == 0 || history_.log[i].zxid.epoch() != history_.log[i - 1].zxid.epoch()) {
        epochs_.push_back(history_.log[i].first_applied);
      }
      if (i > 0 && history_.log[i].zxid.epoch() != history_.log[i - 1].zxid.epoch()) {
        after = std::max(after, history_.log[i - 1].first_applied);
      }
      decided_after_.push_back(after);
      if (const auto owner = ownership.owners()[i]) after = std::max(after, history_.operations[*owner].invoked);
    }
  }

  bool closed_by_cell(const SessionClosed& closed, const Transaction& transaction) const {
    if (transaction.session == SessionId()) return true;
    const auto asked = close_asked_.find(closed.session);
    return asked == close_asked_.end() || asked->second > transaction.first_applied;
  }

  Duration drift_of(Duration timeout) const { return timeout * options_.drift_ppm / 1'000'000; }

  // X1. Between two answers the last sign of life stays the same, so the best moment for a close is just before the
  // later one.
  void check_early(const SessionClosed& closed, size_t position) {
    const Model::Session* session = model_.session(closed.session);
    if (session == nullptr) return;
    const Duration silent = options_.silence_share > 0 ? session->timeout / options_.silence_share : Duration{0};
    const Duration silence = session->timeout - silent - drift_of(session->timeout) - options_.early_slack;
    const Transaction& close = history_.log[position];
    // The opening counts as a sign of life.
    Instant sent = decided_after_[session->opened];
    for (const SignOfLife& sign : signs_[closed.session]) {
      if (sign.answered > close.first_applied) break;
      if (sign.answered >= decided_after_[position] && sign.answered - sent >= silence) return;
      sent = std::max(sent, sign.sent);
    }
    if (close.first_applied - sent >= silence) return;
    complain(fmt::format("session {:#x}, timeout {} ms, was closed by {} at {}, and had given a sign of life at {}",
                         closed.session.value, session->timeout.ms(), name_of(close.zxid), name_of(close.first_applied),
                         name_of(sent)));
  }

  // X2. An unanswered ping may have been heard as well: clients send one after a third of their timeout.
  void check_late(const SessionOpened& opened, size_t position) {
    const Model::Session* session = model_.session(opened.session);
    Instant heard = std::max(history_.log[position].first_applied, last_try_[opened.session]);
    const std::vector<SignOfLife>& signs = signs_[opened.session];
    if (!signs.empty()) heard = std::max(heard, signs.back().answered);
    const Duration patience = opened.timeout + opened.timeout / 3 + drift_of(opened.timeout) + options_.late_bound;
    for (const auto& [begin, end] : history_.healthy) {
      Instant due = std::max(heard, begin) + patience;
      for (const Instant epoch : epochs_) {  // a new master gives its whole timeout to everybody (B48)
        if (epoch <= due) due = std::max(due, epoch + patience);
      }
      if (due >= end) continue;
      if (session->closed && history_.log[*session->closed].first_applied <= due) return;
      return complain(fmt::format(
          "session {:#x}, timeout {} ms, gave its last sign of life at {} and was not closed by {}, all being healthy "
          "since {}",
          opened.session.value, opened.timeout.ms(), name_of(heard), name_of(due), name_of(begin)));
    }
  }

  void complain(std::string what) { violations_.push_back({"expiry", std::move(what)}); }

  const History& history_;
  const ExpiryOptions options_;
  const Model model_;
  const HistoryIndex index_;
  std::map<SessionId, std::vector<SignOfLife>> signs_;
  std::map<SessionId, Instant> last_try_;     // the client did or was told something, answered or not
  std::map<SessionId, Instant> close_asked_;  // by the client
  std::vector<Instant> decided_after_;        // by position in the log
  std::vector<Instant> epochs_;               // when each began
  Violations violations_;
  uint64_t expiries_ = 0;
};

}  // namespace

Violations check_expiry(const History& history, const ExpiryOptions& options, Figures* figures) {
  return Expiry(history, options).run(figures);
}

}  // namespace conclave::sim::check
