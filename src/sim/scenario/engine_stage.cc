#include "sim/scenario/engine_stage.h"

#include <algorithm>
#include <fmt/format.h>
#include <utility>

namespace conclave::sim::scenario {
namespace {

using consensus::Role;
using explore::Action;
using explore::ActionKind;

const std::string kNothingChanges = "  nothing changes";
constexpr size_t kSettleMax = 10'000;  // actions

// Without the times on messages: they say nothing to a reader.
std::string without_times(std::string text) {
  for (const std::string_view name : {" stamp=", " retry_after="}) {
    const size_t begin = text.find(name);
    if (begin == std::string::npos) continue;
    const size_t end = std::min(text.find(' ', begin + 1), text.size());
    text.erase(begin, end - begin);
  }
  return text;
}

std::string_view name_of(Role role) {
  switch (role) {
    case Role::follower:
      return "follower";
    case Role::candidate:
      return "candidate";
    case Role::synchronising:
      return "synchronising";
    case Role::master:
      return "master";
    case Role::observer:
      return "observer";
  }
  return "";
}

std::string text_of(const consensus::Persist& persist) {
  std::string text;
  if (persist.hard_state) {
    text += fmt::format(" promised={} committed={}", to_string(persist.hard_state->promised),
                        persist.hard_state->committed.value);
  }
  if (persist.truncate_from) text += fmt::format(" cut from {}", persist.truncate_from->value);
  for (const consensus::Entry& entry : persist.entries) text += fmt::format(" [{}]", to_string(entry));
  return text;
}

// The script is right and what it expects has not come about: the steps after it still show where that leads.
Result<> impossible(const std::string& why, Output& out) {
  out.push_back(std::string(kNot) + "possible: " + why);
  return {};
}

bool touches(const std::string& part, uint8_t id) {
  return part == "*" || part == std::to_string(id);
}

}  // namespace

Result<std::unique_ptr<EngineStage>> EngineStage::make(Command& command, Output&) {
  explore::ExploreOptions options;
  if (command.has_word()) {
    const auto kind = consensus::parse_engine_kind(command.word());
    if (!kind) return std::unexpected(kind.error());
    options.engine = *kind;
  }
  const auto replicas = command.number("replicas", 3);
  if (!replicas) return std::unexpected(replicas.error());
  const std::string leases = command.text("leases", "off");
  if (leases != "on" && leases != "off") return wrong("leases: expected on or off");
  options.replicas = static_cast<uint8_t>(std::clamp<int64_t>(*replicas, 0, UINT8_MAX));
  options.leases = leases == "on";
  if (const std::string bad = explore::check(options); !bad.empty()) return wrong(bad);
  if (auto finished = command.finished(); !finished) return std::unexpected(finished.error());
  return std::unique_ptr<EngineStage>(new EngineStage(options));
}

Result<> EngineStage::perform(Command& command, Output& out) {
  static const std::vector<std::pair<std::string_view, ActionKind>> kMoves = {
      {"deliver", ActionKind::deliver}, {"duplicate", ActionKind::duplicate}, {"drop", ActionKind::drop}};
  static const std::vector<std::pair<std::string_view, ActionKind>> kActions = {
      {"timeout", ActionKind::timeout}, {"resend", ActionKind::resend},    {"tick", ActionKind::tick},
      {"crash", ActionKind::crash},     {"restart", ActionKind::restart},  {"propose", ActionKind::propose},
      {"read", ActionKind::read},       {"transfer", ActionKind::transfer}};
  for (const auto& [name, kind] : kMoves) {
    if (command.take(name)) return move_messages(kind, command, out);
  }
  for (const auto& [name, kind] : kActions) {
    if (command.take(name)) return at_replica(kind, command, out);
  }
  if (command.take("written")) return written(command, out);
  if (command.take("settle")) return settle(out), Result<>();
  if (command.take("state")) return state(out), Result<>();
  if (command.take("network")) return network(out), Result<>();
  return wrong(fmt::format("engines know no command \"{}\"", command.word()));
}

Result<uint8_t> EngineStage::place(const std::string& word) const {
  const auto number = parse_whole(word);
  if (!number || *number < 1 || *number > size_) return wrong(fmt::format("\"{}\" is no replica", word));
  return static_cast<uint8_t>(*number - 1);
}

Result<> EngineStage::move_messages(ActionKind kind, Command& command, Output& out) {
  const std::string link = command.word();
  const std::string type = command.word();
  const size_t arrow = link.find("->");
  if (arrow == std::string::npos) return wrong("expected FROM->TO");
  const std::string from = link.substr(0, arrow), to = link.substr(arrow + 2);
  std::vector<explore::MessageId> chosen;
  for (const explore::MessageId id : world_.network) {
    const explore::Sent& sent = cell_.messages()[id];
    const bool is_wanted = touches(from, sent.from.value) && touches(to, sent.to.value) &&
                           (type.empty() || cell_.describe_message(id).contains("  " + type));
    const bool arrives = kind == ActionKind::drop || at(static_cast<uint8_t>(sent.to.value - 1)).engine != nullptr;
    if (is_wanted && arrives) chosen.push_back(id);
  }
  if (chosen.empty()) return impossible(fmt::format("nothing in flight fits {} {}", link, type), out);
  for (const explore::MessageId id : chosen) {
    const Action action{kind, static_cast<uint8_t>(cell_.messages()[id].to.value - 1), id};
    out.push_back(without_times(cell_.describe(action, world_)));
    act(action, out);
  }
  return {};
}

Result<> EngineStage::at_replica(ActionKind kind, Command& command, Output& out) {
  std::string word = command.word();
  uint32_t argument = 0;
  if (kind == ActionKind::transfer) {
    const size_t arrow = word.find("->");
    if (arrow == std::string::npos) return wrong("expected FROM->TO");
    const auto to = place(word.substr(arrow + 2));
    if (!to) return std::unexpected(to.error());
    argument = *to + 1u;
    word.resize(arrow);
  }
  const auto replica = place(word);
  if (!replica) return std::unexpected(replica.error());
  const explore::ReplicaState& state = at(*replica);
  if ((state.engine == nullptr) != (kind == ActionKind::restart)) {
    return impossible(fmt::format("replica {} {}", word, state.engine ? "runs" : "does not run"), out);
  }
  if (kind == ActionKind::crash) {
    const auto kept = command.number("kept", 0);
    if (!kept) return std::unexpected(kept.error());
    if (*kept < 0 || static_cast<size_t>(*kept) > state.writing.size()) {
      return impossible(fmt::format("kept={}: {} writes are under way", *kept, state.writing.size()), out);
    }
    argument = static_cast<uint32_t>(*kept);
  }
  act({kind, *replica, argument}, out);
  return {};
}

Result<> EngineStage::written(Command& command, Output& out) {
  const auto replica = place(command.word());
  if (!replica) return std::unexpected(replica.error());
  size_t count = at(*replica).writing.size();
  if (count == 0) return impossible(fmt::format("replica {} writes nothing", *replica + 1), out);
  if (command.has_word()) {
    const auto number = parse_whole(command.word());
    if (!number) return std::unexpected(number.error());
    count = std::min(count, static_cast<size_t>(*number));
  }
  for (; count > 0; --count) act({ActionKind::written, *replica, 0}, out);
  return {};
}

void EngineStage::settle(Output& out) {
  for (size_t n = 0; n < kSettleMax; ++n) {
    uint8_t writer = 0;
    while (writer < size_ && at(writer).writing.empty()) ++writer;
    if (writer < size_) {
      act({ActionKind::written, writer, 0}, out);
      continue;
    }
    const auto next = std::ranges::find_if(world_.network, [this](explore::MessageId id) {
      return at(static_cast<uint8_t>(cell_.messages()[id].to.value - 1)).engine != nullptr;
    });
    if (next == world_.network.end()) return;
    const explore::MessageId id = *next;
    Output said;
    act({ActionKind::deliver, static_cast<uint8_t>(cell_.messages()[id].to.value - 1), id}, said);
    if (said != Output{kNothingChanges}) std::ranges::move(said, std::back_inserter(out));
  }
  out.push_back(std::string(kNot) + "settled");
}

void EngineStage::act(Action action, Output& out) {
  const explore::ReplicaState before = at(action.replica);
  const bool changed = cell_.act(action, &world_);
  if (!changed) out.push_back(kNothingChanges);
  if (changed && action.kind != ActionKind::drop) tell_changes(action.replica, before, out);
  if (!cell_.violation().empty()) out.push_back(std::string(kFound) + cell_.violation());
}

void EngineStage::tell_changes(uint8_t place, const explore::ReplicaState& before, Output& out) const {
  const explore::ReplicaState& now = at(place);
  const int id = place + 1;
  if (now.engine && (now.role.role != before.role.role || now.role.ballot != before.role.ballot)) {
    out.push_back(fmt::format("  {} is {}, ballot {}", id, name_of(now.role.role), to_string(now.role.ballot)));
  }
  for (size_t i = before.given.size(); i < now.given.size(); ++i) {
    out.push_back(fmt::format("  {} gives out [{}]", id, to_string(now.given[i])));
  }
  if (cell_.happened().reads_granted > 0) out.push_back(fmt::format("  {} grants the read", id));
  for (const explore::Writing& writing : now.writing) {
    const bool is_old = std::ranges::any_of(
        before.writing, [&](const auto& old) { return old.persist.number == writing.persist.number; });
    if (!is_old) out.push_back(fmt::format("  {} writes{}", id, text_of(writing.persist)));
  }
  for (const std::string& sent : cell_.describe_sent()) out.push_back("  " + without_times(sent));
}

void EngineStage::state(Output& out) const {
  for (uint8_t i = 0; i < size_; ++i) {
    const explore::ReplicaState& replica = at(i);
    std::string line = fmt::format("{}: ", i + 1);
    line += replica.engine ? fmt::format("{} {}", name_of(replica.role.role), to_string(replica.role.ballot)) : "down";
    line += fmt::format(", promised {}, log", to_string(replica.hard_state.promised));
    for (const consensus::Entry& entry : replica.journal) line += fmt::format(" [{}]", to_string(entry));
    line += fmt::format(", gave out {}", replica.given.size());
    out.push_back(std::move(line));
  }
}

void EngineStage::network(Output& out) const {
  for (const explore::MessageId id : world_.network) {
    out.push_back("in flight: " + without_times(cell_.describe_message(id)));
  }
}

}  // namespace conclave::sim::scenario
