#include "sim/cluster/recorder.h"

#include <utility>

namespace conclave::sim {

size_t Recorder::begin(check::Operation operation) {
  operation.invoked = now();
  history_.operations.push_back(std::move(operation));
  return history_.operations.size() - 1;
}

check::Operation& Recorder::answer(size_t place, check::Code code, Zxid zxid) {
  check::Operation& operation = history_.operations.at(place);
  operation.completed = now();
  operation.seen = ++seen_[operation.client];
  operation.zxid = zxid;
  operation.answer.code = code;
  operation.answered = code != check::Code::connection_loss && code != check::Code::session_expired;
  if (operation.answered) ++answered_;
  if (operation.answered && code == check::Code::ok && check::is_write(operation.call.action)) on_acknowledged_(zxid);
  return operation;
}

void Recorder::session(check::ClientId client, SessionId session, check::SessionChange change, Duration timeout) {
  history_.session_events.push_back({.client = client,
                                     .session = session,
                                     .change = change,
                                     .timeout = timeout,
                                     .at = now(),
                                     .seen = ++seen_[client]});
}

void Recorder::watch_event(size_t registered_by, check::EventKind kind, std::string path) {
  const check::ClientId client = history_.operations.at(registered_by).client;
  history_.watch_events.push_back({.client = client,
                                   .kind = kind,
                                   .path = std::move(path),
                                   .at = now(),
                                   .seen = ++seen_[client],
                                   .registered_by = registered_by});
}

void Recorder::sign_of_life(check::ClientId client, SessionId session, Instant sent, Instant answered) {
  history_.signs_of_life.push_back({.client = client, .session = session, .sent = sent, .answered = answered});
}

check::History Recorder::take(std::vector<check::Transaction> log, std::vector<std::pair<Instant, Instant>> healthy) {
  history_.log = std::move(log);
  history_.healthy = std::move(healthy);
  history_.ended = now();
  return std::exchange(history_, {});
}

}  // namespace conclave::sim
