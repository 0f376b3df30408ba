#include "sim/check/sessions.h"

#include <algorithm>
#include <fmt/format.h>

#include "sim/check/index.h"
#include "sim/check/model.h"
#include "sim/check/words.h"

namespace conclave::sim::check {
namespace {

class Sessions {
 public:
  explicit Sessions(const History& history) : history_(history), model_(history), index_(history) {
    for (const SessionEvent& event : history.session_events) {
      const bool connects =
          event.change == SessionChange::connected || event.change == SessionChange::connected_read_only;
      if (connects) connections_[event.client].push_back(event);
    }
  }

  Violations run() {
    for (const auto& [id, client] : index_.clients()) {
      check_completions(client);
      check_never_back(client);
      for (const size_t i : client.operations) {
        check_own_writes(i);
        check_open(i);
      }
      check_read_only(client);
    }
    check_end();
    return std::move(violations_);
  }

 private:
  // S1
  void check_completions(const HistoryIndex::Client& client) {
    std::optional<size_t> previous;
    for (const size_t i : client.operations) {
      if (history_.operations[i].seen == 0) continue;
      if (previous && history_.operations[i].seen <= history_.operations[*previous].seen) {
        complain(i, fmt::format("was completed before {}", name_of(history_, *previous)));
      }
      previous = i;
    }
  }

  // S2
  void check_never_back(const HistoryIndex::Client& client) {
    std::optional<size_t> newest;
    for (const size_t i : client.told) {
      const Zxid zxid = history_.operations[i].zxid;
      if (newest && zxid < history_.operations[*newest].zxid) {
        complain(i, fmt::format("was answered at {}, after the client had been told {} by {}", name_of(zxid),
                                name_of(history_.operations[*newest].zxid), name_of(history_, *newest)));
      } else {
        newest = i;
      }
    }
  }

  // S3
  void check_own_writes(size_t i) {
    const Operation& op = history_.operations[i];
    if (!has_zxid(op)) return;
    const Zxid before = index_.own_write_before(i);
    const bool writes = is_acknowledged_write(op) && op.call.action != Action::close_session;
    if (op.zxid < before || (writes && op.zxid == before)) {
      complain(i, fmt::format("was answered at {}, though its client had written {} before", name_of(op.zxid),
                              name_of(before)));
    }
    if (is_read(op.call.action) && op.zxid >= index_.own_write_behind(i)) {
      complain(i, fmt::format("was answered at {}, and its client wrote {} only later", name_of(op.zxid),
                              name_of(index_.own_write_behind(i))));
    }
  }

  // S4, by the log: a replica that has applied the close answers no more.
  void check_open(size_t i) {
    const Operation& op = history_.operations[i];
    if (!is_ok(op) || !has_zxid(op) || op.call.action == Action::close_session) return;
    const Model::Session* session = model_.session(index_.session_of(op));
    if (session == nullptr || !session->closed || op.zxid < history_.log[*session->closed].zxid) return;
    complain(i, fmt::format("was answered with ok at {}, and its session ended with {}", name_of(op.zxid),
                            name_of(history_.log[*session->closed].zxid)));
  }

  // S6
  void check_read_only(const HistoryIndex::Client& client) {
    for (const size_t i : client.operations) {
      const Operation& op = history_.operations[i];
      if (!is_ok(op) || is_read(op.call.action)) continue;
      const SessionEvent* connected = connection_of(op);
      if (connected == nullptr || connected->change != SessionChange::connected_read_only) continue;
      complain(
          i, fmt::format("was answered with ok in read-only mode, over the connection of {}", name_of(connected->at)));
    }
  }

  // The newest one before the operation was answered.
  const SessionEvent* connection_of(const Operation& op) const {
    const auto found = connections_.find(op.client);
    if (found == connections_.end()) return nullptr;
    const auto next = std::ranges::upper_bound(found->second, op.seen, {}, &SessionEvent::seen);
    return next == found->second.begin() ? nullptr : &*std::prev(next);
  }

  // S4, by what the client was told; S5.
  void check_end() {
    std::map<ClientId, uint64_t> ended;
    for (const SessionEvent& event : history_.session_events) {
      const bool ends = event.change == SessionChange::expired || event.change == SessionChange::closed;
      if (ends) ended.try_emplace(event.client, event.seen);
      if (event.change != SessionChange::expired || closed_by(event.session, event.at)) continue;
      violations_.push_back({"sessions", fmt::format("client {} was told at {} that session {:#x} has expired, which "
                                                     "was open",
                                                     event.client, name_of(event.at), event.session.value)});
    }
    for (size_t i = 0; i < history_.operations.size(); ++i) {
      const Operation& op = history_.operations[i];
      const SessionId session = index_.session_of(op);
      if (op.seen != 0 && op.answer.code == Code::session_expired && !closed_by(session, op.completed)) {
        complain(i, fmt::format("was told that session {:#x} has expired, which was open", session.value));
      }
      const auto end = ended.find(op.client);
      if (end == ended.end() || !is_ok(op) || op.call.action == Action::close_session || op.seen < end->second)
        continue;
      complain(i, "completed with ok after its session had ended");
    }
  }

  // A session of which the log knows nothing was never open.
  bool closed_by(SessionId id, Instant time) const {
    const Model::Session* session = model_.session(id);
    if (session == nullptr) return true;
    return session->closed && history_.log[*session->closed].first_applied <= time;
  }

  void complain(size_t i, std::string what) {
    violations_.push_back({"sessions", fmt::format("{} {}", name_of(history_, i), what)});
  }

  const History& history_;
  const Model model_;
  const HistoryIndex index_;
  std::map<ClientId, std::vector<SessionEvent>> connections_;
  Violations violations_;
};

}  // namespace

Violations check_sessions(const History& history) {
  return Sessions(history).run();
}

}  // namespace conclave::sim::check
