#include "sim/check/index.h"

#include <algorithm>
#include <ranges>

namespace conclave::sim::check {

Code code_of(const Operation& op) {
  if (op.answer.code != Code::ok) return op.answer.code;
  for (const Answer& part : op.part_answers) {
    if (part.code != Code::ok) return part.code;
  }
  return Code::ok;
}

std::span<const Call> calls_of(const Operation& op) {
  return op.call.action == Action::multi ? std::span(op.parts) : std::span(&op.call, 1);
}

std::span<const Answer> answers_of(const Operation& op) {
  return op.call.action == Action::multi ? std::span(op.part_answers) : std::span(&op.answer, 1);
}

HistoryIndex::HistoryIndex(const History& history) {
  for (size_t i = 0; i < history.operations.size(); ++i) {
    const Operation& op = history.operations[i];
    Client& client = clients_[op.client];
    client.operations.push_back(i);
    if (op.session != SessionId()) client.session = op.session;
    if (has_zxid(op)) client.told.push_back(i);
  }
  for (const WatchEvent& event : history.watch_events) clients_[event.client];
  for (const SessionEvent& event : history.session_events) {
    Client& client = clients_[event.client];
    if (event.change != SessionChange::connected && event.change != SessionChange::connected_read_only) continue;
    client.session = event.session;
    client.connects.push_back(event.seen);
  }
  for (auto& [id, client] : clients_) {
    std::ranges::sort(client.told, {}, [&](size_t i) { return history.operations[i].seen; });
    std::ranges::sort(client.connects);
  }
  note_told(history);
  note_own_writes(history);
}

void HistoryIndex::note_told(const History& history) {
  std::vector<size_t> by_completion;
  std::vector<size_t> by_invocation(history.operations.size());
  for (size_t i = 0; i < history.operations.size(); ++i) {
    by_invocation[i] = i;
    if (has_zxid(history.operations[i])) by_completion.push_back(i);
  }
  std::ranges::stable_sort(by_completion, {}, [&](size_t i) { return history.operations[i].completed; });
  std::ranges::stable_sort(by_invocation, {}, [&](size_t i) { return history.operations[i].invoked; });

  told_before_.resize(history.operations.size());
  Zxid told;
  auto next = by_completion.begin();
  for (const size_t i : by_invocation) {
    for (; next != by_completion.end() && history.operations[*next].completed < history.operations[i].invoked; ++next) {
      told = std::max(told, history.operations[*next].zxid);
    }
    told_before_[i] = told;
  }
}

void HistoryIndex::note_own_writes(const History& history) {
  own_before_.resize(history.operations.size());
  own_behind_.resize(history.operations.size());
  for (const auto& [id, client] : clients_) {
    Zxid before;
    for (const size_t i : client.operations) {
      own_before_[i] = before;
      if (is_acknowledged_write(history.operations[i])) before = std::max(before, history.operations[i].zxid);
    }
    Zxid behind{UINT64_MAX};
    for (const size_t i : std::views::reverse(client.operations)) {
      own_behind_[i] = behind;
      if (is_acknowledged_write(history.operations[i])) behind = std::min(behind, history.operations[i].zxid);
    }
  }
}

SessionId HistoryIndex::session_of(const Operation& op) const {
  return op.session != SessionId() ? op.session : client(op.client).session;
}

bool HistoryIndex::reconnected(ClientId id, uint64_t after, uint64_t before) const {
  const std::vector<uint64_t>& connects = client(id).connects;
  const auto next = std::ranges::upper_bound(connects, after);
  return next != connects.end() && *next < before;
}

}  // namespace conclave::sim::check
