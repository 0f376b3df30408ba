#include "sim/check/durable.h"

#include <fmt/format.h>

#include "sim/check/index.h"
#include "sim/check/model.h"
#include "sim/check/words.h"

namespace conclave::sim::check {

Violations check_durable(const History& history) {
  const Model model(history);
  Violations violations;
  for (size_t i = 0; i < history.operations.size(); ++i) {
    const Operation& op = history.operations[i];
    if (!has_zxid(op) || model.find(op.zxid)) continue;
    const bool write = is_write(op.call.action) && is_ok(op);
    violations.push_back(
        {"durable", fmt::format("{} was {} transaction {}, which is not in the log: lost", name_of(history, i),
                                write ? "acknowledged as" : "answered after", name_of(op.zxid))});
  }
  for (const SessionEvent& event : history.session_events) {
    if (event.change != SessionChange::connected) continue;
    const Model::Session* session = model.session(event.session);
    if (session != nullptr && history.log[session->opened].first_applied <= event.at) continue;
    violations.push_back({"durable", fmt::format("client {} was granted session {:#x} at {}, which was not open",
                                                 event.client, event.session.value, name_of(event.at))});
  }
  return violations;
}

}  // namespace conclave::sim::check
