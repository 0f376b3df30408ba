#include "sim/check/ownership.h"

#include <algorithm>
#include <fmt/format.h>
#include <unordered_map>

#include "sim/check/words.h"

namespace conclave::sim::check {
namespace {

// What a write and its transaction have in common, whoever asked and whatever was answered.
std::string signature(std::span<const Call> calls) {
  std::string out;
  for (const Call& call : calls) {
    switch (call.action) {
      case Action::create:
        out += fmt::format("create {}\n", call.data);
        break;
      case Action::set:
        out += fmt::format("set {} {}\n", call.path, call.data);
        break;
      case Action::remove:
        out += fmt::format("remove {}\n", call.path);
        break;
      case Action::check:
        out += fmt::format("check {}\n", call.path);
        break;
      default:
        out += "close\n";
    }
  }
  return out;
}

struct SignatureOf {
  std::string operator()(const Created& c) const { return fmt::format("create {}\n", c.data); }
  std::string operator()(const DataSet& c) const { return fmt::format("set {} {}\n", c.path, c.data); }
  std::string operator()(const Removed& c) const { return fmt::format("remove {}\n", c.path); }
  std::string operator()(const Checked& c) const { return fmt::format("check {}\n", c.path); }
  std::string operator()(const SessionClosed&) const { return "close\n"; }
  std::string operator()(const SessionOpened&) const { return "open\n"; }
  std::string operator()(const EpochStarted&) const { return "epoch\n"; }
  std::string operator()(const Other& c) const { return fmt::format("other {}\n", c.path); }
};

std::string signature(const Transaction& transaction) {
  std::string out;
  for (const Change& change : transaction.changes) out += std::visit(SignatureOf{}, change);
  return out;
}

bool closes_session(const Transaction& transaction) {
  return transaction.changes.size() == 1 && std::holds_alternative<SessionClosed>(transaction.changes.front());
}

}  // namespace

Ownership::Ownership(const History& history, const Model& model, const HistoryIndex& index)
    : history_(history), model_(model), index_(index), owners_(history.log.size()), owned_(history.operations.size()) {
  for (size_t i = 0; i < history.operations.size(); ++i) {
    if (is_acknowledged_write(history.operations[i])) claim_acknowledged(i);
  }
  claim_unknown();
}

void Ownership::complain(std::string what) {
  violations_.push_back({"linear", std::move(what)});
}

// --- acknowledged writes

void Ownership::claim_acknowledged(size_t operation) {
  const Operation& op = history_.operations[operation];
  const auto position = model_.find(op.zxid);
  if (!position) return;  // lost: check_durable names it
  if (op.call.action == Action::close_session) return claim_close(operation, *position);
  if (owners_[*position]) {
    return complain(fmt::format("{} and {} were both told transaction {}", name_of(history_, *owners_[*position]),
                                name_of(history_, operation), name_of(op.zxid)));
  }
  owners_[*position] = operation;
  owned_[operation] = op.zxid;
  check_match(operation, history_.log[*position]);
}

// A close is acknowledged too when the cell had closed the session by itself just before.
void Ownership::claim_close(size_t operation, size_t position) {
  const Operation& op = history_.operations[operation];
  const SessionId id = index_.session_of(op);
  const Model::Session* session = model_.session(id);
  if (session == nullptr || !session->closed || *session->closed > position) {
    return complain(fmt::format("{} was told at {} that session {:#x} is closed, and it was open",
                                name_of(history_, operation), name_of(op.zxid), id.value));
  }
  if (*session->closed != position) return;
  owners_[position] = operation;
  owned_[operation] = op.zxid;
}

void Ownership::check_match(size_t operation, const Transaction& transaction) {
  const Operation& op = history_.operations[operation];
  const std::string who = fmt::format("{}, transaction {}", name_of(history_, operation), name_of(transaction.zxid));
  const SessionId session = index_.session_of(op);
  if (transaction.session != session) {
    complain(fmt::format("{}: asked in session {:#x}, done for session {:#x}", who, session.value,
                         transaction.session.value));
  }
  if (is_answered(op) && (transaction.first_applied < op.invoked || transaction.first_applied > op.completed)) {
    complain(fmt::format("{}: told at {}, and first applied at {}", who, name_of(op.completed),
                         name_of(transaction.first_applied)));
  }
  const auto calls = calls_of(op);
  const auto answers = is_answered(op) ? answers_of(op) : std::span<const Answer>();
  if (calls.size() != transaction.changes.size()) {
    return complain(fmt::format("{}: {} changes instead of {}", who, transaction.changes.size(), calls.size()));
  }
  for (size_t i = 0; i < calls.size(); ++i) {
    const Position at{transaction.zxid, static_cast<uint32_t>(i)};
    const Answer* answer = i < answers.size() ? &answers[i] : nullptr;
    const std::string wrong = mismatch(calls[i], answer, transaction.changes[i], at, session);
    if (!wrong.empty()) complain(fmt::format("{}: {}", who, wrong));
  }
}

// Empty: the change is what was asked for, and the answer tells of it.
std::string Ownership::mismatch(const Call& call, const Answer* answer, const Change& change, Position at,
                                SessionId session) const {
  switch (call.action) {
    case Action::create: {
      const auto* created = std::get_if<Created>(&change);
      if (created == nullptr) return "is no create";
      if (auto wrong = wrong_path(call, *created, at); !wrong.empty()) return wrong;
      if (created->data != call.data) return fmt::format("data '{}' instead of '{}'", created->data, call.data);
      if (created->owner != (call.ephemeral ? session : SessionId())) return "the owner of the node is wrong";
      if (answer != nullptr && answer->created != created->path) {
        return fmt::format("the client was told the path {}, created was {}", answer->created, created->path);
      }
      return wrong_stat(answer, created->path, at);
    }
    case Action::set: {
      const auto* set = std::get_if<DataSet>(&change);
      if (set == nullptr || set->path != call.path) return "is no set of that node";
      if (set->data != call.data) return fmt::format("data '{}' instead of '{}'", set->data, call.data);
      if (auto wrong = wrong_version(call, at); !wrong.empty()) return wrong;
      return wrong_stat(answer, set->path, at);
    }
    case Action::remove: {
      const auto* removed = std::get_if<Removed>(&change);
      return removed == nullptr || removed->path != call.path ? "is no remove of that node" : wrong_version(call, at);
    }
    default: {
      const auto* checked = std::get_if<Checked>(&change);
      return checked == nullptr || checked->path != call.path ? "is no check of that node" : wrong_version(call, at);
    }
  }
}

std::string Ownership::wrong_version(const Call& call, Position at) const {
  const Node* before = model_.node_before(call.path, at);
  if (call.version == -1 || before == nullptr || before->stat.version == call.version) return {};
  return fmt::format("asked for version {}, done at version {}", call.version, before->stat.version);
}

std::string Ownership::wrong_path(const Call& call, const Created& created, Position at) const {
  std::string expected = call.path;
  if (call.sequential) {
    const std::string_view parent = parent_of(call.path);
    const Node* before = model_.node_before(parent, at);
    if (before == nullptr || !is_judged(parent)) return {};
    expected += fmt::format("{:010}", before->creates);
  }
  if (created.path == expected) return {};
  return fmt::format("created {}, expected {}", created.path, expected);
}

std::string Ownership::wrong_stat(const Answer* answer, std::string_view path, Position at) const {
  if (answer == nullptr || !answer->stat || !is_judged(path)) return {};
  const Node* node = model_.node(path, at);
  if (node == nullptr || node->stat == *answer->stat) return {};
  return fmt::format("the client was told {}; it is {}", name_of(*answer->stat), name_of(node->stat));
}

// --- writes whose outcome is unknown

// What the cell does without being asked. A close that nobody asked for is an expiry: check_expiry judges it.
bool Ownership::is_own_doing(const Transaction& transaction) const {
  return std::ranges::all_of(transaction.changes, [&](const Change& change) {
    if (std::holds_alternative<EpochStarted>(change) || std::holds_alternative<SessionOpened>(change) ||
        std::holds_alternative<SessionClosed>(change) || std::holds_alternative<Other>(change)) {
      return true;
    }
    const auto* set = std::get_if<DataSet>(&change);
    return set != nullptr && transaction.session == SessionId() && !is_judged(set->path);
  });
}

// Empty: the transaction can be the effect of this operation, whose outcome is unknown.
std::string Ownership::why_not(size_t operation, const Transaction& transaction) const {
  const Operation& op = history_.operations[operation];
  if (index_.session_of(op) != transaction.session) return "asked in another session";
  if (is_ok(op)) return fmt::format("was told transaction {}", name_of(op.zxid));
  if (is_answered(op)) return fmt::format("was refused: {}", name_of(code_of(op)));
  if (owned_[operation]) return fmt::format("took effect already, as transaction {}", name_of(*owned_[operation]));
  if (op.invoked > transaction.first_applied) return "was invoked later";
  if (index_.told_before(operation) >= transaction.zxid) {
    return fmt::format("was invoked when {} had been told", name_of(index_.told_before(operation)));
  }
  if (index_.own_write_behind(operation) < transaction.zxid) {
    return fmt::format("stands before a write of its client that took effect as {}",
                       name_of(index_.own_write_behind(operation)));
  }
  if (const auto latest = latest_.find(transaction.session); latest != latest_.end() && operation < latest->second) {
    return fmt::format("stands before {}, which took effect earlier", name_of(history_, latest->second));
  }
  return {};
}

bool Ownership::asked_for_other_versions(size_t operation, const Transaction& transaction) const {
  const auto calls = calls_of(history_.operations[operation]);
  for (size_t i = 0; i < calls.size(); ++i) {
    const Position at{transaction.zxid, static_cast<uint32_t>(i)};
    if (calls[i].action != Action::create && !wrong_version(calls[i], at).empty()) return true;
  }
  return false;
}

// Candidates are tried in the order of invocation. Both ends of their windows only move forward with it, so the first
// that fits is never one that only a later transaction could use. A session's requests take effect in their order, so
// one that is passed by a later one is used up; and so is one that asked for another version, since its place is
// passed.
void Ownership::claim_unknown() {
  struct Candidates {
    std::vector<size_t> operations;
    size_t next = 0;  // all before it are used up
  };
  std::unordered_map<std::string, Candidates> candidates;  // never iterated
  const auto key = [](SessionId session, const std::string& what) {
    return fmt::format("{}\n{}", session.value, what);
  };
  for (size_t i = 0; i < history_.operations.size(); ++i) {
    const Operation& op = history_.operations[i];
    if (!is_write(op.call.action) || is_answered(op)) continue;
    candidates[key(index_.session_of(op), signature(calls_of(op)))].operations.push_back(i);
  }
  for (size_t position = 0; position < history_.log.size(); ++position) {
    const Transaction& transaction = history_.log[position];
    if (owners_[position]) note_owner(position);
    if (owners_[position] || transaction.changes.empty()) continue;
    const auto found = candidates.find(key(transaction.session, signature(transaction)));
    if (found != candidates.end()) {
      auto& [operations, next] = found->second;
      const size_t latest = latest_.contains(transaction.session) ? latest_[transaction.session] : 0;
      while (next < operations.size() &&
             (index_.own_write_behind(operations[next]) < transaction.zxid || operations[next] < latest ||
              asked_for_other_versions(operations[next], transaction))) {
        ++next;
      }
      if (next < operations.size() && why_not(operations[next], transaction).empty()) {
        owners_[position] = operations[next];
        owned_[operations[next]] = transaction.zxid;
        if (!closes_session(transaction)) check_match(operations[next], transaction);
        note_owner(position);
        ++next;
      }
    }
    if (!owners_[position] && !is_own_doing(transaction)) complain_unowned(position);
  }
}

void Ownership::note_owner(size_t position) {
  size_t& latest = latest_[history_.log[position].session];
  latest = std::max(latest, *owners_[position]);
}

// The nearest explanation, for the person who has to find the cause.
void Ownership::complain_unowned(size_t position) {
  const Transaction& transaction = history_.log[position];
  const std::string wanted = signature(transaction);
  std::string nearest;
  for (size_t i = 0; i < history_.operations.size(); ++i) {
    const Operation& op = history_.operations[i];
    if (!is_write(op.call.action) || signature(calls_of(op)) != wanted) continue;
    nearest += fmt::format("; {} {}", name_of(history_, i), why_not(i, transaction));
  }
  complain(fmt::format("transaction {} of session {:#x} ({}) belongs to no operation{}", name_of(transaction.zxid),
                       transaction.session.value, wanted.substr(0, wanted.find('\n')),
                       nearest.empty() ? "; nobody asked for it" : nearest));
}

}  // namespace conclave::sim::check
