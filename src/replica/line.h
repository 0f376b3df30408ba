// Which requests take effect in the order in which they came: those of a session, or of the sessions that only their
// replica knows (ADR 10). What the gate holds keeps the later ones of its line behind it (Proposer M5). Pure.
#pragma once

#include <compare>
#include <optional>
#include <variant>

#include "state/txn/request.h"
#include "state/txn/transaction.h"

namespace conclave::replica {

struct Line {
  SessionId session;
  ReplicaId replica;  // of requests without a session
  friend auto operator<=>(const Line&, const Line&) = default;
};

// Nothing: it waits behind none. What the master itself asks for does not, least of all the end of a session that has
// expired: what is held may wait for just that. Nor does the return of its client, who may have to give up what is
// waited for; nor the opening of a session, nor the deletion of a node that nobody has open.
inline std::optional<Line> line_of(const state::Request& request, const state::RequestTag& tag) {
  const bool waits_for_none = tag.number == 0 || std::holds_alternative<state::CreateSessionRequest>(request.body) ||
                              std::holds_alternative<state::ResumeSessionRequest>(request.body) ||
                              std::holds_alternative<state::ReapUnopenedRequest>(request.body);
  if (waits_for_none) return std::nullopt;
  return Line{request.session, request.session == SessionId() ? tag.replica : ReplicaId()};
}

}  // namespace conclave::replica
