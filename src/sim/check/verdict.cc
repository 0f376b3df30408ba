#include "sim/check/verdict.h"

#include <algorithm>
#include <fmt/format.h>
#include <map>

namespace conclave::sim::check {
namespace {

// The tree at one zxid, and on top of it what earlier parts of the same multi did.
class Scratch {
 public:
  Scratch(const Model& model, Zxid at) : model_(model), at_(at) {}

  Code run(const Call& call) {
    switch (call.action) {
      case Action::create:
        return create(call);
      case Action::remove:
        return remove(call);
      case Action::set:
        return set(call);
      default:
        return check(call);
    }
  }

 private:
  struct State {
    bool exists = false;
    bool ephemeral = false;
    int32_t version = 0;
    int32_t children = 0;
    int32_t creates = 0;
  };

  State& at(std::string_view path) {
    const auto [place, is_new] = touched_.try_emplace(std::string(path));
    const Node* node = is_new ? model_.node(path, at_) : nullptr;
    if (node != nullptr) {
      place->second = {.exists = true,
                       .ephemeral = node->stat.ephemeral_owner != SessionId(),
                       .version = node->stat.version,
                       .children = node->stat.num_children,
                       .creates = node->creates};
    }
    return place->second;
  }

  Code create(const Call& call) {
    State& parent = at(parent_of(call.path));
    if (!parent.exists) return Code::no_node;
    State& node = at(call.sequential ? fmt::format("{}{:010}", call.path, parent.creates) : call.path);
    if (node.exists) return Code::node_exists;
    if (parent.ephemeral) return Code::no_children_for_ephemerals;
    ++parent.children;
    ++parent.creates;
    node = {.exists = true, .ephemeral = call.ephemeral};
    return Code::ok;
  }

  Code remove(const Call& call) {
    State& node = at(call.path);
    if (const Code code = check(call); code != Code::ok) return code;
    if (node.children > 0) return Code::not_empty;
    --at(parent_of(call.path)).children;
    node = {};
    return Code::ok;
  }

  Code set(const Call& call) {
    if (const Code code = check(call); code != Code::ok) return code;
    ++at(call.path).version;
    return Code::ok;
  }

  Code check(const Call& call) {
    const State& node = at(call.path);
    if (!node.exists) return Code::no_node;
    return call.version == -1 || call.version == node.version ? Code::ok : Code::bad_version;
  }

  const Model& model_;
  const Zxid at_;
  std::map<std::string, State> touched_;
};

}  // namespace

Verdict judge(const Model& model, Zxid at, std::span<const Call> calls) {
  Scratch scratch(model, at);
  for (size_t i = 0; i < calls.size(); ++i) {
    if (const Code code = scratch.run(calls[i]); code != Code::ok) return {.code = code, .part = i};
  }
  return {};
}

bool was_ever(const Model& model, Verdict verdict, std::span<const Call> calls, Zxid from, Zxid to) {
  if (from > to) return false;
  std::vector<Zxid> moments{from};
  for (const Call& call : calls) {
    model.add_changes(call.path, from, to, &moments);
    model.add_changes(parent_of(call.path), from, to, &moments);
  }
  std::ranges::sort(moments);
  moments.erase(std::ranges::unique(moments).begin(), moments.end());
  return std::ranges::any_of(moments, [&](Zxid at) {
    const Verdict then = judge(model, at, calls);
    return then.code == verdict.code && (!verdict.part || then.part == verdict.part);
  });
}

bool is_judged(Code code) {
  switch (code) {
    case Code::ok:
    case Code::no_node:
    case Code::bad_version:
    case Code::node_exists:
    case Code::not_empty:
    case Code::no_children_for_ephemerals:
      return true;
    default:
      return false;
  }
}

}  // namespace conclave::sim::check
